"""ReLU + L1 against values worked out by hand: both ways of keeping the penalty honest, and the ways that do not."""

from __future__ import annotations

import pytest
import torch

from sae.architectures.relu_l1 import NORMS, REDUCTIONS, ReluL1
from sae.config import TrainConfig
from sae.errors import ConfigError
from sae.train import train

ROWS = torch.tensor([[2.0, -1.0], [1.0, 3.0]])


def by_hand(norm, lengths=(1.0, 1.0), **options):
    """Before lengths, codes (2.5, 0) and (1.5, 1)."""
    sae = ReluL1(2, 2, k=1, norm=norm, penalty=0.5, penalty_warmup=0, **options)
    with torch.no_grad():
        sae.W_enc.copy_(torch.eye(2))
        sae.W_dec.copy_(torch.diag(torch.tensor(lengths)))
        sae.b_enc.copy_(torch.tensor([0.5, -2.0]))
        sae.b_dec.zero_()
    return sae


def values(loss):
    return {name: float(value.detach()) for name, value in loss.terms.items()}


def scaled(sae, by):
    """The same reconstructions from decoder rows that are `by` times as long."""
    other = ReluL1(sae.d_in, sae.n_latents, **sae.options())
    with torch.no_grad():
        other.load_state_dict(sae.state_dict())
        other.W_dec.mul_(by[:, None])
        other.W_enc.div_(by[:, None])
        other.b_enc.div_(by)
    return other


@pytest.mark.parametrize("norm", NORMS)
def test_with_unit_rows_all_forms_are_the_same_by_hand(norm):
    # errors (.5, 1) and (.5, -2): (1.25 + 4.25) / 2 rows / 2 inputs; L1 .5 * mean of 2.5 and 2.5 over 2 inputs
    assert values(by_hand(norm).loss(ROWS)) == pytest.approx({"reconstruction": 1.375, "l1": 0.625})


def test_the_weighted_form_has_the_length_in_code_and_penalty_by_hand():
    sae = by_hand("weighted", (2.0, 3.0))
    torch.testing.assert_close(sae.encode(ROWS).dense(), torch.tensor([[5.0, 0.0], [3.0, 3.0]]))
    torch.testing.assert_close(sae.directions(), torch.eye(2))
    # errors (3, 1) and (2, 0): 14 / 2 / 2; L1 .5 * mean of 5 and 6, over 2
    assert values(sae.loss(ROWS)) == pytest.approx({"reconstruction": 3.5, "l1": 0.5 * 5.5 / 2})


def test_the_free_form_has_the_length_in_the_code_and_not_in_the_penalty_by_hand():
    sae = by_hand("free", (2.0, 3.0))
    torch.testing.assert_close(sae.encode(ROWS).dense(), torch.tensor([[5.0, 0.0], [3.0, 3.0]]))
    torch.testing.assert_close(sae.directions(), torch.eye(2))
    loss = sae.loss(ROWS)
    torch.testing.assert_close(loss.codes.dense(), sae.encode(ROWS).dense())
    # the weighted form's errors; L1 as with unit rows
    assert values(loss) == pytest.approx({"reconstruction": 3.5, "l1": 0.625})


@pytest.mark.parametrize(
    ("l1", "unit", "weighted"),
    # rows sum to 2.5 and 2.5, with lengths 2 and 3 in them to 5 and 6; the penalty is .5
    [("coordinates", 0.625, 1.375), ("rows", 1.25, 2.75), ("batch", 2.5, 5.5)],
)
def test_every_reduction_of_the_l1_by_hand(l1, unit, weighted):
    lengths = (2.0, 3.0)
    assert values(by_hand("unit", l1=l1).loss(ROWS)) == pytest.approx({"reconstruction": 1.375, "l1": unit})
    for norm, price in (("weighted", weighted), ("free", unit)):
        assert values(by_hand(norm, lengths, l1=l1).loss(ROWS)) == pytest.approx({"reconstruction": 3.5, "l1": price})


@pytest.mark.parametrize("l1", REDUCTIONS)
def test_the_loss_and_gradients_of_the_recipe_as_a_plain_autoencoder(l1, toy_rows):
    """The published recipe in its own terms: MSELoss, a linear encoder and decoder, |z|."""
    x, lengths = toy_rows[:64], torch.linspace(0.5, 2, 48)
    sae = scaled(ReluL1(24, 48, k=3, norm="free", l1=l1, penalty=0.1, penalty_warmup=0), lengths)
    named = {name: p.detach().clone().requires_grad_() for name, p in sae.named_parameters()}
    z = torch.relu((x - named["b_dec"]) @ named["W_enc"].T + named["b_enc"])
    error = torch.nn.functional.mse_loss(z @ named["W_dec"] + named["b_dec"], x)
    price = {"coordinates": z.abs().sum(1).mean() / 24, "rows": z.abs().sum(1).mean(), "batch": z.abs().sum()}[l1]
    plain, loss = error + 0.1 * price, sae.loss(x).total
    torch.testing.assert_close(loss, plain)
    plain.backward(), loss.backward()
    for name, parameter in sae.named_parameters():
        torch.testing.assert_close(parameter.grad, named[name].grad, atol=1e-5, rtol=1e-4)


