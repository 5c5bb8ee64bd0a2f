"""Charts of any kind in pages: what their data, words and addresses hold stays as it is, and what cannot is refused."""

from __future__ import annotations

import datetime as dt
import html
import json
import math
import re
from decimal import Decimal
from xml.etree import ElementTree

import altair as alt
import numpy as np
import pandas as pd
import pytest

from analysis.figures.draw import _write, chart_html
from analysis.figures.drawing import Drawing
from analysis.figures.spec_names import renumbered
from analysis.figures.specs import MAX_SPEC_ROWS, spec_of
from analysis.figures.style import ROLES
from analysis.figures.svg import clean_svg
from analysis.plan.paths import Paths
from analysis.site.links import Linker
from sae.errors import StrataError


def markup(chart, name="mine"):
    made = chart_html(name, f"fig-{name}", Drawing(title="t", caption="c.", alt="a", data=pd.DataFrame(), chart=chart))
    spec = json.loads(re.search(r'class="chart-spec">(.*?)</script>', made, re.S)[1])
    return re.search(r"<svg.*</svg>", made, re.S)[0], spec


def parsed(svg):
    return ElementTree.fromstring(svg)


def words(svg):
    return [element.text for element in parsed(svg).iter() if element.text and element.tag.endswith("text")]


def bars(labels, **encodings):
    data = pd.DataFrame({"label": labels, "n": range(1, len(labels) + 1)})
    return alt.Chart(data).mark_bar().encode(x="n:Q", y=alt.Y("label:N", sort=None), **encodings)


# Words that look like something else

LOOKALIKES = [
    "param_3", "view_12", "param_0a1b2c3d4e5f6071", 'id="clip7"', "url(#gradient_0)", "#mine-1", ROLES["c1"],
    'role="graphics-x"', 'x aria-label="y"', "width=\"10\"", "<svg x", "href=\"#q\"",
]  # fmt: skip


def test_labels_that_look_like_names_ids_colours_or_tags_are_shown_as_they_are():
    shown = alt.Chart(pd.DataFrame({"label": LOOKALIKES, "at": range(len(LOOKALIKES))})).mark_text(clip=True)
    chart = shown.encode(y="at:O", text="label:N", tooltip="label:N").interactive()
    svg, spec = markup(chart)
    assert [word for word in words(svg) if word in LOOKALIKES] == LOOKALIKES
    assert [row["label"] for rows in spec["datasets"].values() for row in rows] == LOOKALIKES


def test_names_that_altair_makes_up_are_counted_from_one_wherever_they_are_used():
    size, brush = alt.param(value=40), alt.selection_interval()
    data = pd.DataFrame({"a": [1, 2], "b": [3, 4]})
    left = alt.Chart(data).mark_point(size=size).encode(x="a:Q", color=alt.when(brush).then(alt.value("red")))
    right = alt.Chart(data).mark_bar().encode(x="b:Q").transform_filter(brush).transform_calculate(c=f"{size.name} * 2")
    svg, spec = markup(left.add_params(size, brush) | right)
    assert svg
    variable, selection = (next(p["name"] for p in spec["params"] if kind in p) for kind in ("value", "select"))
    assert {variable, selection} < {"param_n1", "param_n2", "param_n3"}
    assert spec["hconcat"][0]["mark"]["size"] == {"expr": variable}
    assert spec["hconcat"][0]["encoding"]["color"]["condition"][0]["param"] == selection
    assert spec["hconcat"][1]["transform"] == [
        {"filter": {"param": selection}},
        {"calculate": f"{variable} * 2", "as": "c"},
    ]
    views = next(p["views"] for p in spec["params"] if "select" in p)
    assert views == [spec["hconcat"][0]["name"]] and views[0].startswith("view_n")


@pytest.mark.parametrize("one, other", [("param_1", "param_41"), ("param_00112233445566aa", "param_5_of")])
def test_two_builds_give_the_same_names_whatever_altair_counted_to(one, other):
    made = [
        renumbered({"params": [{"name": name, "value": 1}, {"name": "param_n2", "value": 2}], "mark": "bar"})
        for name in (one, "param_7")
    ]
    assert made[0] == made[1]
    assert renumbered({"params": [{"name": other + "_mine"}], "mark": "bar"})["params"] == [{"name": other + "_mine"}]


