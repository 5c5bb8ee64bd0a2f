"""Drawings: bands over seeds, labels that do not touch, colours that the theme knows."""

from __future__ import annotations

import itertools
import re

import altair as alt
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests_root import CHECKOUT

from analysis.figures.drawing import LABEL_GAP, Drawing, end_labels, over_seeds, spoken
from analysis.figures.image_sheets import USUAL, cells
from analysis.figures.style import ROLES, css_colours

CHART = alt.Chart(pd.DataFrame({"x": [1]})).mark_bar()


def lines(values: dict[str, list[float]]) -> pd.DataFrame:
    rows = [
        {"series": name, "run": f"r{run}", "depth": 1, "value": value}
        for name, given_ in values.items()
        for run, value in enumerate(given_)
    ]
    return pd.DataFrame(rows)


def test_over_seeds_gives_mean_least_largest_and_count():
    row = over_seeds(lines({"a": [1.0, 2.0, 6.0]})).iloc[0]
    assert (row["mean"], row["low"], row["high"], row["seeds"]) == (3.0, 1.0, 6.0, 3)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
@example([0.0, 0.0, 0.0, 0.0, 0.0, 1.0])
def test_end_labels_keep_their_order_their_distance_and_stay_on_the_axis(values):
    data = over_seeds(lines({f"s{i}": [value] for i, value in enumerate(values)}))
    ends = end_labels(data, (0.0, 1.0))
    assert list(ends["mean"]) == sorted(ends["mean"])
    at = list(ends["at"])
    assert all(b - a > 0.8 * LABEL_GAP for a, b in itertools.pairwise(at))
    assert min(at) > -LABEL_GAP and max(at) < 1 + LABEL_GAP


def test_no_test_of_many_cases_fails_for_being_slow():
    assert settings().deadline is None


@pytest.mark.parametrize(
    ("value", "percent", "text"), [(0.856, True, "86%"), (0.856, False, "0.86"), (-0.001, False, "0.00")]
)
def test_spoken_numbers(value, percent, text):
    assert spoken(value, percent) == text
    assert spoken(float("nan")) == "undefined"


def test_the_theme_defines_every_role_and_its_light_values_are_the_palette():
    css = (CHECKOUT / "report/assets/theme.css").read_text()
    light, media, dark = (
        css.split(":root, body.quarto-light {", 1)[1].split("}", 1)[0],
        css.split("@media", 1)[1],
        css.split("body.quarto-dark {")[1],
    )
    for role, colour in ROLES.items():
        assert re.search(rf"--{role}: {colour};", light), role
        assert f"--{role}:" in media and f"--{role}:" in dark.split("}")[0], role


def test_the_script_knows_the_same_palette():
    script = (CHECKOUT / "report/assets/charts.js").read_text()
    found = dict(re.findall(r'"(#[0-9a-f]{6})": "--(\w+)"', script))
    assert found == {colour: role for role, colour in ROLES.items()}


def test_no_palette_colour_is_a_part_of_another():
    assert len(set(ROLES.values())) == len(ROLES)
    assert css_colours(f'fill="{ROLES["c1"]}"') == 'fill="var(--c1)"'


def test_a_cell_says_the_shape_of_its_sprite_where_it_is_not_the_usual_one():
    usual = {"ids": [7, 9], "columns": USUAL, "width": 28, "height": 28}
    assert cells(usual, [9]) == '<i style="--x:1;--y:0"></i>'
    other = {"ids": [7, 9], "columns": 1, "width": 8, "height": 6}
    assert cells(other, [9], [0.5]) == '<i style="--x:0;--y:1;--a:50%;--n:1;--r:0.75"></i>'


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"chart": [1]}, "chart is a list, must be a chart of Altair"),
        ({"chart": "bar"}, "chart is a str, must be a chart of Altair"),
        ({"data": {"a": 1}}, "data is a dict, must be a DataFrame"),
        ({"data": None}, "data is a NoneType, must be a DataFrame"),
        ({"title": 3}, "title is a int, must be a str"),
        ({"alt": None}, "alt is a NoneType, must be a str"),
        ({"png": "picture.png"}, "png is a str, must be a bytes"),
        ({"caption": "a\x08b"}, r"caption holds the character U\+0008"),
        ({"kind": "figure"}, "kind is 'figure', must be 'fig' or 'tbl'"),
        ({"html": ""}, "body is missing, must be exactly one of chart, html, png"),
        ({"html": " \n"}, "body is missing, must be exactly one of"),
        ({"png": b"x"}, "body is html and png, must be exactly one of"),
        ({"png": b"x", "chart": CHART}, "body is chart and html and png, must be exactly one of"),
    ],
)
def test_a_drawing_of_other_things_says_which_part(wrong, says):
    whole = {"title": "t", "caption": "c.", "alt": "a", "data": pd.DataFrame({"x": [1]}), "html": "<p>x</p>"}
    for body in ({}, {"html": "", "png": b"x"}, {"html": "", "chart": CHART}):
        assert Drawing(**{**whole, **body}).fault() == ""
    assert re.match(says, Drawing(**{**whole, **wrong}).fault())
