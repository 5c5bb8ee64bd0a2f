"""Codes that are dealt out by chance keep how many fire in a row, how often each fires, and how strongly."""

from __future__ import annotations

from collections import Counter
from itertools import product

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from measure_cases import quick, seeds

from sae.curveball import curveball
from sae.records import Codes


def stream(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def codes(seed: int, rows: int, width: int, share: float) -> Codes:
    """Of rows in which latents fire more or less often; padding stands wherever `topk` puts it."""
    draw = stream(seed)
    rate = share * 2 * torch.rand(width, generator=draw)
    full = (torch.rand(rows, width, generator=draw) < rate) * torch.rand(rows, width, generator=draw)
    return Codes.from_active(full)


@quick
@given(seeds, st.integers(1, 33), st.integers(1, 12), st.sampled_from([0.0, 0.1, 0.5, 1.0]), st.integers(0, 3))
def test_sums_of_rows_and_of_latents_and_values_of_each_latent_are_kept(seed, rows, width, share, rounds):
    given_codes = codes(seed, rows, width, share)
    before, after = given_codes.dense(), curveball(given_codes, stream(seed + 1), rounds).dense()
    assert torch.equal((after > 0).sum(1), (before > 0).sum(1))
    assert torch.equal(after.sort(0).values, before.sort(0).values)
    assert torch.equal(curveball(given_codes, stream(seed + 1), rounds).dense(), after), "the same draw"
    assert torch.equal(given_codes.dense(), before), "what was given stays"


def test_no_codes_are_no_codes():
    assert len(curveball(Codes(torch.empty(0, 2), torch.empty(0, 2, dtype=torch.long), 5), stream(0))) == 0


@pytest.mark.parametrize("sizes", [(1, 1, 1), (2, 1, 1)])
def test_every_table_with_the_same_sums_is_as_likely(sizes):
    """Three rows, four latents; all tables with those sums are counted out by hand."""
    start = torch.zeros(3, 4)
    for row, size in enumerate(sizes):
        start[row, [(row + step) % 4 for step in range(size)]] = 1
    rows = [[row for row in product((0, 1), repeat=4) if sum(row) == size] for size in sizes]
    wanted = start.sum(0).tolist()
    tables = [table for table in product(*rows) if [sum(column) for column in zip(*table, strict=True)] == wanted]
    found: Counter[tuple[tuple[int, ...], ...]] = Counter()
    draw, given_codes = stream(3), Codes.from_active(start)
    for _ in range(40 * len(tables)):
        found[tuple(tuple(int(on) for on in row) for row in curveball(given_codes, draw, 8).dense() > 0)] += 1
    assert set(found) == set(tables)
    spread = sum((found[table] - 40) ** 2 / 40 for table in tables)
    # chi square with one degree of freedom fewer than there are tables: four standard deviations above its mean
    assert spread < len(tables) - 1 + 4 * (2 * (len(tables) - 1)) ** 0.5


def test_pairs_that_always_fire_together_part():
    """What an SAE could learn of them is what is to be gone."""
    draw = stream(5)
    groups = (torch.rand(400, 8, generator=draw) < 0.25).float().repeat_interleave(2, 1)
    after = curveball(Codes.from_active(groups), draw).dense()
    first, second = after[:, ::2] > 0, after[:, 1::2] > 0
    assert float((first & second).sum() / first.sum()) < 0.35


def one_size_a_row(draw: torch.Generator) -> torch.Tensor:
    """Four of twelve latents, all as loud as their row is."""
    on = torch.zeros(500, 12).scatter(1, torch.rand(500, 12, generator=draw).argsort(1)[:, :4], 1.0)
    return on * (0.1 + torch.rand(500, 1, generator=draw)) * torch.arange(1, 13)


def one_loud_latent_a_row(draw: torch.Generator) -> torch.Tensor:
    """Four of twelve latents, one of them ten times as loud."""
    places = torch.rand(500, 12, generator=draw).argsort(1)[:, :4]
    sizes = torch.tensor([10.0, 1.0, 1.0, 1.0]).expand(500, 4) * (0.9 + 0.2 * torch.rand(500, 4, generator=draw))
    return torch.zeros(500, 12).scatter(1, places, sizes)


@pytest.mark.parametrize(("made", "told"), [
    (one_size_a_row, lambda rows: (rows / torch.arange(1, 13)).sum(1)),
    (one_loud_latent_a_row, lambda rows: rows.max(1).values / rows.sum(1).clamp(min=1e-9)),
])  # fmt: skip
def test_rows_stay_as_loud_and_as_unequal_as_they_are(made, told):
    """Not exactly, since latents keep their own values; nearly, where values dealt out by chance would lose it."""
    before = made(stream(3))
    after = curveball(Codes.from_active(before), stream(4)).dense()
    by_chance = torch.stack([column[torch.randperm(500, generator=stream(i))] for i, column in enumerate(before.T)], 1)
    kept, lost = (
        float((told(rows).sort().values - told(before).sort().values).abs().mean()) for rows in (after, by_chance)
    )
    assert kept < 0.3 * lost
