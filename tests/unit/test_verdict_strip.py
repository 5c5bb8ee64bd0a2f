"""The strip of verdicts: what each box says, where no line is drawn, and what can be pointed at."""

from __future__ import annotations

import math
import re
from itertools import pairwise

import pytest
from planted_tables import Planted, write

from analysis.figures.kinds.verdict_strip import verdict_strip
from analysis.figures.strip_letters import key_lines, letters
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


@pytest.mark.parametrize("phone", [False, True])
def test_every_line_in_the_picture_has_a_letter_at_its_end_and_its_name_below(phone):
    width = 350 if phone else 680
    floors = {"one above": {1: 0.06, 2: 0.05, 4: 0.02}, "one below": {1: 0.04, 2: 0.03, 4: 0.02},
              "the same again": {1: 0.04, 2: 0.03, 4: 0.0201}, "far away": {1: 5.0, 4: 6.0}}  # fmt: skip
    tree = parse(strip(DEPTHS, floors, width, phone=phone))
    key = " ".join(row.text() for row in tree.of_class("strip-key"))
    for letter, name in zip("abc", list(floors)[:3], strict=True):
        assert re.search(rf"{letter}\s*{name}", key)
    assert "far away" not in key, "what is not drawn is not named"
    marks = [t for t in tree.all("text") if t.text() in ("a", "b", "c") and "paint-order" in t.attributes]
    heights = sorted(float(mark.attributes["y"]) for mark in marks)
    assert len(marks) == 3 and all(low + 11.9 <= high for low, high in pairwise(heights))
    assert all(0 < float(mark.attributes["x"]) < width - 7 for mark in marks), "none is cut off"
    assert float(tree.elements[0].attributes["viewbox"].split()[3]) >= max(
        float(row.attributes["y"]) for row in tree.of_class("strip-key")
    )


def test_the_key_is_in_lines_that_fit_and_loses_no_name():
    names = [f"a floor with the name {number} of some length" for number in range(7)]
    for width in (200, 350, 680):
        rows = key_lines(names, width)
        assert [name for row in rows for _, name in row.named] == names
        assert all(len(row.named) == 1 or sum(len(name) for _, name in row.named) * 6.7 < width for row in rows)


def test_letters_of_lines_that_end_close_to_the_edges_stay_in_the_picture():
    lines = {f"floor {number}": {1: 0.0, 2: end} for number, end in enumerate((0.099, 0.1, 0.1, 0.0, 0.0, 0.001))}
    found = letters(lines, lambda depth: 100.0 * depth, lambda value: 150 * (1 - value / 0.1), (0.0, 0.1))
    heights = sorted(one.y for one in found)
    assert heights[0] >= 0 and heights[-1] <= 150
    assert all(high - low >= 11.99 for low, high in pairwise(heights))
    order = sorted(range(6), key=lambda number: found[number].y)
    assert [one.end[1] for one in (found[n] for n in order)] == sorted(one.end[1] for one in found), "order is kept"


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
