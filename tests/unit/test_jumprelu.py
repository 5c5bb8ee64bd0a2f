"""JumpReLU against values worked out by hand: both straight-through gradients, on either side of the threshold."""

from __future__ import annotations

import pytest
import torch

from sae.architectures.jumprelu import JumpReLU
from sae.errors import ConfigError

THETA, BANDWIDTH = 1.0, 0.5


def by_hand(pre, **options):
    """One latent along one input, so that `pre` is the row itself; decoded with a direction of 1."""
    given = {"bandwidth": BANDWIDTH, "threshold": THETA, "penalty": 0.3, "penalty_warmup": 0, "aim": "sparse"}
    sae = JumpReLU(1, 1, k=1, **{**given, **options})
    with torch.no_grad():
        sae.W_enc.fill_(1.0)
        sae.W_dec.fill_(1.0)
        sae.b_enc.zero_()
        sae.b_dec.fill_(0.0)
    return sae, torch.tensor(pre)[:, None]


def d_theta(sae, rows, term):
    return float(torch.autograd.grad(sae.loss(rows).terms[term], sae.theta)[0])


def test_codes_are_the_whole_pre_activation_above_the_threshold():
    sae, rows = by_hand([0.5, 1.0, 1.01, 3.0, -2.0])
    torch.testing.assert_close(sae.encode(rows).dense()[:, 0], torch.tensor([0.0, 0.0, 1.01, 3.0, 0.0]))


@pytest.mark.parametrize(("pre", "inside"), [(1.2, True), (0.8, True), (1.3, False), (0.7, False), (3.0, False)])
def test_l0_pushes_theta_up_from_both_halves_of_the_rectangle_and_from_nowhere_else(pre, inside):
    sae, rows = by_hand([pre])
    # penalty * -1 / bandwidth, for one row of one input
    assert d_theta(sae, rows, "l0") == pytest.approx(-0.3 / BANDWIDTH if inside else 0.0)


@pytest.mark.parametrize("pre", [0.9, 0.8])
def test_the_step_is_taken_before_the_jump_so_that_the_half_below_counts(pre):
    """After the jump the value is 0, more than half a bandwidth away from theta, and the gradient would be lost."""
    sae, rows = by_hand([pre])
    # x_hat = 0: d loss / d z = 2 (0 - pre); d z / d theta = -theta / bandwidth
    assert d_theta(sae, rows, "reconstruction") == pytest.approx(2 * pre * THETA / BANDWIDTH, rel=1e-5)


def test_the_half_above_pushes_theta_by_the_error_that_closing_would_make():
    sae, rows = by_hand([1.2])
    sae.W_dec.data.fill_(0.5)  # x_hat = .6: d loss / d z = 2 (.6 - 1.2) * .5
    assert d_theta(sae, rows, "reconstruction") == pytest.approx(2 * 0.6 * 0.5 * THETA / BANDWIDTH, rel=1e-5)


def test_theta_is_a_mean_over_rows_and_each_latent_has_its_own():
    sae = JumpReLU(1, 2, k=1, bandwidth=0.5, threshold=1.0, penalty=0.3, penalty_warmup=0, aim="sparse")
    with torch.no_grad():
        sae.W_enc.copy_(torch.tensor([[1.0], [2.0]]))
        sae.b_dec.zero_()
        sae.theta.copy_(torch.tensor([1.0, 4.0]))
    rows = torch.tensor([[0.9], [2.05], [1.1], [5.0]])  # latent 0: rows 0 and 2; latent 1: row 1 (4.1)
    found = torch.autograd.grad(sae.loss(rows).terms["l0"], sae.theta)[0]
    torch.testing.assert_close(found, -0.3 / 0.5 / 4 * torch.tensor([2.0, 1.0]))


def test_l0_has_no_gradient_in_the_encoder_and_the_code_an_exact_one():
    sae, rows = by_hand([1.1, 0.9])
    terms = sae.loss(rows).terms
    assert not torch.autograd.grad(terms["l0"], sae.W_enc, allow_unused=True, retain_graph=True)[0]
    sae.W_dec.data.fill_(0.5)
    # row 1 is open: d/d W_enc = 2 (.55 - 1.1) * .5 * 1.1 / 2 rows; row 2 is closed
    found = torch.autograd.grad(sae.loss(rows).terms["reconstruction"], sae.W_enc)[0]
    assert float(found) == pytest.approx(2 * -0.55 * 0.5 * 1.1 / 2, rel=1e-5)


def test_the_sparse_penalty_is_the_mean_l0_over_the_inputs():
    sae, rows = by_hand([1.1, 0.9, 2.0, 3.0])
    assert float(sae.loss(rows).terms["l0"].detach()) == pytest.approx(0.3 * 3 / 4)


def test_the_penalty_that_aims_at_k_is_0_there_and_pulls_from_both_sides():
    sae, rows = by_hand([1.1, 0.9, 2.0, 3.0], aim="k")
    assert float(sae.loss(rows).terms["l0"].detach()) == pytest.approx(0.3 * (3 / 4 - 1) ** 2)
    # too few are open: theta falls when stepping against the gradient, so the gradient is above 0
    assert d_theta(sae, rows, "l0") == pytest.approx(0.3 * 2 * (3 / 4 - 1) * -2 / BANDWIDTH / 4)
    assert d_theta(*by_hand([1.1, 2.0], aim="k"), "l0") == 0


def test_theta_itself_is_learned_in_float32_and_never_falls_below_0():
    sae, rows = by_hand([1.1])
    assert dict(sae.named_parameters())["theta"].dtype == torch.float32
    sae.theta.data.fill_(-0.5)
    sae._adapt(sae.loss(rows))
    assert float(sae.theta.detach()) == 0


def test_a_revived_latent_can_fire_again():
    """A threshold that rose above all activations must not keep its latent dead."""
    sae = JumpReLU(4, 6, k=2)
    rows = torch.randn(8, 4, generator=torch.Generator().manual_seed(0))
    sae.theta.data[3] = 50.0
    sae._revive(torch.tensor([3]), rows[:1])
    assert float(sae.encode(rows).dense()[0, 3].detach()) > 0


@pytest.mark.parametrize("wrong", [{"bandwidth": 0.0}, {"threshold": 0.0}, {"bandwidth": float("nan")}, {"aim": "low"}])
def test_options_out_of_range_are_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        JumpReLU(4, 6, k=2, **wrong)
