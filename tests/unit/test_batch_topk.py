"""BatchTopK: what a batch keeps, what L0 counts, and a threshold that lets a row be encoded alone."""

from __future__ import annotations

import pytest
import torch

from sae.architectures.batch_topk import BatchTopK, follow
from sae.kernels import keep_top_of_batch
from sae.records import Codes

PRE = torch.tensor([[5.0, 4.0, 3.0, -1.0], [0.5, 2.0, -3.0, -4.0], [-1.0, -2.0, -3.0, -4.0]])


def identity(**options):
    """Pre-activations are the rows themselves."""
    sae = BatchTopK(4, 4, k=1, **options)
    with torch.no_grad():
        sae.W_enc.copy_(torch.eye(4))
        sae.W_dec.copy_(torch.eye(4))
        sae.b_dec.zero_()
    return sae


def codes_of(values):
    return Codes(torch.tensor(values), torch.arange(len(values[0])).expand(len(values), -1), len(values[0]))


def test_the_batch_keeps_its_own_largest_wherever_they_stand():
    values, indices = keep_top_of_batch(PRE, 1)
    kept = Codes(values, indices, 4)
    assert kept.dense().tolist() == [[5, 4, 3, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert Codes(*keep_top_of_batch(PRE, 2), 4).dense().tolist() == [[5, 4, 3, 0], [0.5, 2, 0, 0], [0, 0, 0, 0]]


def test_l0_counts_what_is_active_and_not_the_padding():
    loss = identity().loss(PRE)
    assert loss.codes.values.shape == (3, 3) and loss.codes.l0() == 1.0
    assert loss.codes.fired().tolist() == [True, True, True, False]


def test_of_entries_that_tie_at_the_cut_exactly_as_many_as_wanted_are_kept():
    kept = Codes(*keep_top_of_batch(torch.ones(5, 8), 2), 8)
    assert int((kept.dense() > 0).sum()) == 10


def test_k_beyond_what_is_positive_keeps_what_is_positive():
    assert Codes(*keep_top_of_batch(PRE, 4), 4).l0() == pytest.approx(5 / 3)
    assert Codes(*keep_top_of_batch(-PRE.abs(), 2), 4).l0() == 0


def test_the_loss_is_that_of_the_codes_by_hand():
    # what is left: (0, 0, 0, -1), (.5, 2, -3, -4), (-1, -2, -3, -4)
    assert float(identity().loss(PRE).total.detach()) == pytest.approx((1 + 29.25 + 30) / 3 / 4)


def test_the_threshold_starts_at_the_first_batch_and_then_follows_the_smallest_kept():
    sae = identity(threshold_rate=0.25)
    assert float(sae.threshold) < 0
    for rows, wanted in ((PRE, 3.0), (2 * PRE, 3 + 0.25 * (6 - 3)), (-PRE.abs(), 3.75)):
        sae._adapt(sae.loss(rows))
        assert float(sae.threshold) == pytest.approx(wanted)


def test_the_threshold_follows_the_smallest_that_is_above_0_never_the_padding():
    assert float(follow(torch.tensor(-1.0), codes_of([[0.0, 2.0], [5.0, 0.0]]), 0.5)) == 2.0


def test_at_inference_a_row_alone_is_the_row_among_others():
    sae = identity()
    sae._adapt(sae.loss(PRE))
    sae.threshold.fill_(1.0)
    among = sae.encode(PRE).dense()
    assert among.tolist() == [[5, 4, 3, 0], [0, 2, 0, 0], [0, 0, 0, 0]]
    assert torch.equal(among, torch.cat([sae.encode(row[None]).dense() for row in PRE]))


def test_measuring_does_not_move_the_threshold():
    sae = identity()
    sae.threshold.fill_(1.0)
    sae.encode(PRE), sae.loss(PRE), sae.loss(PRE, torch.tensor([True, False, True, False])), sae.decode(sae.encode(PRE))
    assert float(sae.threshold) == 1.0


def test_auxk_is_that_of_topk_over_dead_latents_only():
    sae = identity(k_aux=1, aux_weight=0.5)
    dead = torch.tensor([False, True, False, True])
    loss = sae.loss(PRE, dead)
    left = PRE - loss.codes.dense().detach()
    # the largest dead latent of each row, cut at 0: 4, 2, 0 for latent 1
    back = torch.tensor([[0.0, 4, 0, 0], [0, 2, 0, 0], [0, 0, 0, 0]])
    wanted = 0.5 * (left - back).square().sum() / (left - left.mean(0)).square().sum()
    assert float(loss.terms["auxk"].detach()) == pytest.approx(float(wanted))
    found = torch.autograd.grad(loss.terms["auxk"], [sae.W_dec, sae.b_enc])
    assert all(not bool(g[~dead].any()) and bool(g[1].any()) for g in found)
