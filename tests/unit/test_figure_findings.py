"""Every figure from planted tables of each sort: it draws, its words are those of the numbers, and nothing is invented.

The sorts: a tower better than all that stands beside it, worse, equal, undecided (seeds disagree), one seed, nothing
beside it, no random network, one depth, and what else a project may lack.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import math
import re
from collections.abc import Callable
from functools import cache

import pandas as pd
import pytest
from altair.utils.schemapi import debug_mode
from figure_sorts import (
    ASKED,
    BETTER,
    BY_DEFAULT,
    COUNTING,
    KINDS,
    LEAST,
    NAMES,
    ORDER,
    REFUSED,
    SAYS,
    SORTS,
    TWO,
    VARIANTS,
)
from no_pictures import draw_nothing
from planted_tables import Planted, write
from tests_root import CHECKOUT

from analysis.figures.draw import chart_html
from analysis.figures.drawing import Drawing
from analysis.figures.specs import spec_of
from analysis.logs.counts import History
from analysis.pages.numbers import resolve, resolve_all
from analysis.plan.paths import Paths
from analysis.results.judged import judgement
from analysis.results.tables import Results
from analysis.results.verdict import seeds, verdicts
from sae.discover import load, module_name
from sae.errors import StrataError


@pytest.fixture(scope="module")
def unlabelled(tmp_path_factory) -> Callable[[tuple[str, ...], int], Results]:
    """The tables of a data set without labels, of some variants and so many depths."""

    @cache
    def of(variants: tuple[str, ...], depths: int) -> Results:
        planted = dataclasses.replace(UNLABELLED, variants=variants, depths=depths, looked=variants == ("",))
        return write(tmp_path_factory.mktemp("unlabelled") / "tables", planted)

    return of


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> Callable[[str, str], Results]:
    """The tables of a sort, for a figure."""

    @cache
    def of(sort: str, variants: tuple[str, ...], depths: int) -> Results:
        planted = dataclasses.replace(SORTS[sort], variants=variants, depths=depths)
        if variants != ("",):
            planted = dataclasses.replace(planted, looked=False)
        return write(tmp_path_factory.mktemp("planted") / "tables", planted)

    def given(sort: str, name: str) -> Results:
        depths = SORTS[sort].depths
        return of(
            sort, VARIANTS.get(name, ("",)), max(depths, 4) if name == "collapse_fixes" and depths > 1 else depths
        )

    return given


def drawn(name: str, results: Results, **options: str) -> Drawing:
    function = getattr(importlib.import_module(f"analysis.figures.kinds.{name}"), name)
    # as a build draws: a chart is checked as a whole, where its spec is written
    with debug_mode(False):
        return function(*[results] * (2 if name in TWO else 1), **options)


def words(drawing: Drawing) -> str:
    return f"{drawing.title} | {drawing.caption} | {drawing.alt}"


@pytest.mark.parametrize(
    ("name", "sort"),
    [
        pytest.param(name, sort, marks=[] if sort in BY_DEFAULT else pytest.mark.thorough)
        for name in NAMES
        for sort in SORTS
        if name in ASKED.get(sort, NAMES)
    ],
)
def test_a_figure_says_what_the_numbers_of_each_sort_say(name, sort, tables, monkeypatch):
    if sort != "better":
        draw_nothing(monkeypatch, NAMES, charts=sort == LEAST)
    results = tables(sort, name)
    if (name, sort) in REFUSED:
        with pytest.raises(StrataError, match=REFUSED[name, sort]) as caught:
            drawn(name, results)
        assert "\n" not in str(caught.value)
        return
    for options in ({}, {"kind": "directions"}) if name in KINDS and sort != "one depth" else ({},):
        drawing = drawn(name, results, **options)
        said = words(drawing)
        assert not re.search(r"\bnan\b|undefined|\bNone\b(?! of)|[Dd]igit", said), said
        assert drawing.title and drawing.caption and drawing.alt and (len(drawing.data) or name == "stops")
        if sort == "better" and drawing.chart is not None:
            assert spec_of(drawing.chart, name, drawing.alt)["$schema"]
        if name in SAYS and sort in ORDER:
            assert re.search(SAYS[name][ORDER.index(sort)], drawing.title), drawing.title
        if sort in ("better", "worse", "equal") and name not in COUNTING:
            assert not re.search("undecided", drawing.title), drawing.title
        if sort == "one seed":
            compares = name in SAYS
            assert compares == ("undecided" in drawing.title), drawing.title
            assert not re.search("(range|intervals?) over 1 seed|over 1 seeds", said), said
        if sort in ("missing", "no random"):
            beside = re.sub("no random network", "", said)
            assert not re.search("random network|random host|untrained network|never trained", beside), beside
        if sort == "one depth":
            assert not re.search(r"depths? \d to|depth [2-9]|1 depths", said), said
        if sort == "not shuffled" and name in ("class_best", "class_heat", "detector_scores", "neurons"):
            assert "undecided" in drawing.title and "No latent" not in drawing.title


@pytest.mark.parametrize("planted", [
    dataclasses.replace(BETTER, own=math.nan),
    *(pytest.param(planted, marks=pytest.mark.thorough) for planted in (
        dataclasses.replace(BETTER, other=math.nan), Planted(own=0.0, other=0.0),
        dataclasses.replace(BETTER, kinds=("latents",)), dataclasses.replace(BETTER, kinds=("directions",)),
    )),
], ids=["undefined", "others undefined", "all zero", "latents only", "directions only"])  # fmt: skip
def test_what_is_not_known_is_left_out_or_refused_in_one_line(planted, tmp_path, monkeypatch):
    """No figure crashes, and none speaks of numbers that are not there."""
    draw_nothing(monkeypatch, NAMES)
    results, refused = write(tmp_path / "tables", planted), 0
    for name in sorted(set(NAMES) - set(VARIANTS)):
        for options in ({}, {"kind": "directions"}) if name in KINDS else ({},):
            try:
                said = words(drawn(name, results, **options))
            except StrataError as error:
                assert str(error).startswith("planted has no ") and "\n" not in str(error), f"{name}: {error}"
                refused += 1
            else:
                assert not re.search(r"\bnan\b|undefined|\bNone\b(?! of)", said), f"{name}: {said}"
    assert refused < len(NAMES) / 2


# What shows nothing but classes, or chooses its latents by them.
OF_CLASSES = {
    "accuracy_by_depth", "class_best", "class_heat", "class_map", "depth_grid", "detector_scores", "exclusive_by_depth",
    "lineages", "memorable_latent", "quiz", "selectivity_by_depth", "steering_by_depth",
}  # fmt: skip


UNLABELLED = dataclasses.replace(BETTER, classes=(), seeds=1)


@pytest.mark.parametrize("name", NAMES)
def test_without_labels_a_figure_leaves_classes_out_or_says_that_it_needs_some(name, unlabelled, monkeypatch):
    draw_nothing(monkeypatch, NAMES)
    results = unlabelled(VARIANTS.get(name, ("",)), 4 if name == "collapse_fixes" else 3)
    if name in OF_CLASSES:
        with pytest.raises(StrataError, match="needs labels; data set planted has none"):
            drawn(name, results)
        return
    drawing = drawn(name, results)
    said = f"{words(drawing)} {drawing.html}"
    assert not re.search(r"\bnan\b|undefined|class(es)?\b(?!=)|one-class|electiv|shuffled labels|silent on", said), said


def test_the_table_of_latents_without_labels_has_names_and_no_columns_of_classes(tmp_path):
    drawing = drawn("neurons", write(tmp_path / "tables", UNLABELLED))
    assert drawing.title.endswith("3 of 3 neurons, 3 of 3 at depth 1, 3 of 3 at depth 2, 3 of 3 at depth 3")
    heads = re.findall(r'<th scope="col"[^>]*>(?:<button type="button">)?([^<]+)', drawing.html)
    assert heads == ["latent", "name", "strongest images", "fires on", "of L0", "made of"]
    assert drawing.data["entropy"].isna().all() and (drawing.data["class"] == "").all()
    assert len(set(re.findall(r'<tr id="d2-0".*?</tr>', drawing.html)[0].split("<td>"))) == 6


@pytest.mark.parametrize(
    "page", sorted((CHECKOUT / "analysis/templates").rglob("*.qmd")), ids=lambda page: page.parent.name
)
def test_the_pages_of_templates_need_no_labels(page, tmp_path, monkeypatch):
    asked = re.findall(r"\{\{< figure (\w+)", page.read_text())
    results = write(tmp_path / "tables", UNLABELLED) if asked else None
    for name in asked:
        own = page.parent / f"report/figures/{name}.py"
        if own.exists():
            spec = importlib.util.spec_from_file_location(f"template_{name}", own)
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            own_tables = judgement(Paths(page.parent)) if hasattr(module, "FROM_JUDGEMENT") else results
            assert getattr(module, name)(own_tables).title
        elif hasattr(load(module_name("analysis.figures.kinds", name)), "NEEDS"):
            with pytest.raises(StrataError, match="planted has no"):  # says what its tables lack: there are no labels
                drawn(name, results)
        else:
            assert drawn(name, results).title


def test_every_figure_is_of_one_sort_of_title():
    assert set(SAYS) <= set(NAMES)
    assert {
        "architectures", "class_best", "class_heat", "experiments", "latent_path", "lineages", "memorable_latent",
        "name_sample", "neurons", "quiz", "runs", "stops", "tower_diagram", "training",
    } == COUNTING  # fmt: skip


@pytest.mark.parametrize(("name", "sort"), [("variance_by_depth", "one depth"), ("margins", "one seed")])
def test_charts_of_one_depth_and_of_one_seed_can_be_drawn(name, sort, tables):
    assert "<svg" in chart_html(name, f"fig-{name}", drawn(name, tables(sort, name)))


@pytest.mark.parametrize(
    ("weight", "says"), [(0.95, "almost one latent"), (0.75, "mostly one latent"), (0.4, "a mix of latents")]
)
def test_how_much_of_a_latent_is_its_largest_part(weight, says, tmp_path):
    title = drawn("lineages", write(tmp_path / "tables", Planted(own=weight, depths=2))).title
    assert f"is {says} of the depth below: weight {weight:.2f} of 1, on a random network 0.50" in title


@pytest.mark.parametrize("name", ["margins", "verdict", "verdict_strip"])
def test_a_verdict_is_not_taken_over_several_variants(name, tmp_path):
    results = write(tmp_path / "tables", Planted(variants=("a", "b"), looked=False, depths=1))
    with pytest.raises(StrataError, match=r"planted has 2 variants \(a, b.*without variants and grid"):
        drawn(name, results)
    assert drawn(name, results.of("b")).title == "Latents tower: floor at depth 1"
    measures = drawn("measures", results)
    assert measures.title == "Latents tower: every measure of depth 1, beside its controls"
    assert "Means over 3 seeds of 2 variants." in measures.caption
    assert drawn("measures", results.of("b")).title.endswith(
        "is 0.50 at depth 1, about as much as on a random network (0.50)"
    )


def test_a_tower_that_is_not_there_is_named(tmp_path):
    results = write(tmp_path / "tables", Planted(looked=False, depths=1))
    for name, kind in ((name, "shapes") for name in KINDS):
        with pytest.raises(StrataError, match="planted has no shapes tower"):
            drawn(name, results, kind=kind)


def test_what_is_asked_of_tables_again_is_what_it_was_and_each_variant_has_its_own(tmp_path):
    results = write(tmp_path / "tables", Planted(variants=("a", "b"), own=0.7, looked=False, depths=1))
    for variant in ("a", "b"):
        once = verdicts(results.of(variant))
        kept = dict(once)
        once.clear()
        assert verdicts(results.of(variant)) == kept and len(kept) == 2
        assert {run for run, _, _ in seeds(results.of(variant))} == {f"{variant}-{seed}" for seed in range(3)}
    found = results.of("b").by_run("selectivity", "latents", 1)
    assert found == pytest.approx({"b-0": 0.7, "b-1": 0.701, "b-2": 0.702})
    assert results.by_run("selectivity", "latents", 9) == {}


def test_logs_are_counted_and_one_log_is_one():
    rows = [
        {"kind": kind, "log": 1, "title": "t", "date": "2026-01-01", "asked": 2, "closed": 1, "open": 1}
        for kind in ("questions", "next steps")
    ]
    drawing = drawn("log_timeline", History(pd.DataFrame(rows)))  # type: ignore[arg-type]  # drawn from logs
    assert drawing.title == "After 1 log 1 of 2 questions and 1 of 2 next steps are closed"


def test_a_number_of_classes_in_a_text_needs_labels_and_others_do_not(tmp_path):
    (tmp_path / "page.qmd").write_text("{{< num l0/latents/1 >}}\n\n{{< num top_class_share/latents/2/pct >}}\n")
    results = write(tmp_path / "tables", UNLABELLED)
    assert resolve("l0/latents/1", results, Paths(tmp_path)).text == "0.60"
    words = "the number top_class_share/latents/2/pct: needs labels; data set planted has none"
    with pytest.raises(StrataError, match=words) as caught:
        resolve_all([tmp_path / "page.qmd"], results, Paths(tmp_path))
    assert "page.qmd:3" in str(caught.value)


def test_coders_of_one_row_do_not_cover_each_other_and_no_rule_wears_the_colour_of_a_tower(tables):
    with debug_mode(False):
        chart = drawn("architecture_error", tables("better", "architecture_error")).chart.to_dict()
        slopes = drawn("atomicity_slopes", tables("better", "atomicity_slopes")).chart.to_dict()
    marks = {layer["mark"]["type"]: layer["encoding"] for layer in chart["layer"] if layer["mark"]["type"] != "text"}
    assert {kind: encoding["yOffset"]["field"] for kind, encoding in marks.items()} == {
        "point": "coder",
        "tick": "coder",
    }
    zero = next(layer for layer in slopes["spec"]["layer"] if layer["encoding"]["x"].get("datum") == 0)
    towers = slopes["spec"]["layer"][1]["encoding"]["color"]["scale"]["range"]
    assert zero["encoding"]["color"]["value"] not in towers
