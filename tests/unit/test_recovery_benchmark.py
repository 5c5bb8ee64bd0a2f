"""Features that are known, and what is said of whoever looks for them."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from torch.nn.functional import normalize

from benchmarks.known_features import CHILDREN, FAMILIES, TREES, Family, Known, made, rates, trees
from benchmarks.recovery import floors_of, table, told

ROWS = 4000
SMALL = Family("small", features=48)


def family(name: str) -> Family:
    return next(one for one in FAMILIES if one.name == name)


@pytest.mark.parametrize("name", ["plain", "superposed", "correlated"])
def test_every_feature_keeps_its_rate_whatever_it_is_correlated_with(name):
    on = made(family(name), ROWS, 3).strengths > 0
    expected = rates(family(name).features)
    allowed = 5 * (expected * (1 - expected) / ROWS).sqrt()
    assert ((on.float().mean(0) - expected).abs() < allowed).all()


def correlation(known: Known) -> float:
    found = torch.corrcoef((known.strengths > 0).float().T).fill_diagonal_(0)
    return float(found.abs().mean())


def test_firing_is_correlated_only_where_the_family_says_so():
    chance = math.sqrt(2 / math.pi / ROWS)
    assert correlation(made(SMALL, ROWS, 0)) == pytest.approx(chance, rel=0.2)
    assert correlation(made(dataclasses.replace(SMALL, correlated=True), ROWS, 0)) > 1.25 * chance


@pytest.mark.parametrize("name", ["hierarchy", "exclusive"])
def test_a_child_is_on_only_with_its_parent_and_exclusive_siblings_never_together(name):
    seed = 5
    on = made(family(name), ROWS, seed).strengths > 0
    draw = torch.Generator().manual_seed(seed)
    made_of = family(name).features
    torch.randn(made_of, 48, generator=draw), torch.randn(made_of, 6, generator=draw)
    forest = trees(torch.randperm(made_of, generator=draw))
    assert len(forest) == TREES * (1 + CHILDREN)
    together = 0
    for parent, children in forest:
        assert not (on[:, children].any(1) & ~on[:, parent]).any()
        together += int((on[:, children].sum(1) > 1).sum())
    assert (together == 0) == (name == "exclusive")


def known() -> Known:
    return made(SMALL, 500, 1)


def test_who_knows_the_features_recovers_them_all():
    truth = known()
    found = told(3 * truth.directions, truth.strengths, truth)
    assert found == pytest.approx({"cosine": 1.0, "found": 1.0, "distinct": 1.0, "f1": 1.0}, abs=1e-5)


def test_latents_of_one_feature_are_not_distinct_and_only_one_of_them_counts():
    truth = known()
    directions, codes = truth.directions.clone(), truth.strengths.clone()
    directions[1:12], codes[:, 1:12] = directions[:1], codes[:, :1]
    found = told(directions, codes, truth)
    assert found["distinct"] == pytest.approx(37 / 48) and found["found"] == pytest.approx(37 / 48)
    assert found["cosine"] < 1 and found["f1"] < 1


def test_of_fewer_latents_than_features_the_rest_counts_as_not_found():
    truth = known()
    found = told(truth.directions[:12], truth.strengths[:, :12], truth)
    assert found["cosine"] == found["found"] == pytest.approx(0.25) and found["distinct"] == 1


def test_directions_that_nobody_learned_are_far_from_the_features_and_have_fitted_codes_alone():
    rows = list(floors_of(SMALL, 1))
    *nobody, true = rows
    assert [row["architecture"] for row in rows] == ["random directions", "stored rows", "true directions"]
    assert all(row["found"] < 0.3 and "explained" not in row and 0 < row["fitted_f1"] < 0.7 for row in nobody)
    assert true["fitted"] > max(row["fitted"] for row in nobody) and true["fitted_f1"] > 0.75
    assert true["cosine"] == pytest.approx(1, abs=1e-5)
    printed = table(rows).splitlines()
    assert printed[1].split()[0] == "small" and printed[2].startswith("random directions")


def test_rows_are_sums_of_the_directions_and_unit():
    truth = known()
    assert torch.allclose(truth.rows, truth.strengths @ truth.directions)
    assert torch.allclose(truth.directions, normalize(truth.directions, dim=1))
