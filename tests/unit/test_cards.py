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
from analysis.figures.image_sheets import USUAL
from analysis.pages.preview_cards import (
    HEADLINE,
    MOST_LINES,
    SMALLEST,
    WIDTH,
    card,
    chart_picture,
    wrapped,
    write_cards,
)
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
    bars = chart_picture(CHART.to_json())
    first = card("Bars go up", bars, "Site")
    picture = Image.open(io.BytesIO(first))
    assert picture.size == (1200, 630)
    colours = {colour for _, colour in picture.getcolors(100_000)}
    assert BROWN in colours
    assert card("Bars go up", bars, "Site") == first
    assert card("Bars go down", bars, "Site") != first


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
    with pytest.raises(RenderError, match=rf"report/one\.qmd: .*there is no chart and no grid of images '{name}'"):
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


RED = (200, 10, 10)


def of_pictures(*files: str) -> str:
    data = pd.DataFrame({"x": range(len(files)), "file": files})
    chart = alt.Chart(data).mark_image(width=60, height=60).encode(x="x:Q", url="way:N")
    return chart.transform_calculate(way="datum.file").to_json()


def put_chart(paths: Paths, *files: str) -> None:
    (paths.generated / "bars.md").write_text(f'<script class="chart-spec">{of_pictures(*files)}</script>')


def colours(paths: Paths) -> set[tuple[int, int, int]]:
    with Image.open(paths.built_assets / "card-bars.png") as made:
        return {colour for _, colour in made.convert("RGB").getcolors(100_000)}


@pytest.mark.parametrize("name", ["a b.png", "c.webp", "d.gif", "e.svg"])
def test_pictures_of_the_project_stand_in_a_card_and_a_changed_one_is_drawn_anew(paths: Paths, name: str) -> None:
    def paint(colour: tuple[int, int, int]) -> None:
        if name.endswith(".svg"):
            path = f'<path fill="rgb{colour}" d="M0 0h9v9H0"/>'
            svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">{path}</svg>'
            (paths.report / name).write_text(svg)
        else:
            Image.new("RGB", (9, 9), colour).save(paths.report / name, lossless=True)

    paint(RED)
    for address in (f"/report/{name}", name):
        put_chart(paths, address)
        write(paths)
        assert RED in colours(paths)
    paint(BROWN)
    write(paths)
    assert BROWN in colours(paths) and RED not in colours(paths)


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("https://a.example/b.png", r"picture https://a\.example/b\.png, which is no file of the project"),
        ("/report/gone.png", "is no file of the project"),
        ("/../out.png", "is no file of the project"),
        ("/report/cut.png", r"picture report/cut\.png, which is no whole picture"),
    ],
)
def test_a_picture_that_cannot_stand_in_a_card_is_told(paths: Paths, address: str, says: str) -> None:
    made = io.BytesIO()
    Image.effect_noise((30, 30), 90).save(made, "PNG")
    (paths.report / "cut.png").write_bytes(made.getvalue()[:-30])
    put_chart(paths, address)
    with pytest.raises(RenderError, match=rf"^_quarto\.yml: image: card-bars\.png: its chart shows .*{says}"):
        write(paths)


def test_a_grid_of_images_stands_in_a_card_and_changes_with_its_pictures(paths: Paths) -> None:
    def put(colour: tuple[int, int, int]) -> None:
        Image.new("RGB", (2 * USUAL, 2), colour).save(sprite, lossless=True)

    sprite = paths.built_assets / "explorer/site/sprite.webp"
    sprite.parent.mkdir(parents=True)
    row = (
        '<div class="grid-head"><b>Row A</b></div><div class="grid-cells"><figure><div class="digits">{}</div></figure>'
    )
    cells = '<i style="--x:0;--y:0"></i><i style="--x:49;--y:0"></i>'
    grid = (
        f'<div class="quiz"><div class="depth-grid"><div class="grid-row">{row.format(cells)}</div></div></div></div>'
    )
    (paths.generated / "bars.md").write_text(grid)
    for colour, other in ((RED, BROWN), (BROWN, RED)):
        put(colour)
        write(paths)
        assert colour in colours(paths) and other not in colours(paths)
