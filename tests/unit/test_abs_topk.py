"""AbsTopK: k directions a row by absolute value, each direction two latents of one weight, tied bit for bit."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from training import FULL, PLANTED, left_out, planted, recovered

from sae.architectures.abs_topk import AbsTopK
from sae.architectures.topk import TopK
from sae.errors import ConfigError
from sae.train import train

ROWS = torch.tensor([[4.0, -3.0, 0.5], [-1.0, 0.0, -5.0]])


def axes(**options):
    """Three directions, the axes; latents 0 to 2 are their positive parts, 3 to 5 the negative ones."""
    sae = AbsTopK(3, 6, **{"k": 2} | options)
    with torch.no_grad():
        for weight in (sae.W_enc, sae.W_dec):
            weight.copy_(torch.cat([torch.eye(3), -torch.eye(3)]))
        sae.b_dec.zero_()
    return sae


def tied(sae):
    return all(torch.equal(w[sae.pairs :], -w[: sae.pairs]) for w in (sae.W_enc, sae.b_enc, sae.W_dec))


def test_the_largest_by_absolute_value_are_kept_at_the_latent_of_their_sign():
    codes = axes().encode(ROWS).dense()
    assert codes.tolist() == [[4.0, 0, 0, 0, 3.0, 0], [0, 0, 0, 1.0, 0, 5.0]]
    assert axes().decode(axes().encode(ROWS)).tolist() == [[4.0, -3.0, 0.0], [-1.0, 0.0, -5.0]]


def test_the_loss_by_hand_and_its_gradient_is_that_of_both_senses():
    sae = axes(k=1)
    loss = sae.loss(ROWS)
    assert float(loss.total.detach()) == pytest.approx(
        (9.25 + 1) / 3 / 2
    )  # what is left of the first row, and the other
    loss.total.backward()
    # d loss / d w = -2 / (rows * d_in) * sum over rows of s (x - x_hat): of the first axis in the first row, 4 * left
    torch.testing.assert_close(sae.W_dec.grad[0], -2 / 6 * 4 * torch.tensor([0.0, -3.0, 0.5]))
    torch.testing.assert_close(sae.W_dec.grad[2], -2 / 6 * -5 * torch.tensor([-1.0, 0.0, 0.0]))
    assert not bool(sae.W_dec.grad[3:].any()), "the second half follows from the first"


def test_exactly_k_latents_are_active_in_every_row_and_never_both_of_a_direction():
    _, rows = planted(signed=True)
    layer = train("abs_topk", AbsTopK(12, 32, k=3), rows, dataclasses.replace(PLANTED, steps=30), 0)
    on = layer.encode(rows).dense() > 0
    assert bool((on.sum(1) == 3).all()) and not bool((on[:, :16] & on[:, 16:]).any())
    assert bool(on[:, :16].any()) and bool(on[:, 16:].any())


def test_planted_signed_directions_are_found_and_better_than_by_topk_of_the_same_k():
    directions, rows = planted(signed=True)
    layer = train("abs_topk", AbsTopK(12, 32, k=2), rows, PLANTED, 0)
    as_many_latents, as_many_directions = (
        train("topk", TopK(12, width, k=2), rows, PLANTED, 0) for width in (32, 16)
    )  # fmt: skip
    assert recovered(layer, directions) > 0.9 and recovered(layer, -directions) > 0.9
    assert left_out(layer, rows) < 0.9 * left_out(as_many_latents, rows)
    assert left_out(layer, rows) < 0.6 * left_out(as_many_directions, rows)


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_the_halves_are_tied_bit_for_bit_after_every_step_revival_and_average(ema):
    _, rows = planted(signed=True)
    sae, seen = AbsTopK(12, 64, k=1), []
    adapt, revive = sae._adapt, sae._revive
    sae._adapt = lambda loss: (adapt(loss), seen.append(tied(sae)))
    sae._revive = lambda latents, given: (revive(latents, given), seen.append(("revived", tied(sae))))
    train("abs_topk", sae, rows, dataclasses.replace(FULL, ema=ema, dead_after=0.05), 0)
    assert tied(sae) and seen.count(True) == FULL.steps and ("revived", True) in seen
    assert set(seen) == {True, ("revived", True)}


def test_a_dead_latent_whose_opposite_lives_is_not_revived():
    sae = AbsTopK(12, 32, k=2)
    before = {name: value.clone() for name, value in sae.state_dict().items()}
    _, rows = planted()
    sae._revive(torch.tensor([1, 20, 5, 21]), rows[:4])  # of the directions 1, 4, 5, 5
    for name, value in sae.state_dict().items():
        changed = (value != before[name]).reshape(len(value), -1).any(1).nonzero().flatten().tolist()
        assert set(changed) <= ({5, 21} if name != "b_dec" else set()), name
    torch.testing.assert_close(sae.W_dec[5], torch.nn.functional.normalize(rows[2] - sae.b_dec, dim=0))
    assert tied(sae)


def test_auxk_asks_only_directions_of_which_both_latents_are_dead():
    sae = axes(k=1)
    for dead in ([0, 1, 2], [4, 5], []):
        marks = torch.zeros(6, dtype=torch.bool).index_fill(0, torch.tensor(dead, dtype=torch.int64), True)
        assert "auxk" not in sae.loss(ROWS, marks).terms
    marks = torch.zeros(6, dtype=torch.bool).index_fill(0, torch.tensor([1, 4, 5]), True)
    # direction 1 gives back its coordinate of what is left, whatever the sign: -3 and 0, and not .5 and -1
    scale = 3.0**2 / 4 + 0.5**2 / 4 + 1 / 4
    assert float(sae.loss(ROWS, marks).terms["auxk"].detach()) == pytest.approx((0.25 + 1) / 2 / scale / 32)


@pytest.mark.parametrize(
    ("sizes", "says"),
    [
        ((12, 7, 2), "n_latents = 7: must be even"),
        ((12, 8, 5), r"k = 5 active latents of n_latents = 8: must be in 1\.\.4"),
    ],
)
def test_what_two_latents_a_direction_do_not_allow_is_refused(sizes, says):
    with pytest.raises(ConfigError, match=says):
        AbsTopK(sizes[0], sizes[1], k=sizes[2])


def test_given_weights_that_stay_must_be_tied():
    _, rows = planted()
    sae = AbsTopK(12, 16, k=2)
    sae.W_dec.requires_grad_(False)
    kept = sae.W_dec.clone()
    train("abs_topk", sae, rows, FULL, 0)
    assert torch.equal(sae.W_dec, kept)
    sae.W_dec[9] = -sae.W_dec[9]
    with pytest.raises(ConfigError, match="W_dec of the abs_topk SAE takes no gradients, and its last 8 rows are not"):
        train("abs_topk", sae, rows, FULL, 0)
