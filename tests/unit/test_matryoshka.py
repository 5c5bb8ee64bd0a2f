"""Matryoshka: each prefix reconstructs on its own, and the loss is the mean over them, by hand."""

from __future__ import annotations

import pytest
import torch

from sae.architectures.matryoshka import Matryoshka
from sae.errors import ConfigError

ROWS = torch.tensor([[4.0, 3.0, 2.0, 1.0], [1.0, 0.0, 5.0, 6.0]])


def identity(**options):
    sae = Matryoshka(4, 4, k=4, **options)
    with torch.no_grad():
        sae.W_enc.copy_(torch.eye(4))
        sae.W_dec.copy_(torch.eye(4))
        sae.b_dec.zero_()
    return sae


def terms(loss):
    return {name: float(value.detach()) for name, value in loss.terms.items()}


def test_the_loss_is_the_mean_over_the_prefixes_by_hand():
    loss = identity(prefixes=(0.25, 0.5, 1.0)).loss(ROWS)
    # left over: 14 and 61 after one latent, 5 and 61 after two, nothing after four
    wanted = {"reconstruction_1": 75 / 8 / 3, "reconstruction_2": 66 / 8 / 3, "reconstruction_4": 0.0}
    assert terms(loss) == pytest.approx(wanted)
    assert float(loss.total.detach()) == pytest.approx((75 + 66) / 8 / 3)


def test_one_selection_serves_all_prefixes():
    sae = identity(prefixes=(0.5, 1.0))
    sae.k = 1  # the batch keeps 6 and 5, both behind the first prefix
    # the first prefix gives nothing: 30 + 62; both: 30 + 1
    assert terms(sae.loss(ROWS)) == pytest.approx({"reconstruction_2": 92 / 8 / 2, "reconstruction_4": 31 / 8 / 2})


def test_the_bias_is_in_each_prefix_once():
    sae = identity(prefixes=(0.5, 1.0))
    sae.b_dec.data.fill_(-1.0)  # codes are rows + 1 then, and all latents give the rows back
    assert terms(sae.loss(ROWS)) == pytest.approx(
        {"reconstruction_2": (9 + 4 + 36 + 49) / 8 / 2, "reconstruction_4": 0}
    )


def test_the_first_latents_serve_every_prefix_and_the_last_only_the_whole():
    sae = identity(prefixes=(0.25, 1.0))
    found = torch.autograd.grad(sae.loss(ROWS).terms["reconstruction_1"], sae.W_dec)[0]
    assert bool(found[0].any()) and not bool(found[1:].any())


def test_one_prefix_is_batch_topk():
    assert terms(identity(prefixes=(1.0,)).loss(ROWS)) == {"reconstruction_4": 0.0}


def test_prefixes_that_round_to_one_width_are_one():
    assert Matryoshka(4, 8, k=1).widths() == [1, 2, 4, 8]
    assert Matryoshka(4, 48, k=1).widths() == [3, 6, 12, 24, 48]


@pytest.mark.parametrize("given", [[0.5, 1], (0.5, 1), [1]])
def test_a_whole_number_for_the_last_prefix_is_as_good(given):
    assert Matryoshka(4, 8, k=1, prefixes=given).widths()[-1] == 8


@pytest.mark.parametrize("wrong", [(), (0.5,), (0.5, 0.25, 1.0), (0.0, 1.0), (0.5, 0.5, 1.0), (0.5, 1.0, 2.0)])
def test_prefixes_that_do_not_ascend_to_1_are_refused(wrong):
    with pytest.raises(ConfigError, match="prefixes"):
        Matryoshka(4, 8, k=1, prefixes=wrong)


def test_auxk_mends_what_the_whole_dictionary_left():
    sae = identity(prefixes=(0.5, 1.0), k_aux=1, aux_weight=1.0)
    sae.k = 1
    dead = torch.tensor([True, False, False, False])
    left = ROWS - torch.tensor([[0.0, 0, 0, 0], [0, 0, 5, 6]])
    back = torch.tensor([[4.0, 0, 0, 0], [1, 0, 0, 0]])
    wanted = (left - back).square().sum() / (left - left.mean(0)).square().sum()
    assert terms(sae.loss(ROWS, dead))["auxk"] == pytest.approx(float(wanted))
