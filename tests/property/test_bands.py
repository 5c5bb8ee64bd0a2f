"""Rows from every part of a latent's range, with as many firing rows as there may be, and counts beside numpy's."""

from __future__ import annotations

from itertools import chain

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.run.interpret.bands import BANDS, BINS, banded, histogram

quick = settings(max_examples=12, derandomize=True, deadline=None, database=None)
seeds = st.integers(0, 2**16)
ROWS, TOP, PER_BAND = 1100, 9, 5
COUNTS = (0, 1, 2, 3, 4, 5, 21, 1000)
several = st.lists(st.integers(0, 80), min_size=1, max_size=6)


def firing(seed, counts=COUNTS, rows=ROWS):
    """One latent for each number of firing rows, all of its activations different."""
    draw = torch.Generator().manual_seed(seed)
    columns = torch.zeros(rows, len(counts))
    for latent, count in enumerate(counts):
        at = torch.randperm(rows, generator=draw)[:count]
        columns[at, latent] = 0.5 + torch.randperm(count, generator=draw).float()
    return columns


def shown(found, column):
    """Per band, the rows without the places that are empty: those are behind all others."""
    bands = []
    for places in found.tolist():
        rows = [row for row in places if row >= 0]
        assert places == rows + [-1] * (len(places) - len(rows))
        assert all(column[row] > 0 for row in rows), "on each of them the latent fires"
        bands.append(rows)
    return bands


def ranked(column):
    """Rank of each firing row, 0 the strongest."""
    order = np.argsort(-column.numpy(), kind="stable")[: int((column > 0).sum())]
    return {int(row): rank for rank, row in enumerate(order)}


def test_there_are_five_bands_of_places():
    assert banded(firing(0)).rows.shape == (len(COUNTS), len(BANDS), TOP) and len(BANDS) == 5
    assert not banded(firing(0)).rows.is_floating_point()


@pytest.mark.parametrize("seed", range(3))
def test_the_first_band_is_the_strongest_rows_strongest_first(seed):
    columns = firing(seed)
    for column, found, count in zip(columns.T, banded(columns).rows, COUNTS, strict=True):
        assert shown(found, column)[0] == column.topk(min(TOP, count)).indices.tolist()


@pytest.mark.parametrize("seed", range(3))
def test_quarters_are_disjoint_and_ordered_by_strength_within_and_between(seed):
    columns = firing(seed)
    for column, found, count in zip(columns.T, banded(columns).rows, COUNTS, strict=True):
        quarters = shown(found, column)[1:]
        rows = list(chain(*quarters))
        assert len(set(rows)) == len(rows) == min(count, 4 * PER_BAND), "all of them where there are few"
        strengths = column[rows]
        assert torch.equal(strengths, strengths.sort(descending=True).values)
        assert max(len(quarter) for quarter in quarters) <= PER_BAND
        if count >= 4:
            assert min(len(quarter) for quarter in quarters) >= 1


@quick
@given(seeds, several)
def test_each_row_of_a_quarter_is_of_that_quarter_by_rank(seed, counts):
    columns = firing(seed, counts, 90)
    for column, found, count in zip(columns.T, banded(columns).rows, counts, strict=True):
        ranks = ranked(column)
        for part, quarter in enumerate(shown(found, column)[1:]):
            for row in quarter:
                assert part * count / 4 - 0.5 <= ranks[row] < (part + 1) * count / 4 + 0.5


@quick
@given(seeds, st.integers(20, 90))
def test_the_rows_of_a_quarter_are_evenly_spaced_over_it(seed, count):
    column = firing(seed, [count], 90)
    ranks = ranked(column[:, 0])
    quarters = shown(banded(column).rows[0], column[:, 0])[1:]
    for quarter in quarters:
        gaps = np.diff([ranks[row] for row in quarter])
        assert len(gaps) == PER_BAND - 1 and gaps.max() - gaps.min() <= 1
        assert count // 20 <= gaps.min() and gaps.max() <= -(-(count + 3) // 20)
    assert ranks[quarters[0][0]] == 0, "the strongest row is there as well"


def test_rows_on_which_a_latent_does_not_fire_are_never_shown():
    found = banded(torch.tensor([[0.0, -1], [0, 2], [0, 0]])).rows
    assert (found[0] == -1).all(), "never fires"
    assert set(found[1].flatten().tolist()) == {1, -1} and (found[1] == 1).sum() == 2


def test_equal_activations_are_shown_once_each_too_however_many_there_are():
    counts = range(1, 61)
    columns = 3 * (torch.arange(80)[:, None] < torch.tensor(counts)).float()
    for count, column, found in zip(counts, columns.T, banded(columns).rows, strict=True):
        bands = shown(found, column)
        assert bands[0] == list(range(min(TOP, count)))
        rows = list(chain(*bands[1:]))
        assert rows == sorted(set(rows)) and len(rows) == min(count, 4 * PER_BAND)


@quick
@given(seeds, several)
def test_a_latent_is_shown_alike_whatever_stands_beside_it_and_in_any_unit(seed, counts):
    columns = firing(seed, counts, 90)
    together = banded(columns).rows
    for latent in range(len(counts)):
        assert torch.equal(banded(4 * columns[:, [latent]]).rows[0], together[latent])


@quick
@given(seeds, st.sampled_from([1e-4, 1.0, 1e5]))
def test_counts_are_those_of_numpy_over_equal_parts_from_0_to_the_largest(seed, scale):
    columns = (torch.randn(200, 6, generator=torch.Generator().manual_seed(seed)) * scale).relu()
    columns[:, 5] = 0
    found = histogram(columns)
    assert found.shape == (6, BINS) and BINS == 12 and not found[5].any()
    for column, counts in zip(columns.T[:5].double().numpy(), found, strict=False):
        wanted, _ = np.histogram(column[column > 0], BINS, (0, column.max()))
        assert counts.tolist() == wanted.tolist()


def test_counts_sum_to_the_firing_rows_and_the_largest_is_in_the_last_part():
    found = histogram(firing(0))
    assert found.sum(1).tolist() == list(COUNTS)
    assert (found[1:, -1] >= 1).all()
    assert found[1].tolist() == [0] * 11 + [1]


def test_counts_on_an_example_by_hand():
    column = torch.tensor([0.0, 12, 12, 0.1, 6.5, 11.5, -1])
    assert histogram(column[:, None]).tolist() == [[1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 3]]
