"""Latents beside latents: against numpy, with planted relatives, and where there are fewer than asked for."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.run.interpret.relations import coactive, correlation, nearest_directions

quick = settings(max_examples=12, derandomize=True, deadline=None, database=None)
seeds = st.integers(0, 2**16)
ROWS = 40


def normal(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def sparse(seed, *shape):
    return (normal(seed, *shape) - 0.3).relu()


def assert_are_largest(nearest, table, most):
    """The `most` largest positive entries of each row, largest first, and -1 and NaN behind them."""
    for row, others, values in zip(table, nearest.others.tolist(), nearest.values.tolist(), strict=True):
        wanted = [int(i) for i in np.argsort(-row) if row[i] > 0][:most]
        assert others[: len(wanted)] == wanted
        np.testing.assert_allclose(values[: len(wanted)], row[wanted], atol=1e-5)
        assert set(others[len(wanted) :]) <= {-1} and np.isnan(values[len(wanted) :]).all()


@quick
@given(seeds, st.integers(1, 6), st.integers(1, 6), st.sampled_from([0.0, -3.0, 50.0]), st.sampled_from([1e-3, 1e4]))
def test_correlation_is_that_of_numpy_whatever_the_units(seed, m, n, shift, scale):
    a, b = sparse(seed, ROWS, m) + 1e-3 * normal(seed, ROWS, m), normal(seed + 1, ROWS, n)
    b[:, 0] -= 3 * a[:, 0]
    wanted = np.corrcoef(a.double(), b.double(), rowvar=False)[:m, m:]
    assert wanted[0, 0] < -0.3
    found = correlation(scale * a, b + shift)
    assert found.shape == (m, n)
    np.testing.assert_allclose(found, wanted, atol=1e-4)
    np.testing.assert_allclose(correlation(b + shift, scale * a), found.T, atol=1e-5)


@pytest.mark.parametrize("constant", [0.0, 1.1, -0.3, 1e3 / 3, 3.3e7, 1e15])
@pytest.mark.parametrize("rows", [ROWS, 5001])
def test_a_column_that_does_not_vary_has_correlation_0_with_all_and_with_itself(constant, rows):
    a, b = torch.full((rows, 2), constant), normal(0, rows, 3)
    b[:, 1] = constant
    assert not correlation(a, b).any() and not correlation(b, a).any()
    own = correlation(b, b)
    assert own.diagonal().tolist() == pytest.approx([1, 0, 1], abs=1e-5)


def test_a_small_change_on_a_large_constant_is_a_change():
    a = normal(0, ROWS, 1)
    assert float(correlation(1e3 + a, a)) == pytest.approx(1, abs=1e-3)


@quick
@given(seeds, st.integers(1, 8))
def test_coactive_are_the_largest_correlations_and_only_those_above_0(seed, most):
    here, below = sparse(seed, ROWS, 5), sparse(seed + 1, ROWS, 8)
    here[:, 0] = 0
    table = np.zeros((5, 8))
    table[1:] = np.corrcoef(here[:, 1:], below, rowvar=False)[:4, 4:]
    assert (table < 0).any()
    assert_are_largest(coactive(here, below, most), table, most)


@quick
@given(seeds, st.integers(0, 9))
def test_coactive_finds_planted_parents_strongest_first(seed, parent):
    below = sparse(seed, 200, 10)
    second = (parent + 3) % 10
    found = coactive((2 * below[:, [parent]] + below[:, [second]]), below, 3)
    assert found.others[0, :2].tolist() == [parent, second]
    assert float(found.values[0, 0]) > 0.8 and float(found.values[0, 1]) > 0.3


def test_a_latent_that_is_off_whenever_another_is_on_is_not_related():
    on = (torch.arange(ROWS) % 2).float()[:, None]
    found = coactive(on, torch.cat([1 - on, on], 1), 2)
    assert found.others.tolist() == [[1, -1]]
    assert float(found.values[0, 0]) == pytest.approx(1) and torch.isnan(found.values[0, 1])


@quick
@given(seeds, st.integers(1, 7), st.sampled_from([1e-3, 1.0, 1e3]))
def test_nearest_are_the_largest_cosines_of_others_and_only_those_above_0(seed, most, length):
    directions = normal(seed, 8, 4) * length
    rows = directions.double().numpy()
    table = np.array([[p @ q / np.sqrt((p @ p) * (q @ q)) for q in rows] for p in rows])
    np.fill_diagonal(table, 0)
    assert (table < 0).any()
    found = nearest_directions(directions, most)
    assert_are_largest(found, table, most)
    assert not (found.others == torch.arange(8)[:, None]).any()


@quick
@given(seeds, st.sampled_from([1e-2, 1.0, 50.0]))
def test_nearest_finds_a_planted_near_duplicate_of_any_length(seed, length):
    directions = normal(seed, 9, 30)
    directions[7] = length * (directions[2] + 0.05 * normal(seed + 1, 30))
    found = nearest_directions(directions, 1)
    assert (int(found.others[2]), int(found.others[7])) == (7, 2)
    assert 0.98 < float(found.values[2]) <= 1 and float(found.values[7]) == pytest.approx(float(found.values[2]))


def test_a_latent_without_direction_or_with_none_on_its_side_has_no_nearest():
    found = nearest_directions(torch.tensor([[0.0, 0], [1, 0], [-1, 0], [0, 2]]), 3)
    assert (found.others == -1).all() and torch.isnan(found.values).all()


def test_equal_directions_are_each_others_nearest_and_not_their_own():
    found = nearest_directions(torch.ones(2, 3), 1)
    assert found.others.tolist() == [[1], [0]] and found.values.flatten().tolist() == pytest.approx([1, 1])


def test_fewer_others_than_asked_for_gives_those_there_are():
    column = sparse(0, ROWS, 1)
    found = coactive(column, torch.cat([-column, 3 * column], 1), 5)
    assert found.others[0, 0] == 1 and (found.others[0, 1:] == -1).all() and torch.isnan(found.values[0, 1:]).all()
    directions = torch.tensor([[1.0, 0], [1, 1], [0, 1]])
    found = nearest_directions(directions, 5)
    assert found.others[:, 0].tolist() == [1, found.others[1, 0], 1] and set(found.others[1, :2].tolist()) == {0, 2}
    assert (found.others[:, 2:] == -1).all() and torch.isnan(found.values[:, 2:]).all()
    alone = nearest_directions(torch.ones(1, 2), 4)
    assert (alone.others == -1).all() and torch.isnan(alone.values).all() and len(alone.others) == 1
