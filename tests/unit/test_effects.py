"""When ablation surely lowers a class, when that speaks against a name, and how the explorer and tables say so."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from analysis.pages import explorer
from analysis.pages.explorer import fits, gate
from analysis.run.interpret.causes import Decoded, Effect, ablation
from analysis.run.stages._effects import ENOUGH, disagreeing, lowered_class, share_of
from analysis.run.track import rounded
from sae.errors import NumericError


def effect(mean, half=0.005, rows=50):
    mean = torch.tensor(mean)
    return Effect(mean, torch.full_like(mean, half), torch.full((len(mean),), rows))


def test_the_class_that_falls_most_counts_when_the_fall_is_sure_and_a_point_or_more():
    assert lowered_class(effect([[-0.05, -0.2, 0.25]])).tolist() == [1]
    assert lowered_class(effect([[-0.009, 0.009, 0.0]], half=0.001)).tolist() == [-1], "less than a point"
    assert lowered_class(effect([[-0.05, 0.05, 0.0]], half=0.05)).tolist() == [-1], "not sure"
    # 95% would do for one class that was named beforehand; for the largest of ten it does not
    assert lowered_class(effect([[-0.05, 0.05, 0.0]], half=0.04)).tolist() == [-1]
    assert lowered_class(effect([[-0.05, 0.05, 0.0]], half=0.03)).tolist() == [0]
    assert lowered_class(effect([[-0.5, 0.5, 0.0]], rows=ENOUGH - 1)).tolist() == [-1], "too few rows"
    silent = Effect(torch.full((1, 3), torch.nan), torch.full((1, 3), torch.nan), torch.tensor([0]))
    assert lowered_class(silent).tolist() == [-1]


def test_an_effect_disagrees_only_where_another_class_surely_falls_more_than_all_in_the_name():
    found = effect([[-0.2, -0.1, 0.3], [-0.2, -0.195, 0.4], [-0.2, -0.1, 0.3], [-0.2, -0.1, 0.3], [-0.2, 0.1, 0.1]])
    lowered = lowered_class(found)
    names = [(1,), (1,), (0, 1), (), (1, 2)]
    assert disagreeing(found, lowered, names).tolist() == [True, False, False, False, True]


def test_a_share_of_none_is_undefined():
    assert math.isnan(share_of(torch.tensor([True]), torch.tensor([], dtype=torch.int64)))
    assert share_of(torch.tensor([True, False, False]), torch.tensor([0, 1])) == 0.5


def test_ablation_along_another_direction_moves_the_same_states_elsewhere():
    draw = torch.Generator().manual_seed(0)
    codes = torch.relu(torch.randn(30, 4, generator=draw))
    directions, along = torch.randn(4, 6, generator=draw), torch.randn(4, 6, generator=draw)
    weights = torch.randn(6, 3, generator=draw)
    given = Decoded(codes, directions, torch.zeros(6), lambda states: states @ weights)
    assert torch.equal(
        ablation(given).mean, ablation(Decoded(codes, directions, given.offset, given.readout, directions)).mean
    )
    before = (codes @ directions @ weights).softmax(1)
    on = codes[:, 2] > 0
    after = ((codes @ directions - codes[:, 2:3] * along[2]) @ weights).softmax(1)
    moved = ablation(Decoded(codes, directions, given.offset, given.readout, along)).mean[2]
    torch.testing.assert_close(moved, (after - before)[on].mean(0))


@pytest.mark.parametrize(
    ("row", "classes", "said"),
    [
        ({"effect_class": 3.0, "disagrees": 0.0}, "3 5", 0),
        ({"effect_class": 4.0, "disagrees": 1.0}, "3 5", 1),
        ({"effect_class": 4.0, "disagrees": 0.0}, "3 5", 2),
        ({"effect_class": math.nan}, "3", None),
        ({}, "3", None),
        ({"effect_class": 1.0, "disagrees": 0.0}, "10 11", 2),
    ],
)
def test_the_explorer_says_whether_name_and_effect_fit(row, classes, said):
    assert fits(row, classes) == said


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({}, 0),
        ({"name_q": 0.2, "detection": 0.9}, 1),
        ({"name_q": 0.01, "detection": 0.7}, 2),
        ({"name_q": 0.01, "detection": 0.9}, 3),
    ],
)
def test_the_explorer_says_why_a_latent_has_no_name(row, why):
    assert gate(row) == why


@pytest.mark.parametrize("value", [0.63496, 0.63501, -0.21499, 0.1449999, 0.145, 0.98504, 0.0349, 0.0251, -0.0049, 0.5])
def test_a_number_is_rounded_once_on_its_way_into_the_explorer(value):
    """The explorer shows thousandths in hundredths: as the tables do, which round the number itself."""
    for given in (value, np.float32(value)):
        found = explorer.thousandths(given, True)
        assert f"{found / 1000:.2f}" == f"{given:.2f}" and abs(found - 1000 * value) < 1.6
    small = abs(value) < 0.1
    assert explorer.thousandths(value) == (round(1000 * value) if small else explorer.thousandths(value, True))


def test_the_explorer_asks_as_much_of_a_name_as_the_stage_does():
    from analysis.run.interpret import explain

    assert explorer.DETECTION == explain.DETECTION


def test_tracked_numbers_keep_four_digits_and_their_type():
    given = pd.DataFrame({"value": np.array([0.0, 1 / 3, -12345.678, 3e-9, np.nan], np.float32), "n": [1, 2, 3, 4, 5]})
    found = rounded(given)
    assert found["value"].dtype == np.float32 and found["n"].tolist() == [1, 2, 3, 4, 5]
    known = given["value"].notna() & (given["value"] != 0)
    assert ((found["value"] / given["value"] - 1).abs()[known] < 2e-4).all()
    assert found["value"].iloc[0] == 0 and np.isnan(found["value"].iloc[4])
    assert found["value"].nunique() == given["value"].nunique() and given["value"].iloc[1] == np.float32(1 / 3)


@pytest.mark.parametrize(
    "found", [lambda: [{"a": math.nan}], lambda: [{"d": explorer.whole(-math.inf)}]], ids=["nan", "inf"]
)
def test_a_number_that_the_explorer_cannot_show_is_refused_with_its_depth(monkeypatch, tmp_path, found):
    monkeypatch.setattr(explorer.latents, "places", lambda results: [("latents", 2)])
    monkeypatch.setattr(explorer, "level", lambda *given: found())
    results = SimpleNamespace(experiment="mine")
    with pytest.raises(NumericError, match=r"^mine, latents at depth 2: a number of a latent is .*run it again$"):
        explorer.write_explorer(results, tmp_path, lambda path, text: pytest.fail("written"))
