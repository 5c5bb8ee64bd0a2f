"""Figures that are drawn from what a benchmark wrote: they count what stands there."""

from __future__ import annotations

import json
import re

import pytest
from tests_root import CHECKOUT

from analysis.plan import plugins
from analysis.plan.paths import Paths
from analysis.results.kept_file import KeptFile
from sae.discover import load, module_name
from sae.errors import DataError


def figure(name: str):
    plugins.load(Paths(CHECKOUT))
    return getattr(load(module_name("analysis.figures.kinds", name)), name)


def file(**parts: object) -> KeptFile:
    return KeptFile("own.json", json.dumps(parts).encode())


def judged(truth: str, structure: bool, word: str, number: int = 0) -> dict[str, object]:
    return {"truth": truth, "structure": structure, "set": number, "word": word, "margin": 0.02, "detects": 0.1}


def test_the_table_of_truths_counts_words_and_leaves_unfinished_layers_out_of_both_counts():
    rows = [
        judged("dust", False, "floor"), judged("dust", False, "structure", 1), judged("pairs", True, "undecided"),
        judged("dust_unfinished", False, "structure"),
    ]  # fmt: skip
    drawing = figure("verdict_truths")(file(made_with={"rows": 10, "seeds": 3}, judged=rows))
    assert drawing.title == ("Of 2 data sets without structure the rule calls 1 structure, of 1 with it 0")
    dust, unfinished = re.findall(r'<th scope="row">dust</th>(.*?)</tr>', drawing.html)
    assert re.findall(r"<td>(.*?)</td>", dust)[:5] == ["2", "1", "–", "1", "–"]
    assert re.findall(r"<td>(.*?)</td>", unfinished)[:2] == ["1", "1"]


def recovered(architecture: str, family: str, cosine: float) -> dict[str, object]:
    codes = {} if architecture == "stored rows" else {"explained": 0.9, "f1": 0.5, "seconds": 2.0}
    return {"architecture": architecture, "family": family, "cosine": cosine, "fitted": 0.8, "fitted_f1": 0.4, **codes}


def test_the_table_of_recovery_names_who_is_first_on_average_and_how_often_and_no_floor():
    rows = [
        recovered("topk", "plain", 0.9), recovered("gated", "plain", 0.6), recovered("stored rows", "plain", 0.99),
        recovered("topk", "all", 0.5), recovered("gated", "all", 0.6), recovered("stored rows", "all", 0.99),
    ]  # fmt: skip
    drawing = figure("recovery")(file(made_with={"seeds": 1, "steps": 10, "batch": 4}, rows=rows))
    assert "TopK comes nearest on average, and is first in 1 of 2 families" in drawing.title
    assert re.findall(r'<th scope="row">(.*?)</th>', drawing.html) == ["TopK", "Gated", "stored rows"]
    assert "<b>0.90</b>" in drawing.html and "<b>0.60</b>" in drawing.html and "<b>0.99</b>" not in drawing.html


@pytest.mark.parametrize("name", ["recovery", "verdict_truths"])
def test_a_file_of_something_else_is_refused(name):
    with pytest.raises(DataError, match="expected an object with made_with"):
        figure(name)(file(other=1))