@pytest.mark.parametrize(
    "before, after",
    [
        ("param_8 + datum.param_8", "param_n1 + datum.param_8"),
        ("datum['param_8'] == 'param_8' || param_8_x[0] > 1", "datum['param_8'] == 'param_8' || param_n1_x[0] > 1"),
        ("vlSelectionTest('param_8_store', datum)", "vlSelectionTest('param_n1_store', datum)"),
        ('length(data("param_8_store")) ? param_8 : 0', 'length(data("param_n1_store")) ? param_n1 : 0'),
        ("{param_8: param_8, b: [param_8, 'param_8']}", "{param_8: param_n1, b: [param_n1, 'param_8']}"),
        ("test(/param_8/, datum.x) && 4 / param_8 / 2", "test(/param_8/, datum.x) && 4 / param_n1 / 2"),
        ("param_80 + my_param_8 + param_8 .x", "param_80 + my_param_8 + param_n1 .x"),
        (r"'it\'s param_8' + param_8", r"'it\'s param_8' + param_n1"),
    ],
)
def test_in_an_expression_only_the_variable_is_renamed(before, after):
    spec = {"mark": "bar", "params": [{"name": "param_8", "value": 1}, {"name": "q", "expr": before}],
            "transform": [{"filter": {"or": [before, {"not": before}, {"param": "param_8"}]}}],
            "data": {"values": [{"param": "param_8", "expr": before}]}, "usermeta": {"expr": before}}  # fmt: skip
    made = renumbered(spec)
    assert made["params"][1]["expr"] == after
    assert made["transform"][0]["filter"]["or"] == [after, {"not": after}, {"param": "param_n1"}]
    assert (made["data"], made["usermeta"]) == (spec["data"], spec["usermeta"])


@pytest.mark.parametrize("facets", [{"column": ["a", "b"]}, {"row": ["a", "b"], "column": ["a"]}], ids=["one", "two"])
def test_a_chart_that_is_repeated_keeps_its_selection(facets):
    data = pd.DataFrame({"a": [1, 2], "b": [3, 4]})
    chart = alt.Chart(data).mark_point().encode(x=alt.X(alt.repeat("column"), type="quantitative")).interactive()
    _, spec = markup(chart.repeat(**facets))
    name, (selection,) = spec["spec"]["name"], spec["params"]
    assert re.fullmatch(r"view_n\d", name) and len(selection["views"]) == 2
    assert all(view.startswith(f"{name}_child__") for view in selection["views"])


@pytest.mark.parametrize(
    "view, after",
    [("view_2", "view_n1"), ("child__column_view_2_view_2", "child__column_view_2_view_n1"), ("view_21", "view_21")],
)
def test_a_view_that_is_repeated_is_known_by_its_name_before_or_behind(view, after):
    spec = {"spec": {"mark": "bar", "name": "view_2"}, "params": [{"name": "p", "select": "point", "views": [view]}]}
    assert renumbered(spec)["params"][0]["views"] == [after]


# Addresses and ids


def test_ids_and_references_of_the_picture_alone_are_made_the_charts_own():
    to = ["/report/methods.qmd#sec-a", "#clip1", "https://vega.github.io/vega-datasets/seven.html", "mailto:a@b.c"]
    data = pd.DataFrame({"x": [1, 2, 3, 4], "to": to})
    shade = {"gradient": "linear", "stops": [{"offset": 0, "color": ROLES["c2"]}, {"offset": 1, "color": "white"}]}
    svg, spec = markup(alt.Chart(data).mark_bar(clip=True, color=shade).encode(x="x:Q", href="to:N"), "two_b")
    page = parsed(svg)
    ids = {element.get("id") for element in page.iter() if element.get("id")}
    assert ids and all(re.fullmatch(r"two_b-\d+", one) for one in ids)
    used = set(re.findall(r"url\(#([^)]*)\)", svg))
    assert used and used <= ids
    assert [element.get("href") for element in page.iter() if element.tag.endswith("}a")] == to
    assert "var(--c2)" in svg and [row["to"] for rows in spec["datasets"].values() for row in rows] == to


PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"


def test_pictures_in_a_picture_lie_where_the_chart_says():
    data = pd.DataFrame({"x": [1, 2, 3], "picture": [PIXEL, "/report/assets/seven.png?a=1&b=2", "near.png"]})
    svg, _ = markup(alt.Chart(data).mark_image(width=9, height=9).encode(x="x:Q", url="picture:N"))
    images = [element.get("href") for element in parsed(svg).iter() if element.tag.endswith("image")]
    assert images == list(data["picture"])
    assert svg.count("base64") == 1 and "vega.github.io" not in svg


def test_the_renderer_follows_the_addresses_in_a_picture(tmp_path):
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "seven.png").write_bytes(b"")
    data = pd.DataFrame({"x": [1], "picture": ["/report/seven.png"], "to": ["/index.qmd"]})
    svg, _ = markup(alt.Chart(data).mark_image(width=9, height=9).encode(x="x:Q", url="picture:N", href="to:N"))
    linker = Linker(tmp_path, {"index.qmd": "index.html", "report/a.qmd": "report/a.html"}, {"index.qmd": set()}, set())
    made = linker.rewrite("report/a.qmd", svg, lambda message, needle: pytest.fail(message))
    assert 'href="./seven.png"' in made and 'href="../index.html"' in made
    assert linker.files == {"report/seven.png"}


def test_a_gradient_may_refer_to_another_one():
    inner = '<linearGradient id="base"/><linearGradient id="top" xlink:href="#base"/><rect fill="url(\'#top\')"/>'
    svg = clean_svg(
        f'<svg xmlns="a" xmlns:xlink="b" width="1" height="1"><a xlink:href="#base"/>{inner}</svg>', "c", ""
    )
    assert 'id="c-1"' in svg and 'id="c-2" href="#c-1"' in svg and 'fill="url(#c-2)"' in svg
    assert '<a href="#base"/>' in svg and "xlink" not in svg


def test_a_chart_that_would_fetch_its_data_is_refused():
    with pytest.raises(StrataError, match=r"^chart mine: its data lie at '/somewhere/rows\.csv'"):
        markup(alt.Chart("/somewhere/rows.csv").mark_bar().encode(x="x:Q"))
    found = alt.LookupData(data=alt.UrlData("rows.json"), key="n", fields=["m"])
    with pytest.raises(StrataError, match=r"chart mine: its data lie at 'rows\.json'"):
        markup(bars(["a"]).transform_lookup(lookup="n", from_=found))


# What a page cannot hold


def points(values, **types):
    return alt.Chart(pd.DataFrame({"v": values}, **types)).mark_point().encode(x="v:Q")


NOT_FINITE = {
    "encoding.color.scale.domainMid is NaN": bars(["a"], color=alt.Color("n:Q", scale=alt.Scale(domainMid=math.nan))),
    "encoding.x2.datum is -inf": bars(["a"], x2=alt.datum(-math.inf)),
    "mark.opacity is NaN": bars(["a"]).mark_bar(opacity=math.nan),
    "params[0].value is inf": bars(["a"]).add_params(alt.param(name="q", value=math.inf)),
    "row 2, column 'v' of its data is -inf": points([1.0, -math.inf]),
    "row 3, column 'v' of its data is inf": points(["a", None, math.inf], dtype=object),
    "row 1, column 'v' of its data is inf": points([[1, math.inf]]),
    "row 1, column 'v' of its data is -inf": bars(["a"]) + points([np.float32("-inf")]),
    "data.values[1].v is inf": alt.Chart(alt.Data(values=[{"v": 1}, {"v": math.inf}])).mark_bar().encode(x="v:Q"),
}


@pytest.mark.parametrize("says, chart", NOT_FINITE.items(), ids=list(NOT_FINITE))
def test_a_number_that_is_none_is_refused_with_chart_and_place(says, chart):
    with pytest.raises(StrataError) as caught:
        markup(chart)
    assert str(caught.value).startswith(f"chart mine: {says}") and "\n" not in str(caught.value)


