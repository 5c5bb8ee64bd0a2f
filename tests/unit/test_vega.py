"""What would end Vega, and the build with it, is refused before it is called: by name, place and reason."""

from __future__ import annotations

import json

import altair as alt
import pandas as pd
import pytest
import vl_convert

from analysis.figures import vega
from analysis.figures.spec_bounds import faults
from analysis.figures.specs import spec_of
from analysis.pages.card_pictures import svg_with_pictures
from analysis.pages.preview_cards import chart_picture
from analysis.site.lesswrong.pictures import Pictures
from sae.errors import RenderError, StrataError

TABLE = pd.DataFrame({"a": [1, 2], "label": ["x", "y"]})


@pytest.fixture(autouse=True)
def called(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Vega is not called in these tests: what is let through would be noted."""
    calls: list[object] = []
    for name in ("vegalite_to_svg", "vegalite_to_png", "svg_to_png"):
        monkeypatch.setattr(vl_convert, name, lambda *words, **settings: calls.append(words))
    return calls


def bars(**encodings: object) -> alt.Chart:
    return alt.Chart(TABLE).mark_bar().encode(x="a:Q", **encodings)


@pytest.mark.parametrize("sign", ["\x00", "\x07", "\x0b", "\x1f", "\ufdd7", "\ufffe", "\U0003ffff"])
def test_a_character_that_no_picture_holds_is_refused_wherever_it_stands(sign: str) -> None:
    word, seen = f"a{sign}b", f"U+{ord(sign):04X}"
    cells, columns = TABLE.assign(label=["x", word]), TABLE.rename(columns={"label": word})
    for chart, place in (
        (bars().properties(title=["fine", word]), "title[1]"),
        (bars(y=alt.Y("label:N", title=word)), "encoding.y.title"),
        (bars(tooltip=alt.value(word)), "encoding.tooltip.value"),
        (alt.Chart(cells).mark_bar().encode(x="a:Q"), "row 2, column 'label' of its data"),
        (alt.Chart(cells.astype({"label": object})).mark_bar(), "row 2, column 'label' of its data"),
        (alt.Chart(cells.astype({"label": "category"})).mark_bar(), "column 'label' of its data"),
        (alt.Chart(columns).mark_bar(), "of its data"),
        (alt.Chart(alt.Data(values=[{"q": word}])).mark_bar(), "data.values[0].q"),
    ):
        with pytest.raises(StrataError, match=r"^chart mine: ") as error:
            spec_of(chart, "mine", "alt")
        assert place in str(error.value) and seen in str(error.value), place


@pytest.mark.parametrize("sign", ["\ud83d", "\udead"])
def test_half_of_a_character_is_refused(sign: str) -> None:
    chart = alt.Chart(alt.Data(values=[{"q": f"a{sign}"}])).mark_bar()
    with pytest.raises(StrataError, match=rf"^chart mine: data.values\[0\].q holds the character U.{ord(sign):04X}"):
        spec_of(chart, "mine", "alt")


@pytest.mark.parametrize("text", [r"\u0007", r"\x1f", r"\b", r"\0", r"\v", r"\u{1b}", r"\uFFFF"])
def test_an_expression_cannot_make_one_either(text: str) -> None:
    with pytest.raises(StrataError, match=r"chart mine: transform\[0\]\.calculate holds the character"):
        spec_of(bars().transform_calculate(w=f'datum.label + "{text}"'), "mine", "alt")


def test_tabs_lines_patterns_and_signs_of_any_script_stand() -> None:
    chart = bars(y=alt.Y("label:N", title="a\tb\nc\r\n\x85 \U0001f600 é")).transform_calculate(
        w=r"test(/\bword\f/, datum.label) ? 'tab\t\u00e9\n' : '\\b'"
    )
    assert spec_of(chart, "mine", "alt")["encoding"]["y"]["title"].startswith("a\tb\nc")


LISTS = alt.Data(values=[{"l": [0] * 300, "m": [0] * 300}])
MANY = {
    "a sequence": alt.Chart(alt.sequence(0, 3e8, as_="v")).mark_point(),
    "one of small steps": alt.Chart(alt.sequence(0, 1, 1e-7)).mark_point(),
    "one that ends nowhere": alt.Chart(alt.sequence(0, 5, 0)).mark_point(),
    "one in a layer": bars() + alt.Chart(alt.sequence(10**7)).mark_rule(),
    "one in a facet": bars() | alt.Chart(alt.sequence(-(10**7), 0)).mark_rule(),
    "a net": alt.Chart(alt.graticule(step=[0.01, 0.01])).mark_geoshape(),
    "lists of lists": alt.Chart(LISTS).mark_point().transform_flatten(["l"]).transform_flatten(["m"]),
    "folds of folds": bars().transform_fold(list("ab") * 200).transform_fold(list("ab") * 200),
    "a density": bars().transform_density("a", steps=10**8),
    "quantiles": bars().transform_quantile("a", step=1e-8),
    "what is imputed": bars().transform_impute("a", "label", keyvals={"start": 0, "stop": 10**8}),
    "what a channel imputes": bars(y=alt.Y("a:Q", impute=alt.ImputeParams(keyvals={"start": 0, "stop": 10**8}))),
    "ticks": bars(y=alt.Y("a:Q", axis=alt.Axis(tickCount=10**8))),
    "bins": bars(y=alt.Y("a:Q", bin=alt.Bin(maxbins=10**8))),
    "small bins": bars(y=alt.Y("a:Q", bin=alt.Bin(step=1e-8))),
    "bins of a transform": bars().transform_bin("b", "a", bin=alt.Bin(step=1e-8)),
    "a list of an expression": bars().transform_calculate(v="sequence(0, 1e8)"),
    "one as long as the data say": bars().transform_calculate(v="sequence(datum.a * 1e9)"),
    "a long text": bars().transform_calculate(v="pad('a', 1e9)"),
    "a wide plot": bars().properties(width=10**8),
    "wide steps": bars().properties(height=alt.Step(10**7)),
    "views": alt.Chart(TABLE).mark_point().encode(x=alt.X(alt.repeat("row"), type="quantitative")).repeat(
        row=["a"] * 60, column=["a"] * 60
    ),
}  # fmt: skip


@pytest.mark.parametrize("chart", MANY.values(), ids=MANY)
def test_what_has_no_end_is_refused(chart: alt.Chart) -> None:
    with pytest.raises(StrataError, match=r"^chart mine: .*(more than the \d+ that a page bears|no plain number)"):
        spec_of(chart, "mine", "alt")


FEW = {
    "a sequence": alt.Chart(alt.sequence(0, 12, 0.1, as_="v")).mark_line().transform_calculate(s="sin(datum.v)"),
    "folds": bars().transform_fold(["a", "label"]).transform_flatten(["key"]).transform_bin("b", "a"),
    "a density": bars().transform_density("a", groupby=["label"], steps=500),
    "a net": alt.Chart(alt.graticule()).mark_geoshape(),
    "expressions": bars().transform_calculate(v="length(sequence(0, 10, 2)) + range(domain('x'))[0]"),
    "names in the data": alt.Chart(pd.DataFrame({"width": [10**8], "tickCount": [10**8]})).mark_bar(),
}


@pytest.mark.parametrize("chart", FEW.values(), ids=FEW)
def test_what_has_an_end_is_none_of_it(chart: alt.Chart) -> None:
    assert list(faults(json.loads(json.dumps(spec_of(chart, "mine", "alt"))))) == []


@pytest.mark.parametrize(
    "broken",
    [{"title": "a\x02b"}, {"data": {"sequence": {"start": 0, "stop": 1e12}}}],
    ids=["a character", "a sequence"],
)
def test_cards_and_posts_refuse_the_same(broken: dict[str, object], tmp_path: object, called: list[object]) -> None:
    spec = {"data": {"values": [{}]}, "mark": {"type": "image"}, "encoding": {}} | broken
    for drawn in (
        lambda: vega.svg(spec, "mine"),
        lambda: svg_with_pictures(json.dumps(spec), tmp_path),
        lambda: chart_picture(json.dumps(spec)),
        lambda: Pictures(tmp_path, "").chart(spec),
    ):
        with pytest.raises(RenderError, match=r"^(its chart|chart mine): (title holds|data makes)"):
            drawn()
    assert called == []


@pytest.mark.parametrize(
    "svg, why",
    [
        ('<svg width="9" height="9"><text>a\x02</text></svg>', "U\\+0002"),
        ('<svg width="9" height="3e7"/>', "height of 3e7 pixels"),
    ],
)
def test_a_picture_that_would_end_the_converter_is_refused(svg: str, why: str, called: list[object]) -> None:
    with pytest.raises(RenderError, match=f"^an SVG .*{why}"):
        vega.svg_png(svg, "an SVG", 2)
    assert called == []
