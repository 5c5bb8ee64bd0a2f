"""Gated against values worked out by hand: three terms, and the gradients that must be 0."""

from __future__ import annotations

import math

import pytest
import torch

from sae.architectures.gated import Gated

# One row more than a latent: on these rows with b_dec 0, W_enc x is (2, -1) and (1, 3).
ROWS = torch.tensor([[2.0, -1.0], [1.0, 3.0]])


def by_hand(**options):
    """Gates (2.5, -3) and (1.5, 1); sizes ReLU(2 * 2 - 1, -1 + 4) = (3, 3) and (1, 7)."""
    sae = Gated(2, 2, k=1, **{"penalty": 0.5, "penalty_warmup": 0, **options})
    with torch.no_grad():
        sae.W_enc.copy_(torch.eye(2))
        sae.W_dec.copy_(torch.eye(2))
        sae.b_dec.zero_()
        sae.b_enc.copy_(torch.tensor([0.5, -2.0]))
        sae.r_mag.copy_(torch.tensor([math.log(2.0), 0.0]))
        sae.b_mag.copy_(torch.tensor([-1.0, 4.0]))
    return sae


def gradients(sae, term):
    found = torch.autograd.grad(sae.loss(ROWS).terms[term], list(sae.parameters()), allow_unused=True)
    return {name: g for (name, _), g in zip(sae.named_parameters(), found, strict=True)}


def test_codes_are_sizes_where_the_gate_is_open():
    codes = by_hand().encode(ROWS)
    torch.testing.assert_close(codes.dense(), torch.tensor([[3.0, 0.0], [1.0, 7.0]]))


def test_an_open_gate_with_a_negative_size_gives_nothing():
    sae = by_hand()
    sae.b_mag.data.fill_(-100)
    assert sae.encode(ROWS).l0() == 0 and sae.loss(ROWS).codes.l0() == 0


def test_the_three_terms_by_hand():
    loss = by_hand().loss(ROWS)
    # reconstruction: errors (3 - 2, 0 + 1) and (0, 4): (2 + 16) / 2 rows / 2 inputs
    # l1: .5 * mean of the gates' sums 2.5 and 2.5, over 2 inputs
    # gate: errors (.5, 1) and (.5, -2): (1.25 + 4.25) / 2 rows / 2 inputs
    wanted = {"reconstruction": 4.5, "l1": 0.625, "gate": 1.375}
    assert {name: float(value.detach()) for name, value in loss.terms.items()} == pytest.approx(wanted)
    assert float(loss.total.detach()) == pytest.approx(6.5)


def test_the_gate_term_moves_neither_the_decoder_nor_the_sizes():
    found = gradients(by_hand(), "gate")
    assert all(found[name] is None or not found[name].any() for name in ("W_dec", "r_mag", "b_mag"))
    # d/d gate: 2 / 4 * error where open: (.25, 0) and (.25, -1); b_dec moves through the encoder alone
    torch.testing.assert_close(found["b_enc"], torch.tensor([0.5, -1.0]))
    torch.testing.assert_close(found["W_enc"], torch.tensor([[0.75, 0.5], [-1.0, -3.0]]))
    torch.testing.assert_close(found["b_dec"], torch.tensor([-0.5, 1.0]))


def test_the_penalty_moves_the_gate_alone():
    found = gradients(by_hand(), "l1")
    assert all(found[name] is None or not found[name].any() for name in ("W_dec", "r_mag", "b_mag"))
    # .5 / 2 inputs / 2 rows for each open gate
    torch.testing.assert_close(found["b_enc"], torch.tensor([0.25, 0.125]))


def test_the_reconstruction_moves_sizes_but_not_the_gates_bias():
    found = gradients(by_hand(), "reconstruction")
    assert found["b_enc"] is None or not found["b_enc"].any()
    # d/d z = error / 2: (.5, .) and (0, 2)
    torch.testing.assert_close(found["b_mag"], torch.tensor([0.5, 2.0]))
    torch.testing.assert_close(found["r_mag"], torch.tensor([0.5 * 2 * 2, 2 * 3.0]))
    assert bool(found["W_dec"].any())


def test_a_revived_latent_can_fire_again():
    """Whatever had closed it: its gate's bias or its size's."""
    sae = by_hand()
    sae.b_mag.data[1] = sae.b_enc.data[1] = -100
    sae._revive(torch.tensor([1]), ROWS[1:])
    assert float(sae.encode(ROWS).dense()[1, 1].detach()) > 0