def test_the_weighted_form_cannot_be_cheated_by_a_long_decoder_row(toy_rows):
    sae, draw = ReluL1(24, 48, k=3, norm="weighted"), torch.Generator().manual_seed(0)
    by = torch.rand(48, generator=draw) * 4 + 0.2
    with torch.no_grad():
        sae.b_enc.copy_(0.1 * torch.randn(48, generator=draw))
    one, two = sae.loss(toy_rows[:64]), scaled(sae, by).loss(toy_rows[:64])
    assert values(one) == pytest.approx(values(two), rel=1e-4)
    torch.testing.assert_close(one.codes.dense(), two.codes.dense(), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("l1", REDUCTIONS)
def test_the_free_form_is_cheated_by_long_decoder_rows(l1, toy_rows):
    sae, x = ReluL1(24, 48, k=3, norm="free", l1=l1), toy_rows[:64]
    longer = scaled(sae, torch.full((48,), 10.0))
    one, two = sae.loss(x), longer.loss(x)
    torch.testing.assert_close(sae.decode(sae.encode(x)), longer.decode(longer.encode(x)), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(one.codes.dense(), two.codes.dense(), atol=1e-5, rtol=1e-5)
    assert values(two)["reconstruction"] == pytest.approx(values(one)["reconstruction"], rel=1e-5)
    assert values(two)["l1"] == pytest.approx(values(one)["l1"] / 10, rel=1e-5)


@pytest.mark.thorough
def test_training_finds_the_cheat_where_there_is_one(toy_rows):
    """Unit rows stay; free ones grow longer than those that are paid for by length."""
    lengths = {}
    for norm in NORMS:
        sae = ReluL1(24, 48, k=3, norm=norm, penalty=0.1, penalty_rate=0.0, penalty_warmup=0)
        train("relu_l1", sae, toy_rows, TrainConfig(steps=200, batch=64, lr=1e-2), 0)
        lengths[norm] = float(sae.lengths().detach().mean())
    assert lengths["unit"] == pytest.approx(1, abs=1e-6)
    assert lengths["free"] > 1.2 * lengths["weighted"]


def test_the_unit_form_keeps_its_rows_at_length_1_so_it_cannot_be_cheated_either():
    sae = by_hand("unit", (2.0, 3.0))
    sae._constrain()
    torch.testing.assert_close(sae.W_dec.detach(), torch.eye(2))
    for norm in ("weighted", "free"):
        other = by_hand(norm, (2.0, 3.0))
        other._constrain()
        assert other.lengths().tolist() == [2.0, 3.0]


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("l1", REDUCTIONS)
def test_no_term_grows_with_the_size_of_the_batch_but_the_sum_over_it(norm, l1):
    sae = by_hand(norm, l1=l1)
    one, many = values(sae.loss(ROWS)), values(sae.loss(ROWS.repeat(50, 1)))
    assert many["l1"] == pytest.approx(one["l1"] * (50 if l1 == "batch" else 1), rel=1e-5)
    assert many["reconstruction"] == pytest.approx(one["reconstruction"], rel=1e-5)


def held_out_l0(toy, **options):
    """After one epoch of the published recipe in miniature: Adam at a constant rate, rows as they are."""
    config = TrainConfig(steps=125, batch=64, lr=1e-3, warmup=0.0, decay=0.0, normalise=False)
    sae = ReluL1(64, 64, k=4, norm="free", penalty_rate=0.0, penalty_warmup=0, **options)
    return train("relu_l1", sae, toy[:500], config, 0).encode(toy[500:]).l0()


def test_the_published_recipe_collapses_and_a_mean_with_a_small_penalty_does_not():
    rows = 0.02 * torch.rand(700, 64, generator=torch.Generator().manual_seed(0))
    assert held_out_l0(rows, l1="batch", penalty=0.1) == 0
    assert held_out_l0(rows, l1="rows", penalty=1e-4) > 4


def test_dead_latents_get_nothing():
    sae = by_hand("unit")
    assert values(sae.loss(ROWS, torch.ones(2, dtype=torch.bool))) == values(sae.loss(ROWS, None))


def test_an_unknown_norm_or_reduction_is_refused():
    with pytest.raises(ConfigError, match="norm = 'none': must be one of unit, weighted, free"):
        ReluL1(2, 2, k=1, norm="none")
    with pytest.raises(ConfigError, match="l1 = 'sum': must be one of coordinates, rows, batch"):
        ReluL1(2, 2, k=1, l1="sum")


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("l1", REDUCTIONS)
def test_options_build_the_same_sae_again_whose_directions_start_and_stay_at_unit_norm(norm, l1, toy_rows):
    sae = ReluL1(24, 48, k=3, norm=norm, l1=l1)
    torch.testing.assert_close(sae.lengths(), torch.ones(48))
    train("relu_l1", sae, toy_rows, TrainConfig(steps=12, batch=64, lr=1e-2, revivals=2, dead_after=0.1), 0)
    torch.testing.assert_close(sae.directions().norm(dim=1), torch.ones(48))
    twin = ReluL1(24, 48, **sae.options())
    twin.load_state_dict(sae.state_dict())
    assert twin.options() == sae.options() and (twin.norm, twin.l1) == (norm, l1)
    assert values(twin.loss(toy_rows[:64])) == values(sae.loss(toy_rows[:64]))


def test_the_defaults_are_unit_rows_and_the_l1_of_the_papers():
    options = ReluL1(2, 2, k=1).options()
    assert (options["norm"], options["l1"]) == ("unit", "coordinates")
