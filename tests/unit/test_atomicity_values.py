"""The scores of atomicity (FRI, PDS, LTES and CSP) against values worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from read_measure import read

from sae.records import Codes

quick = settings(max_examples=25, deadline=None)
seeds = st.integers(0, 10_000)


def fri(z, directions, offset, host):
    codes = Codes.from_dense(torch.tensor(z).float())
    directions, offset, host = (torch.tensor(given).float() for given in (directions, offset, host))
    return read("fri", codes=codes, host_directions=directions, host_offset=offset, host=host)


def test_fri_by_hand():
    directions, offset = [[2, 0], [0, 1], [1, 1]], [1, 0]
    # all: (3, 2), error 1; alone: (3, 0) and (1, 2), errors 5 and 9: excesses 4 and 8 over one other latent
    first = fri([[1, 2, 0]], directions, offset, [[4, 2]])
    assert (first.value, first.n) == (pytest.approx(-6), 1)
    # all: (4, 2), error 1; alone: (3, 0), (1, 1) and (2, 1), errors 8, 17 and 10: shared out over two others
    second = fri([[1, 1, 1]], directions, offset, [[5, 2]])
    assert second.value == pytest.approx(-(7 + 16 + 9) / 3 / 2)
    # an example with one active latent, or none, is left out
    several = fri([[1, 2, 0], [0, 3, 0], [1, 1, 1], [0, 0, 0]], directions, offset, [[4, 2], [1, 1], [5, 2], [9, 9]])
    assert (several.value, several.n) == (pytest.approx((first.value + second.value) / 2), 2)
    alone = fri([[0, 3, 0]], directions, offset, [[1, 1]])
    assert math.isnan(alone.value) and alone.n == 0


def test_fri_of_a_perfect_reconstruction_from_orthogonal_directions_is_mass_over_l0():
    z = [[3.0, 4.0, 0.0], [1.0, 2.0, 2.0]]
    host = (torch.tensor(z) + 7).tolist()
    reading = fri(z, torch.eye(3).tolist(), [7, 7, 7], host)
    assert reading.value == pytest.approx(-(25 / 2 + 9 / 3) / 2), "and says nothing of independence"


def pds(here, below):
    here, below = (Codes.from_dense(torch.tensor(rows).float().T) for rows in (here, below))
    return read("pds", codes=here, below=below)


def test_pds_by_hand():
    # columns. Here: correlation 1/2, and a dead latent; below: correlation -1, and a constant
    reading = pds([[1, 2, 3], [1, 3, 2], [0, 0, 0]], [[1, 2, 3], [3, 2, 1], [0.1, 0.1, 0.1]])
    assert (reading.value, reading.n) == (pytest.approx(1 - 0.5), 1)
    other_way = pds([[1, 2, 3], [3, 2, 1], [0, 0, 0]], [[-1, -2, -3], [1, 3, 2]])
    assert other_way.value == pytest.approx(0.5 - 1), "the depth below may have any sign"


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("lonely", [[[1, 2, 3]], [[1, 2, 3], [0, 0, 0], [2, 2, 2]]])
def test_pds_needs_two_latents_that_vary_on_either_side(side, lonely):
    both = [[[1, 2, 3], [1, 3, 2]], [[1, 2, 3], [1, 3, 2]]]
    both[side] = lonely
    reading = pds(*both)
    assert math.isnan(reading.value) and reading.n == 0


def ltes(dense, directions, offset):
    given = {"host_directions": torch.tensor(directions), "host_offset": torch.tensor(offset)}
    return read("ltes", codes=Codes.from_dense(dense), **given)


def test_ltes_by_hand():
    # latent 0 on 10 rows, latent 1 on 10 others, latent 2 on 9, latent 3 on all
    dense = torch.zeros(20, 4)
    dense[:10, 0], dense[10:13, 1], dense[13:, 1], dense[:9, 2], dense[:, 3] = 1, 4, 0.3, 1, 5
    directions = [[4.0, 0.0], [-1.0, -1.0], [1e-9, 0.0], [0.0, 0.0]]
    # the std of (a, b) is |a - b| / sqrt(2). Rows of latent 0: (4, 1), a change counts above 1.06. Rows of latent 1:
    # the offset's (0, 1) moved along the diagonal, a change counts above .354: all by 4, and none by .3
    reading = ltes(dense, directions, [0.0, 1.0])
    sparsity = [1 - 10 / 20, 1 - 6 / 20]
    assert reading.latents.tolist()[:2] == pytest.approx([(share + 1) / 2 for share in sparsity])
    assert reading.latents[2:].isnan().all(), "too rare; moves nothing"
    assert (reading.value, reading.n) == (pytest.approx(0.8), 2)
    rare = ltes(dense[:9], directions, [0.0, 1.0])
    assert math.isnan(rare.value) and rare.n == 0


@pytest.mark.parametrize(
    ("offset", "value"),
    [
        ([0.0, 1.0], 0.8),
        ([7.0, 8.0], 0.8),  # the same spread
        ([0.0, 0.8], (0.5 + 1 + 0 + 1) / 4),  # latent 1 by .3: counts above .283
        ([0.0, 99.0], 1.0),  # beside such a spread nothing counts
    ],
)
def test_the_spread_of_the_offset_decides_which_changes_ltes_counts(offset, value):
    dense = torch.zeros(20, 2)
    dense[:10, 0], dense[10:13, 1], dense[13:, 1] = 1, 4, 0.3
    assert ltes(dense, [[4.0, 0.0], [-1.0, -1.0]], offset).value == pytest.approx(value)


def test_ltes_of_reconstructions_without_spread_counts_every_change():
    reading = ltes(torch.ones(10, 1), [[2.0, 2.0, 2.0]], [0.0, 0.0, 0.0])
    assert (reading.value, reading.n) == (0.5, 1)
    single = ltes(torch.ones(10, 1), [[2.0]], [1.0])
    assert (single.value, single.n) == (0.5, 1), "one coordinate has no spread"


@quick
@given(seeds)
def test_dead_latents_move_csp_and_no_other_score_of_atomicity(seed):
    draw = torch.Generator().manual_seed(seed)
    dense = torch.relu(torch.randn(60, 6, generator=draw))
    given = {
        "below": Codes.from_dense(torch.rand(60, 5, generator=draw)), "host": torch.randn(60, 4, generator=draw),
        "host_offset": torch.randn(4, generator=draw), "labels": torch.arange(60) % 3, "n_classes": 3,
    }  # fmt: skip
    directions = torch.randn(9, 4, generator=draw)
    more = torch.cat([dense, torch.zeros(60, 3)], 1)
    for name in ("fri", "pds", "ltes", "csp"):
        alive = read(name, codes=Codes.from_dense(dense), host_directions=directions[:6], **given)
        dead = read(name, codes=Codes.from_dense(more), host_directions=directions, **given)
        if name == "csp":
            assert (dead.value, dead.n) == (pytest.approx(alive.value * 6 / 9), 9)
        else:
            assert (dead.value, dead.n) == (pytest.approx(alive.value, rel=1e-12), alive.n)
