"""One coder for learned and random dictionaries: what it must do, and that a matched dictionary is matched."""

from __future__ import annotations

import itertools

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sae.measures.variance_explained import explained
from sae.nulls import matched_directions, pursue, random_directions, stored_directions
from sae.seeding import derived, stream


def rows_in_a_plane(n=200, d=16):
    """Rows that vary in 2 of 16 dimensions only."""
    plane = torch.linalg.qr(torch.randn(d, 2, generator=stream(0, "plane"))).Q
    return torch.randn(n, 2, generator=stream(0, "weights")) @ plane.T


def test_rows_that_are_directions_come_back_whole():
    directions = random_directions(8, 5, stream(1, "directions"))
    torch.testing.assert_close(pursue(3 * directions, directions, 1), 3 * directions, atol=1e-4, rtol=1e-4)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000))
def test_more_directions_never_explain_less(seed):
    rows = torch.randn(40, 6, generator=stream(seed, "rows"))
    directions = random_directions(20, 6, stream(seed, "directions"))
    values = [explained(rows, pursue(rows, directions, k)) for k in (1, 2, 4, 6)]
    assert all(b >= a - 1e-4 for a, b in itertools.pairwise(values)) and values[-1] > 0.999


def test_a_matched_dictionary_lies_where_the_rows_lie_and_an_isotropic_one_does_not():
    rows = rows_in_a_plane()
    matched = matched_directions(rows, 12, stream(2, "matched"))
    torch.testing.assert_close(matched.norm(dim=1), torch.ones(12))
    assert explained(rows, pursue(rows, matched, 2)) > 0.99
    assert explained(rows, pursue(rows, random_directions(12, 16, stream(2, "random")), 2)) < 0.6


def test_a_stored_dictionary_holds_rows_and_never_more_than_there_are():
    rows = rows_in_a_plane(10)
    stored = stored_directions(rows, 4, stream(3, "stored"))
    unit = rows / rows.norm(dim=1, keepdim=True)
    assert len(stored) == 4 and float((stored @ unit.T).max(1).values.min()) > 0.9999
    assert len(stored_directions(rows, 99, stream(3, "stored"))) == 10


def test_derived_seeds_differ_by_every_name():
    seeds = {derived(0, "host", 1), derived(0, "host", 2), derived(0, "latents", 1), derived(1, "host", 1)}
    assert len(seeds) == 4 and derived(0, "host", 1) == derived(0, "host", 1)
