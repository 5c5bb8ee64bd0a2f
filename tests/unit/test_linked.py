"""A depth chosen on a page: which charts declare it, what they say of it, and that nothing shows until it is chosen."""

from __future__ import annotations

import json
import re

import pandas as pd
import pytest
import vl_convert
from project_figures import CALLS, drawing, text
from tests_root import CHECKOUT

from analysis.figures.chosen_depth import CHOICE, READINGS
from analysis.figures.draw import chart_html
from analysis.figures.drawing import Drawing, over_depth
from analysis.figures.specs import MAX_SPEC_BYTES, spec_of
from analysis.figures.style import altair_config
from analysis.figures.svg import clean_svg

# Depth is no axis of theirs: penalties, architectures, slopes over all depths, seconds, logs, and a raster.
OTHERS = {"architecture_error", "atomicity_slopes", "class_map", "collapse_fixes", "cost_runs", "log_timeline"}
CHARTS = [name for name in CALLS if "chart=" in text(name)]
LINKED = sorted(set(CHARTS) - OTHERS)


def by_depth(percent=False, level=None):
    lines = pd.DataFrame(
        [
            {"series": series, "run": run, "depth": depth, "value": at + 0.1 * depth}
            for series, at in (("random network", 0.0), ("trained network", 0.25))
            for run in ("a", "b")
            for depth in (1, 2, 3)
        ]
    )
    return over_depth(lines, "value", domain=(0, 1), percent=percent, level=level)


def svg(chart, chosen):
    spec = chart.to_dict()
    (parameter,) = [one for one in spec["params"] if one["name"] == CHOICE]
    assert parameter["value"] is None
    parameter["value"] = chosen
    spec["config"] = altair_config()
    return clean_svg(vl_convert.vegalite_to_svg(spec), "x", "alt")


@pytest.mark.parametrize("name", LINKED)
def test_every_chart_over_depth_declares_the_choice_and_its_depths(name):
    markup = chart_html(name, "fig-x", drawing(name))
    spec = json.loads(re.search(r'class="chart-spec">(.*)</script>', markup)[1])
    assert {"name": CHOICE, "value": None} in spec["params"]
    rows = [row for rows in spec["datasets"].values() for row in rows if row.get("depth") is not None]
    assert {str(int(row["depth"])) for row in rows} == set(spec["usermeta"][READINGS])
    assert f"=== {CHOICE}" in json.dumps(spec)
    assert len(markup) < MAX_SPEC_BYTES / 2


@pytest.mark.parametrize("name", ["atomicity_slopes", "collapse_fixes"])
def test_charts_over_something_else_do_not(name):
    text = json.dumps(spec_of(drawing(name).chart, name, "alt"))
    assert CHOICE not in text and '"field": "depth"' not in text


def test_the_picture_shows_nothing_of_it_until_a_depth_is_chosen():
    chart = by_depth()
    without, chosen = svg(chart, None), svg(chart, 2)
    assert re.search(r'<g class="mark-rule role-mark layer_0_marks"[^>]*/>', without)
    assert "bold" not in without and "transparent" not in without
    assert re.search(r'layer_0_marks"[^>]*><line transform="translate\(150,0\)"', chosen)
    assert re.findall(r'font-weight="bold"[^>]*>(\d)<', chosen) == ["2"]
    sizes = [len(set(re.findall(r'd="(M[\d.]+,0A[^"]*)"', text))) for text in (without, chosen)]
    assert sizes == [1, 2]
    # all else stands where it stood
    same = [re.search(r'viewBox="[^"]*"', text)[0] for text in (without, chosen)]
    assert same[0] == same[1]


def test_a_depth_of_another_chart_changes_nothing():
    chart = by_depth()
    assert svg(chart, 6) == svg(chart, None)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "trained network 0.45; random network 0.20"),
        ({"percent": True}, "trained network 45%; random network 20%"),
        ({"level": 0.0}, "trained network +0.450; random network +0.200"),
    ],
)
def test_the_words_of_a_depth_run_from_the_top_of_the_chart_down(options, says):
    assert by_depth(**options).to_dict()["usermeta"][READINGS]["2"] == says


def test_the_data_that_is_offered_is_what_is_drawn_and_not_how():
    assert list(drawing("detector_scores").data) == ["row", "from", "to", "latents"]
    markup = chart_html("x", "fig-x", Drawing(title="t", caption="c.", alt="a", data=pd.DataFrame(), chart=by_depth()))
    assert CHOICE in markup and CHOICE not in re.search(r"<svg.*</svg>", markup, re.S)[0]


def test_the_script_knows_the_names_of_the_spec():
    script = (CHECKOUT / "report/assets/linked.js").read_text()
    assert f'SIGNAL = "{CHOICE}"' in script and ".usermeta;" in script and f"meta.{READINGS}" in script
