"""The pictures of link previews: which are wanted, what stands in them, when they are drawn again."""

from __future__ import annotations

import io
from pathlib import Path

import altair as alt
import pandas as pd
import pytest
from log_project import drawn
from PIL import Image

from analysis.figures.draw import Artefact
from analysis.pages.preview_cards import HEADLINE, MOST_LINES, SMALLEST, WIDTH, card, wrapped, write_cards
from analysis.plan.paths import Paths
from sae.errors import RenderError

CHART = alt.Chart(pd.DataFrame({"x": [1, 2]})).mark_bar(color="#b84e00").encode(x="x:Q")
BROWN = (184, 78, 0)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = Paths(tmp_path)
    for folder in (paths.generated, paths.built_assets, paths.report):
        folder.mkdir(parents=True, exist_ok=True)
    fragment = f'<script type="application/json" class="chart-spec">{CHART.to_json()}</script>'
    (paths.generated / "bars.md").write_text(fragment)
    (paths.generated / "words.md").write_text("a table")
    (paths.root / "_quarto.yml").write_text("website:\n  image: report/assets/generated/card-bars.png\n")
    return paths


def write(paths: Paths, *pages: Path, title: str = "Bars go up") -> list[Artefact]:
    made = [Artefact(**{**vars(drawn(name)), "title": title}) for name in ("bars", "words")]
    write_cards(list(pages), made, "Site", paths)
    return made


def test_a_card_shows_the_chart_at_the_size_that_is_asked_for() -> None:
    picture = Image.open(io.BytesIO(card("Bars go up", CHART.to_json(), "Site")))
    assert picture.size == (1200, 630)
    colours = {colour for _, colour in picture.getcolors(100_000)}
    assert BROWN in colours
    assert card("Bars go up", CHART.to_json(), "Site") == card("Bars go up", CHART.to_json(), "Site")
    assert card("Bars go down", CHART.to_json(), "Site") != card("Bars go up", CHART.to_json(), "Site")


def test_the_settings_and_pages_ask_for_cards_and_only_changed_ones_are_drawn(paths: Paths) -> None:
    target = paths.built_assets / "card-bars.png"
    write(paths)
    first, when = target.read_bytes(), target.stat().st_mtime_ns
    write(paths)
    assert target.stat().st_mtime_ns == when
    write(paths, title="Bars go down")
    assert target.read_bytes() != first


def test_a_damaged_card_is_drawn_again_and_said(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    target = paths.built_assets / "card-bars.png"
    write(paths)
    whole = target.read_bytes()
    target.write_bytes(whole[:-100])
    write(paths)
    assert target.read_bytes() == whole
    assert capsys.readouterr().err == f"{paths.relative(target)} is not what was written: it is made again\n"


@pytest.mark.parametrize("name", ["words", "nothing"])
def test_a_card_of_no_chart_is_refused_with_the_page(paths: Paths, name: str) -> None:
    page = paths.report / "one.qmd"
    page.write_text(f"---\ntitle: One\nimage: assets/generated/card-{name}.png\n---\n")
    with pytest.raises(RenderError, match=rf"report/one\.qmd: .*there is no chart '{name}'"):
        write(paths, page)


def test_words_of_any_number_stay_on_the_card() -> None:
    lines, font = wrapped("short", WIDTH)
    assert lines == ["short"] and font.size == HEADLINE
    long = " ".join(f"word{n}" for n in range(27))
    lines, font = wrapped(long, WIDTH - 112)
    assert " ".join(lines) == long and len(lines) <= MOST_LINES and SMALLEST <= font.size < HEADLINE
    assert all(font.getlength(line) <= WIDTH - 112 for line in lines)
    lines, font = wrapped(long * 2, WIDTH - 112)
    assert len(lines) == MOST_LINES and lines[-1].endswith(" …") and font.size == SMALLEST
    assert all(font.getlength(line) <= WIDTH - 112 for line in lines)
