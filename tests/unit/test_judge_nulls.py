"""For how long the nulls of a judgement are trained: short ones make no structure of noise."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from judged_rows import planted_rows, trained
from planted import shapes_unchecked

from sae import judge_nulls
from sae.architectures.topk import TopK
from sae.config import TrainConfig
from sae.interop import Loaded
from sae.judge import judge
from sae.judgement import Margin
from sae.layer import Layer
from sae.train import train


@pytest.fixture(scope="module")
def planted():
    return planted_rows()


@pytest.fixture(scope="module")
def learned(planted):
    return [trained(planted[0], seed) for seed in range(3)]


def of_noise(steps: int) -> tuple[torch.Tensor, Layer]:
    """Rows in which there is nothing, and an SAE that was trained on them for so long."""
    rows = torch.randn(1500, 32, generator=torch.Generator().manual_seed(0))
    with shapes_unchecked():
        return rows, train("topk", TopK(32, 32, k=4), rows, TrainConfig(steps=steps, batch=128, lr=5e-3), seed=1)


@pytest.mark.thorough
def test_noise_learned_for_long_is_no_structure_beside_nulls_of_few_steps(monkeypatch):
    """Beside the first nulls it is ahead; trained anew for longer they catch up."""
    rows, layer = of_noise(1000)
    monkeypatch.setattr(judge_nulls, "QUICK_STEPS", 40)
    with shapes_unchecked():
        fooled = judge(rows, layer, null_steps=40)
        found = judge(rows, layer)
    assert fooled.verdict.word == "structure" and "weaker floor" in fooled.verdict.why
    assert found.verdict.word in ("floor", "undecided"), found.verdict
    assert found.groups[0].budget.steps >= 80 and found.groups[0].budget.doubled >= 1


@pytest.mark.thorough
def test_structure_stands_beside_nulls_of_twice_the_steps_and_says_so(planted, learned, monkeypatch):
    monkeypatch.setattr(judge_nulls, "QUICK_STEPS", 60)
    with shapes_unchecked():
        found = judge(planted[0], learned, seeds=True)
    assert found.verdict.word == "structure" and "not for want of training: trained for 120" in found.verdict.why
    assert found.groups[0].budget.steps == 120
    written = found.as_dict()["groups"][0]["budget"]
    assert written["said"] == found.groups[0].budget.said and "trained for 120 steps" in written["said"]


def test_nulls_that_still_learn_after_the_last_doubling_leave_it_undecided(planted, learned, monkeypatch):
    monkeypatch.setattr(judge_nulls, "QUICK_STEPS", 15)
    monkeypatch.setattr(judge_nulls, "DOUBLINGS", 1)
    monkeypatch.setattr(judge_nulls, "SETTLED", 1e6)
    with shapes_unchecked():
        found = judge(planted[0], learned, seeds=True).verdict
    assert found.word == "undecided" and "trained for 30 steps in place of 15" in found.why, found


@pytest.mark.thorough
def test_that_files_state_few_steps_is_no_reason_to_stop_there(planted, learned, monkeypatch):
    """They do not say of how many rows each."""
    monkeypatch.setattr(judge_nulls, "QUICK_STEPS", 15)
    monkeypatch.setattr(judge_nulls, "DOUBLINGS", 2)
    monkeypatch.setattr(judge_nulls, "SETTLED", 1e6)
    stated = [Loaded(layer, None, "layer", 20) for layer in learned]
    with shapes_unchecked():
        found = judge(planted[0], stated, seeds=True)
    assert found.groups[0].budget.steps == 60 and found.verdict.word == "undecided", found.verdict
    assert "`unseen`" not in found.verdict.why


def test_a_small_step_after_a_large_one_is_not_yet_the_end():
    def floors(value: float):
        return [SimpleNamespace(seed=SimpleNamespace(floors={"gaussian_null": value}))]

    with shapes_unchecked():  # of an SAE beside its floors only the floors are asked
        first = judge_nulls.gained(floors(0.1), floors(0.2))
        second = judge_nulls.gained(floors(0.2), floors(0.201), first)
    assert first == pytest.approx({"gaussian_null": 0.1}) and second == pytest.approx({"gaussian_null": 0.05})
    sure, unsure = Margin("gaussian_null", 0.3, 0.2, 0.4), Margin("gaussian_null", 0.3, 0.05, 0.6)
    assert judge_nulls.learning([sure], {"gaussian_null": 0.05}) == []
    assert judge_nulls.learning([unsure], {"gaussian_null": 0.05}) == ["gaussian_null"]
    assert judge_nulls.learning([sure], {"gaussian_null": 0.07}) == ["gaussian_null"]
