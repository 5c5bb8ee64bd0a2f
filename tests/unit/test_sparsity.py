"""The weight of a penalty: its warm-up, its bounds, and that it finds the weight for a target."""

from __future__ import annotations

import math

import pytest
import torch

from sae.errors import ConfigError
from sae.sparsity import PenaltyWeight


def test_the_weight_warms_up_in_equal_parts_and_does_not_follow_until_then():
    weight, seen = PenaltyWeight(2.0, 0.1, 4), []
    for _ in range(4):
        seen.append(weight.value())
        weight.follow(1000.0, 10)
    assert seen == pytest.approx([0.4, 0.8, 1.2, 1.6]) and weight.value() == pytest.approx(2.0)
    weight.follow(20.0, 10)
    assert weight.value() == pytest.approx(2.0 * 2**0.1)


def test_without_a_warm_up_the_first_step_has_the_whole_weight():
    assert PenaltyWeight(0.3, 0.0, 0).value() == pytest.approx(0.3)


@pytest.mark.parametrize("l0", [0.0, 1e-9, 1e9, 10.0, 5.0, 20.0])
def test_one_batch_moves_it_by_rate_times_the_log_excess_and_never_by_more_than_the_rate(l0):
    weight = PenaltyWeight(1.0, 0.2, 0)
    weight.follow(l0, 10)
    excess = math.log(max(l0, 1e-3) / 10)
    assert math.log(weight.value()) / 0.2 == pytest.approx(max(-1, min(1, excess)), abs=1e-5)


def test_at_rate_0_it_is_fixed():
    weight = PenaltyWeight(0.7, 0.0, 0)
    for _ in range(50):
        weight.follow(1000.0, 1)
    assert weight.value() == pytest.approx(0.7)


@pytest.mark.parametrize("start", [1e-3, 30.0])
def test_it_reaches_the_target_where_more_weight_means_fewer_active(start):
    weight, l0 = PenaltyWeight(start, 0.1, 10), 100.0
    for _ in range(400):
        l0 = 40 / (1 + weight.value())
        weight.follow(l0, 8)
    assert l0 == pytest.approx(8, rel=0.01) and weight.value() == pytest.approx(4, rel=0.02)


def test_its_state_is_saved_and_taken_up():
    weight, other = PenaltyWeight(1.0, 0.1, 2), PenaltyWeight(5.0, 0.1, 2)
    for _ in range(5):
        weight.follow(30.0, 10)
    other.load_state_dict({name: value.clone() for name, value in weight.state_dict().items()})
    assert other.value() == weight.value() and int(other.steps) == 5
    assert not list(weight.parameters()), "no gradient moves it"


def test_asking_for_the_value_changes_nothing():
    weight = PenaltyWeight(1.0, 0.1, 2)
    assert weight.value() == weight.value() and torch.equal(weight.steps, torch.tensor(0))


@pytest.mark.parametrize(
    "wrong", [(0.0, 0.1, 1), (-1.0, 0.1, 1), (float("nan"), 0.1, 1), (1.0, -0.1, 1), (1.0, 0.1, -1)]
)
def test_values_out_of_range_are_refused(wrong):
    with pytest.raises(ConfigError, match="penalty"):
        PenaltyWeight(*wrong)
