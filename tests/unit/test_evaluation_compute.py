"""Compute-equivalent loss: by hand, from planted lines, and outside of what the checkpoints cover."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sae.errors import ConfigError, InputError
from sae.evaluations.compute_equivalent_loss import Curve, compute_equivalent_loss

quick = settings(max_examples=8, deadline=None)


def curve(compute, loss):
    return Curve(torch.tensor(compute, dtype=torch.float64), torch.tensor(loss, dtype=torch.float64))


HOST = curve([1, 10, 100, 1000], [8.0, 6.0, 5.0, 4.0])


def test_the_share_by_hand():
    # 4.5 lies half way from 100 to 1000 in log compute: 316 of 1000; 5.5 half way from 10 to 100
    assert compute_equivalent_loss(HOST, 0.5).curve.share == pytest.approx(10**-0.5)
    assert compute_equivalent_loss(HOST, 1.5).curve.share == pytest.approx(10**-1.5)
    assert compute_equivalent_loss(HOST, 0.0).curve.share == 1 and compute_equivalent_loss(HOST, 0.0).curve.said == ""
    with_error = compute_equivalent_loss(HOST, 0.5, error=0.25 / 1.96).curve
    assert (with_error.low, with_error.high) == (pytest.approx(10**-0.75), pytest.approx(10**-0.25))


def test_what_the_checkpoints_do_not_reach_is_said_and_not_guessed():
    worse = compute_equivalent_loss(HOST, 4.5).curve
    assert worse.share is None and worse.low is None and "the share is below 0.001" in worse.said
    better = compute_equivalent_loss(HOST, -0.1).curve
    assert better.share is None and "above 1" in better.said
    # near the end one side of the interval lies outside
    near = compute_equivalent_loss(HOST, 0.1, error=0.1).curve
    assert near.share is not None and near.low is not None and near.high is None


def planted(sizes=(1e3, 1e4, 1e5, 1e6)):
    """One run a size, each at its end on L = 2 + 5 (C / 1e4)^-.25, and worse by 3 in its middle and at its start."""

    def best(compute):
        return 2 + 5 * (compute / 1e4) ** -0.25

    runs = [[size / 50, size / 2, size] if size > sizes[0] else [size / 50, size] for size in sizes]
    return [curve(run, [*(best(at) + 3 for at in run[:-1]), best(run[-1])]) for run in runs]


def test_a_planted_scaling_line_is_found_and_read_backwards():
    *others, host = planted()
    found = compute_equivalent_loss(host, 0.5, others=others)
    assert found.line is not None and found.by_line is not None
    assert (found.line.floor, found.line.exponent) == (pytest.approx(2, abs=1e-3), pytest.approx(0.25, abs=1e-3))
    assert found.line.residual < 1e-4 and found.line.points >= 4
    at_end = 5 * 100**-0.25
    assert found.by_line.share == pytest.approx((at_end / (at_end + 0.5)) ** 4, rel=1e-3)
    # from the middle of its own schedule the host looks better than it is
    assert found.curve.share > found.by_line.share
    assert compute_equivalent_loss(host, 0.0, others=others).by_line.share == 1


def test_the_line_says_where_it_is_extrapolated_and_is_not_drawn_through_too_few_points():
    *others, host = planted()
    far = compute_equivalent_loss(host, 20.0, others=others).by_line
    assert far.share is None and 0 < far.extrapolated < 1e-3 and "above the largest" in far.said
    below = compute_equivalent_loss(host, -3.0, others=others).by_line
    assert below.share is None and below.extrapolated is None and "floor" in below.said
    few = compute_equivalent_loss(host, 0.5, others=others[:1])
    assert few.line is None and few.by_line is None


@quick
@given(st.lists(st.floats(1, 9), min_size=3, max_size=8), st.floats(0, 5), st.floats(0, 5))
def test_more_loss_is_never_worth_more_compute_and_units_do_not_count(losses, one, other):
    host = curve([4.0**place for place in range(len(losses))], losses)
    small, large = (compute_equivalent_loss(host, delta).curve for delta in sorted((one, other)))
    if large.share is not None:
        assert large.share <= small.share <= 1
    else:
        assert "below" in large.said
    scaled = Curve(host.compute * 6e9, host.loss)
    share = compute_equivalent_loss(scaled, min(one, other)).curve.share
    assert share == (None if small.share is None else pytest.approx(small.share))


def test_curves_that_are_none_are_refused():
    with pytest.raises(InputError, match="host has 1 checkpoints"):
        compute_equivalent_loss(curve([1.0], [2.0]), 0.1)
    with pytest.raises(InputError, match=r"compute of curve 1 is \[2.0, 2.0\]"):
        compute_equivalent_loss(HOST, 0.1, others=[curve([2.0, 2.0], [3.0, 2.0])])
    with pytest.raises(ConfigError, match="delta = nan"):
        compute_equivalent_loss(HOST, float("nan"))