def test_a_missing_value_is_a_gap():
    data = pd.DataFrame({"v": [1.0, math.nan], "w": ["a", None], "i": pd.array([1, None], dtype="Int64")})
    svg, spec = markup(alt.Chart(data).mark_bar().encode(x="v:Q", y="w:N"))
    assert svg and list(spec["datasets"].values()) == [[{"v": 1, "w": "a", "i": 1}, {"v": None, "w": None, "i": None}]]
    _, spec = markup(alt.Chart(alt.Data(values=[{"v": math.nan}])).mark_bar().encode(x="v:Q"))
    assert spec["data"]["values"] == [{"v": None}]


UNFIT = {
    "duration": (pd.to_timedelta(["1h"]), "holds durations"),
    "complex": ([1j], "is a complex, which a page cannot hold"),
    "set": ([{1}], "row 1, column 'v' of its data is a set"),
    "large number": ([2**60 + 1], f"is {2**60 + 1}, and browsers count to"),
}


@pytest.mark.parametrize("values, says", UNFIT.values(), ids=list(UNFIT))
def test_a_value_that_json_does_not_have_is_refused(values, says):
    with pytest.raises(StrataError, match=re.escape(says)) as caught:
        markup(points(values))
    assert str(caught.value).startswith("chart mine: ") and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "chart, says",
    [
        (lambda: points(range(MAX_SPEC_ROWS + 1)), "5001 rows"),
        (
            lambda: alt.Chart(alt.Data(values=[{"v": 1}] * 5001)).mark_point().encode(x="v:Q"),
            "and 5001 rows is too big",
        ),
        (lambda: bars(["x" * 210_000]), "and 1 rows is too big"),
        (lambda: bars(["a"]).encode(x=alt.X("n:Q", stack="sideways")), "it is no chart to Altair: 'sideways'"),
        (
            lambda: bars(["a"]).transform_calculate(z="nothing(1)"),
            "Vega cannot draw it: Error: Unrecognized function: nothing",
        ),
    ],
    ids=["rows", "values", "bytes", "schema", "expression"],
)
def test_a_chart_that_cannot_be_drawn_is_refused_in_one_line(chart, says):
    with pytest.raises(StrataError) as caught:
        markup(chart())
    assert str(caught.value).startswith("chart mine: ") and says in str(caught.value)
    assert "\n" not in str(caught.value)


# Dates

DAYS = [dt.date(2021, 3, 4), dt.date(2021, 3, 6)]
FORMS = {
    "dates": DAYS,
    "with a gap": [*DAYS, None],
    "datetimes": [dt.datetime.combine(day, dt.time()) for day in DAYS],
    "timestamps": pd.to_datetime(DAYS),
    "objects": pd.Series([pd.Timestamp(DAYS[0]), np.datetime64(DAYS[1])], dtype=object),
    "periods": pd.PeriodIndex([str(day) for day in DAYS], freq="D"),
}


@pytest.mark.parametrize("values", FORMS.values(), ids=list(FORMS))
def test_dates_of_any_form_are_drawn_as_days(values):
    data = pd.DataFrame({"day": values, "n": range(len(values))})
    axis = alt.Axis(format="%Y-%m-%d", values=[alt.DateTime(year=2021, month=3, date=day) for day in (4, 5, 6)])
    svg, spec = markup(alt.Chart(data).mark_point().encode(x=alt.X("day:T", axis=axis), y="n:Q"))
    (rows,) = spec["datasets"].values()
    assert [row["day"] for row in rows][:2] == ["2021-03-04T00:00:00", "2021-03-06T00:00:00"]
    assert {"2021-03-04", "2021-03-05", "2021-03-06"} <= set(words(svg))


