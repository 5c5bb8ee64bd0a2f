"""The latent that is a sum: which one the rule takes, and what is said of it."""

from __future__ import annotations

import dataclasses
import importlib
import json

import pandas as pd
import pytest
from planted_tables import Planted, write
from tests_root import CHECKOUT

from analysis.plan import plugins
from analysis.plan.paths import Paths
from analysis.results.tables import Results
from sae.errors import DataError

plugins.load(Paths(CHECKOUT))
MODULE = importlib.import_module("analysis.figures.kinds.memorable_latent")
PLANTED = Planted(depths=2, kinds=("latents",), floors=False, single=False, neurons=False)


def row(classes: str, *attributes: str, named: bool = True) -> pd.Series:
    conditions = json.dumps([[attribute, "high"] for attribute in attributes])
    return pd.Series({"classes": classes, "conditions": conditions, "named": named})


@pytest.mark.parametrize(
    ("one", "other", "differs"),
    [
        (row("1"), row("4 7"), True),
        (row("1", "slant"), row("4", "width"), True),
        (row("1"), row("1 4"), False),
        (row("1", "slant"), row("4", "slant"), False),
        (row("1"), row("4", named=False), False),
        (row("1"), row("", "slant"), False),
    ],
    ids=["other classes", "and attributes", "a class in common", "an attribute in common", "unnamed", "no class"],
)
def test_parents_differ_by_their_classes_and_attributes(one, other, differs):
    assert MODULE.differ(one, other) == MODULE.differ(other, one) == differs


def with_links(folder, rows: dict[int, dict[int, float]], planted: Planted = PLANTED) -> Results:
    """Planted tables in which depth 2 is made of these parts, on both networks."""
    results = write(folder / "tables", planted)
    links = pd.DataFrame(
        [
            {
                "run": "run0",
                "kind": "latents",
                "depth": 2,
                "control": control,
                "latent": latent,
                "below": below,
                "weight": weight,
            }
            for control in ("none", "random_host")
            for latent, parts in rows.items()
            for below, weight in parts.items()
        ]
    )
    links.to_parquet(results.folder / "links.parquet", index=False)
    return Results(results.folder)


def test_of_sums_of_different_things_the_most_balanced_is_shown(tmp_path):
    # latents 0, 1, 2 are of cat, dog, boat; 3 is silent
    rows = {0: {0: 0.9, 1: 0.3}, 1: {1: 0.6, 2: 0.57, 0: 0.1}, 2: {0: 0.7, 2: 0.2}, 3: {0: 0.5, 1: 0.5}}
    drawing = MODULE.memorable_latent(with_links(tmp_path, rows))
    assert drawing.title == "A latent that is a sum: dogs plus boats give dogs"
    assert "68% of the squared length" in drawing.caption
    assert "Such sums are all 3 named latents. On the random network they are all 3." in drawing.caption
    assert drawing.data["latent"].tolist()[:2] == [1, 1]
    assert 'data-sign="+"' in drawing.html and "= dogs" in drawing.html and "#depth=1&amp;latent=2" in drawing.html


def test_a_part_with_a_negative_weight_is_taken_away(tmp_path):
    drawing = MODULE.memorable_latent(with_links(tmp_path, {0: {0: 0.7, 1: 0.1, 2: -0.65}}))
    assert drawing.title == "A latent that is a sum: cats minus boats give cats"
    assert "Such sums are 1 of 1 named latents" in drawing.caption and "− boats × 0.65" in drawing.html


def test_where_no_latent_is_such_a_sum_that_is_what_is_found(tmp_path):
    planted = dataclasses.replace(PLANTED, random=False)
    drawing = MODULE.memorable_latent(with_links(tmp_path, {0: {0: 0.7, 3: 0.6}}, planted))
    assert drawing.title == "No latent of depth 2 is the sum of two different things"
    assert "first seed's latents 1 have a name" in drawing.caption and "None was found." in drawing.html


def test_one_depth_has_no_sums(tmp_path):
    with pytest.raises(DataError, match="planted has no depth 2"):
        MODULE.memorable_latent(write(tmp_path / "tables", dataclasses.replace(PLANTED, depths=1)))
