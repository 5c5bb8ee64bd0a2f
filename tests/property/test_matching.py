"""Matching two SAEs: properties, an exhaustive search beside it, and what it refuses."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from measure_cases import quick, seeds

from sae.errors import ConfigError, NumericError
from sae.matching import matched

numbers = st.integers(1, 6)


def draw(seed, rows, width=4):
    return torch.randn(rows, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def cosines(a, b):
    """By hand: numpy, one pair at a time."""
    return np.array([[p @ q / np.sqrt((p @ p) * (q @ q)) for q in b.numpy()] for p in a.numpy()])


@quick
@given(seeds, st.integers(1, 40))
def test_a_permutation_of_the_latents_matches_wholly(seed, n):
    first, order = draw(seed, n), torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    found = matched(first, 3 * first[order], encoders=(-first, -first[order]))
    assert found.share == 1 and found.mean == pytest.approx(1) and found.encoder_mean == pytest.approx(1)
    assert found.n == n and torch.equal(order[found.pairs[:, 1]], found.pairs[:, 0])


@quick
@given(seeds, numbers, numbers, st.sampled_from([-0.2, 0.3, 0.7]))
def test_no_other_assignment_is_better(seed, n_first, n_second, threshold):
    first, second = draw(seed, n_first), draw(seed + 1, n_second)
    table = cosines(first, second)
    wide = table if n_first <= n_second else table.T
    options = list(permutations(range(wide.shape[1]), wide.shape[0]))
    chosen = [wide[range(len(option)), option] for option in options]
    best = max(chosen, key=lambda values: values.sum())
    found, larger = matched(first, second, threshold), max(n_first, n_second)
    assert found.mean == pytest.approx(best.sum() / larger) and found.encoder_mean is None
    assert found.share == pytest.approx((best >= threshold).sum() / larger)
    assert sorted(found.cosines.tolist()) == pytest.approx(sorted(best))


@quick
@given(seeds, numbers)
def test_with_encoders_no_other_assignment_has_a_better_sum_of_both(seed, n):
    first, second, encoders = draw(seed, n), draw(seed + 1, n), (draw(seed + 2, n), draw(seed + 3, n))
    table = cosines(first, second) + cosines(*encoders)
    best = max(sum(table[i, j] for i, j in enumerate(option)) for option in permutations(range(n)))
    found = matched(first, second, encoders=encoders)
    assert found.mean + found.encoder_mean == pytest.approx(best / n)


@quick
@given(seeds, numbers, numbers, st.sampled_from([1e-3, 7.0]))
def test_neither_order_nor_length_nor_rotation_counts(seed, n_first, n_second, factor):
    first, second = draw(seed, n_first), draw(seed + 1, n_second)
    encoders = (draw(seed + 2, n_first), draw(seed + 3, n_second))
    turn = torch.linalg.qr(draw(seed, 4)).Q
    plain = matched(first, second, 0.4, encoders=encoders)
    for other in (
        matched(second, first, 0.4, encoders=encoders[::-1]),
        matched(factor * first, second, 0.4, encoders=(encoders[0], factor * encoders[1])),
        matched(first @ turn, second @ turn, 0.4, encoders=(encoders[0] @ turn, encoders[1] @ turn)),
    ):
        assert (other.share, other.n) == (plain.share, plain.n)
        assert (other.mean, other.encoder_mean) == pytest.approx((plain.mean, plain.encoder_mean))
    assert 0 <= plain.share <= 1 and -1 <= plain.mean <= 1 and -1 <= plain.encoder_mean <= 1


@quick
@given(seeds, st.integers(2, 12), st.integers(1, 12))
def test_the_larger_number_of_latents_is_the_denominator(seed, kept, more):
    first = draw(seed, kept + more, width=30)
    for found in (matched(first, first[:kept]), matched(first[:kept], first)):
        assert found.n == kept + more and len(found.pairs) == kept
        assert found.share == pytest.approx(kept / (kept + more)) == pytest.approx(found.mean)


@quick
@given(seeds, st.integers(2, 12))
def test_a_match_needs_both_sides_and_the_mean_shows_near_misses(seed, n):
    first = torch.eye(n, dtype=torch.float64)
    away = first.roll(1, 0)
    found = matched(first, first, encoders=(first, 0.5 * first + 0.6 * away))  # encoder cosine .64
    assert (found.share, found.mean) == (0, pytest.approx(1))
    assert found.encoder_mean == pytest.approx(0.5 / math.sqrt(0.61))
    assert matched(first, first, 0.6, encoders=(first, 0.5 * first + 0.6 * away)).share == 1


def test_the_threshold_itself_is_a_match_and_rows_of_zeros_are_none():
    first, second = torch.tensor([[1.0, 0.0], [0.0, 0.0]]), torch.tensor([[0.6, 0.8], [0.0, 0.0]])
    found = matched(first, second, 0.6)
    assert found.cosines.tolist() == pytest.approx([0.6, 0.0]) and found.mean == pytest.approx(0.3)
    assert matched(torch.eye(2), torch.eye(2), 1.0).share == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"threshold": 1.2}, "not 1.2"),
        ({"second": torch.ones(3, 2)}, "rows of one width"),
        ({"second": torch.ones(0, 4)}, "one or more"),
        ({"encoders": (torch.ones(2, 4), torch.ones(3, 4))}, r"\(2, 3\), not \(3, 3\)"),
    ],
)
def test_what_does_not_fit_is_refused(changes, message):
    # past the shape checks of the test run, as a caller outside of it would be
    with pytest.raises(ConfigError, match=message):
        unchecked(**{"first": torch.ones(3, 4), "second": torch.ones(3, 4)} | changes)


def unchecked(first, second, threshold=0.7, encoders=None):
    return matched.__wrapped__(first, second, threshold, encoders=encoders)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_bad_number_is_named(bad):
    broken = torch.ones(3, 4)
    broken[2, 1] = bad
    with pytest.raises(NumericError, match="second decoder: row 2"):
        matched(torch.ones(3, 4), broken)
    with pytest.raises(NumericError, match="first encoder: row 2"):
        matched(torch.ones(3, 4), torch.ones(3, 4), encoders=(broken, torch.ones(3, 4)))
