"""What a page weighs, by hand-made files whose bytes are known; and that each limit can be passed."""

from __future__ import annotations

import gzip
import random
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.site.check import budgets
from analysis.site.check.budgets import CHARTS, CODE, ELSEWHERE, FILES, FIRST, HTML, MORE, SIZE, Spent, code_of, spent
from analysis.site.check.folder import Folder, read
from analysis.site.check.visits import Visit


def noise(size: int) -> str:
    """Text that gzip makes little of: hexadecimal digits, so about half of its bytes are left."""
    return random.Random(0).randbytes(size).hex()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    head = '<link rel="stylesheet" href="a.css"><script src="a.js"></script><link rel="canonical" href="b.js">'
    (tmp_path / "index.html").write_text(f"<html><head>{head}</head><body></body></html>")
    (tmp_path / "charts.html").write_text('<html><body><div class="wide chart"></div></body></html>')
    (tmp_path / "a.css").write_text('@import "deep.css"; a { background: url(picture.webp) }')
    (tmp_path / "deep.css").write_text("b { color: red }")
    for name in ("a.js", "b.js", "late.js"):
        (tmp_path / name).write_text(f"// {name}")
    (tmp_path / "picture.webp").write_bytes(b"0" * 1000)
    (tmp_path / CHARTS).parent.mkdir(parents=True)
    (tmp_path / CHARTS).write_text("vega")
    return tmp_path


def of(used: list[Spent], budget: budgets.Budget) -> Spent:
    return next(one for one in used if one.budget is budget)


def look(site: Path, **visits: Visit) -> tuple[Folder, list[Spent]]:
    folder = read(site, "")
    return folder, spent(folder, {f"{name}.html": one for name, one in visits.items()})


def test_text_counts_as_gzip_sends_it_and_a_picture_as_it_lies(site: Path) -> None:
    (site / "long.html").write_text("<html>" + "x" * 10_000)
    folder, used = look(site)
    assert folder.transfer("picture.webp") == 1000
    assert folder.transfer("long.html") == len(gzip.compress((site / "long.html").read_bytes(), 6)) < 200
    assert of(used, HTML).value == max(folder.transfer(name) for name in folder.pages)


def test_code_is_what_tags_and_imports_load(site: Path) -> None:
    folder, used = look(site)
    wanted = {"a.css", "deep.css", "a.js"}
    assert code_of(folder, folder.pages["index.html"]) == wanted
    assert (of(used, CODE).page, of(used, CODE).value) == ("index.html", sum(map(folder.transfer, wanted)))
    assert (of(used, MORE).page, of(used, MORE).value) == ("charts.html", folder.transfer(CHARTS))
    assert not any(one.budget is FIRST for one in used)


def test_code_that_a_browser_saw_counts_too_but_not_the_runtime_of_charts(site: Path) -> None:
    visit = Visit("index.html", code=frozenset({"late.js", CHARTS, "gone.js"}), first=frozenset({"picture.webp"}))
    folder, used = look(site, index=visit)
    assert code_of(folder, folder.pages["index.html"], visit) == {"a.css", "deep.css", "a.js", "late.js"}
    assert (of(used, FIRST).page, of(used, FIRST).value) == ("index.html", 1000)


def test_headroom_is_the_share_that_is_left() -> None:
    assert Spent(HTML, 37_500, "a.html").headroom == 0.75
    assert Spent(HTML, 150_000, "a.html").kept and not Spent(HTML, 150_001, "a.html").kept
    assert Spent(ELSEWHERE, 0, "").headroom is None and not Spent(ELSEWHERE, 1, "a.html").kept
    assert Spent(replace(CODE, binding=False), 10**9, "a.html").kept


@pytest.mark.parametrize(
    "file, size, name", [("index.html", 160_000, HTML), ("a.css", 70_000, CODE), (CHARTS, 410_000, MORE)]
)
def test_a_file_that_is_too_big_is_over_budget(site: Path, file: str, size: int, name: budgets.Budget) -> None:
    assert list(budgets.findings(look(site)[1])) == []
    (site / file).write_text((site / file).read_text() + "<!-- " + noise(size))
    (over,) = budgets.findings(look(site)[1])
    assert over.kind == "over budget" and name.name in over.message
    assert over.page == ("charts.html" if file == CHARTS else "index.html")


def test_a_first_view_too_many_files_and_a_heavy_site_are_over_budget(site: Path) -> None:
    folder = read(site, "")
    folder.files.update({f"{n}.png": 26_000 for n in range(2_000)})
    folder._weights["0.png"] = 1_500_001
    used = spent(folder, {"index.html": Visit("index.html", first=frozenset({"0.png"}))})
    assert [(one.page, one.message.split(":")[0]) for one in budgets.findings(used)] == [
        ("index.html", FIRST.name),
        ("the site", SIZE.name),
        ("the site", FILES.name),
    ]


def test_requests_elsewhere_are_counted_from_tags_and_from_the_browser(site: Path) -> None:
    assert of(look(site)[1], ELSEWHERE).value == 0
    assert of(look(site, charts=Visit("charts.html", elsewhere=3))[1], ELSEWHERE).value == 3
    (site / "index.html").write_text('<html><script src="https://cdn.example/x.js"></script></html>')
    assert (of(look(site)[1], ELSEWHERE).page, of(look(site)[1], ELSEWHERE).kept) == ("index.html", False)


def test_code_that_came_with_quarto_is_told_and_not_held_against_us(site: Path) -> None:
    (site / "site_libs/quarto-html").mkdir(parents=True)
    (site / "site_libs/quarto-html/big.js").write_text("//" + noise(70_000))
    (site / "index.html").write_text('<html><script src="site_libs/quarto-html/big.js"></script></html>')
    used = look(site)[1]
    assert of(used, CODE).value == 0 and of(used, budgets.CODE_WITH_QUARTO).value > 60_000
    assert list(budgets.findings(used)) == []
