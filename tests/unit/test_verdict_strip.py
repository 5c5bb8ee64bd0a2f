"""The strip of verdicts: what each box says, where no line is drawn, and what can be pointed at."""

from __future__ import annotations

import math
import re

import pytest
from planted_tables import Planted, write

from analysis.figures.kinds.verdict_strip import verdict_strip
from analysis.figures.strip_picture import Depth, strip
from analysis.figures.svg_words import LETTER, wrapped
from analysis.figures.verdict_cells import said_p
from analysis.site.lesswrong.markup import parse

NAN = math.nan
DEPTHS = [
    Depth(1, "structure", "random directions", 0.05, 0.04, 0.06),
    Depth(2, "copy", "stored rows", -0.02, NAN, NAN),
    Depth(3, "collapse", "", NAN, NAN, NAN),
    Depth(4, "undecided", "stored rows", 0.01, -0.01, 0.03),
]
FLOORS = {"stored rows": {1: 0.07, 2: -0.02, 4: 0.01}, "far away": {1: 5.0, 2: 6.0}, "random directions": {1: 0.05}}


@pytest.mark.parametrize("phone", [False, True])
def test_a_box_has_the_word_the_distance_and_the_name_of_its_floor(phone):
    tree = parse(strip(DEPTHS, FLOORS, 350 if phone else 680, phone=phone))
    said = re.sub(r"\s+", " ", " ".join(text.text() for text in tree.all("tspan")))
    for depth, (word, distance, floor) in enumerate(
        [("structure", "+0.050", "random"), ("copy", "−0.020", "stored"), ("collapse", "–", "no floor"),
         ("undecided", "+0.010", "stored")], 1
    ):  # fmt: skip
        assert re.search(rf"depth {depth} {word} {re.escape(distance)} (from )?{floor}", said), said
    assert ("for-phones" in tree.elements[0].classes) == phone


def test_no_line_and_no_band_goes_over_a_depth_without_a_number():
    html = strip(DEPTHS, FLOORS, 680, phone=False)
    lines = re.findall(r'<path d="([^"]+)" fill="none" stroke="var\(--c1\)"', html)
    assert [line.count(" ") for line in lines] == [2, 1]  # a point has one space
    bands = re.findall(r'<path d="([^"]+)Z"', html)
    assert len(bands) == 2 and html.count("<circle") == 3
    assert "nan" not in html


def test_floors_in_the_picture_are_named_for_pointer_and_keyboard_and_others_are_no_stops():
    tree = parse(strip(DEPTHS, FLOORS, 680, phone=False))
    floors = tree.of_class("strip-floor")
    assert [floor.attributes["aria-label"] for floor in floors] == [
        "stored rows: +0.070 at depth 1, −0.020 at depth 2, +0.010 at depth 4",
        "random directions: +0.050 at depth 1",
    ]
    assert all(floor.attributes["tabindex"] == "0" for floor in floors)
    # a post's picture knows no style sheet: what waits for the pointer is hidden by itself
    assert all(name.attributes["visibility"] == "hidden" for name in tree.of_class("strip-name"))


def test_several_strips_on_a_page_share_no_id(tmp_path):
    results = write(tmp_path / "tables", Planted(looked=False))
    html = "".join(verdict_strip(results, kind=kind).html for kind in ("latents", "directions"))
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids)) == 4
    assert set(re.findall(r"url\(#([^)]+)\)", html)) == set(ids)


def test_what_lies_above_the_picture_is_named_in_the_caption(tmp_path):
    results = write(tmp_path / "tables", Planted(own=0.6, other=0.6, looked=False))
    assert "above the picture" not in verdict_strip(results).caption
    table = verdict_strip(results).data
    assert set(table["word"].dropna()) == {"floor"} and len(table) > 10


@pytest.mark.parametrize(("p", "said"), [(0.0004, "<.001"), (0.03, ".03"), (NAN, "–"), (0.5, ".5")])
def test_a_small_p_of_the_table_is_text_to_a_reader_of_html(p, said):
    cell = parse(f"<td>{said_p(p)}</td>").elements[0]
    assert cell.text() == said and not re.search("<(?!/?td>)", f"<td>{said_p(p)}</td>")


@pytest.mark.parametrize("width", [40, 90, 300])
def test_words_are_wrapped_and_none_is_lost(width):
    text = "a floor with a rather extraordinarily long name"
    lines = wrapped(text, width, 10)
    assert " ".join(lines) == text
    assert all(len(line) * 10 * LETTER <= width for line in lines if " " in line)