def test_dates_stand_in_the_table_that_is_offered(tmp_path):
    paths = Paths(tmp_path.resolve())
    for folder in (paths.generated, paths.built_assets):
        folder.mkdir(parents=True)
    data = pd.DataFrame({"day": DAYS, "share": [Decimal("0.5"), Decimal("0.25")]})
    chart = alt.Chart(data).mark_line().encode(x="day:T", y="share:Q")
    _write(Drawing(title="t", caption="c.", alt="a", data=data, chart=chart), "by_day", "fig-by-day", paths)
    assert (paths.built_assets / "by_day.csv").read_text() == "day,share\n2021-03-04,0.5\n2021-03-06,0.25\n"
    assert "2021-03-06T00:00:00" in (paths.generated / "by_day.md").read_text()


# Configuration


def test_what_a_chart_configures_stands_over_the_sites_own():
    chart = bars(["a", "b"]).configure_axis(labelFontSize=29, labelColor="purple").configure_legend(disable=True)
    svg, spec = markup(chart.configure_view(stroke="orange"))
    assert spec["config"]["axis"]["labelFontSize"] == 29 and spec["config"]["axis"]["titleFontSize"] == 14
    assert spec["config"]["view"]["stroke"] == "orange" and spec["config"]["legend"]["disable"] is True
    assert 'font-size="29px"' in svg and "purple" in svg and "orange" in svg


def test_a_chart_that_configures_nothing_looks_like_the_site():
    plain = spec_of(bars(["a"]), "x", "alt")
    with alt.theme.enable("dark"):
        assert spec_of(bars(["a"]), "x", "alt") == plain
    assert plain["config"]["view"]["stroke"] is None and html.escape(plain["description"]) == "alt"


# Where a chart's marks lead


def linked(column, **encodings):
    data = pd.DataFrame({"n": [1, 2], "to": ["/index.qmd", column], "said": ["javascript: the good parts", "b"]})
    return alt.Chart(data).mark_bar().encode(x="n:Q", tooltip="said:N", **encodings)


PROGRAMS = {
    "column 'to' of its data, row 2": linked("javascript:alert(1)", href="to:N"),
    "column 'to' of its data, row 2,": linked("\tJava\nScript:x()", href=alt.Href("to", type="nominal")),
    "column 'to' of its data, row 2, leads to 'data:text/html": linked("data:text/html,<script>", href="to:N"),
    "column 'to' of its data, row 2, leads to 'data:image/svg+xml": linked("data:image/svg+xml,<svg/>", href="to:N"),
    "encoding.href.value leads to 'vbscript:": linked("b", href=alt.value("vbscript:x")),
    "encoding.href.condition.value": linked(
        "b", href=alt.condition("datum.n > 1", alt.value("JAVASCRIPT:x"), alt.value("/index.qmd"))
    ),
    "mark.href": linked("b").mark_bar(href=" javascript:x"),
    "config.bar.href": linked("b").configure_bar(href="javascript:x"),
    "layer[1].encoding.href": alt.layer(linked("b"), linked("b", href=alt.value("javascript:x"))),
    "row 2": linked("javascript:x").transform_calculate(way="datum.to", said="1").encode(href="way:N"),
    "transform[0].calculate leads": linked("b", href="to:N").transform_calculate(to="'javascript:' + datum.n"),
    "transform[0].calculate": linked("b", href="way:N").transform_calculate(way="'ja' + 'va\\x73cript:' + datum.n"),
    "params[0].value": linked("b").add_params(alt.param(name="q", value="javascript:x")).mark_bar(href=alt.expr("q")),
}


@pytest.mark.parametrize("says, chart", PROGRAMS.items(), ids=list(PROGRAMS))
def test_a_mark_that_would_run_a_program_is_refused_with_its_place(says, chart):
    with pytest.raises(StrataError, match=r"^chart mine: ") as caught:
        spec_of(chart, "mine", "a")
    assert (says in str(caught.value) or says == "row 2") and "would run in the page" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "address", ["https://a.org/javascript:x", "mailto:a@b.org", "#d", "data:image/png;base64,AA", ""]
)
def test_a_mark_may_lead_anywhere_else_and_words_are_no_addresses(address):
    spec_of(linked(address, href="to:N"), "mine", "a")
    spec_of(linked("javascript:x"), "mine", "a")  # nothing leads there
    spec_of(linked("b", href=alt.value(address)), "mine", "a")
