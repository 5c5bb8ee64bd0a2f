"""ReLU + L1 against values worked out by hand, in both ways of keeping the penalty honest."""

from __future__ import annotations

import pytest
import torch

from sae.architectures.relu_l1 import ReluL1
from sae.errors import ConfigError

ROWS = torch.tensor([[2.0, -1.0], [1.0, 3.0]])


def by_hand(norm, lengths=(1.0, 1.0)):
    """Before lengths, codes (2.5, 0) and (1.5, 1)."""
    sae = ReluL1(2, 2, k=1, norm=norm, penalty=0.5, penalty_warmup=0)
    with torch.no_grad():
        sae.W_enc.copy_(torch.eye(2))
        sae.W_dec.copy_(torch.diag(torch.tensor(lengths)))
        sae.b_enc.copy_(torch.tensor([0.5, -2.0]))
        sae.b_dec.zero_()
    return sae


def values(loss):
    return {name: float(value.detach()) for name, value in loss.terms.items()}


@pytest.mark.parametrize("norm", ["unit", "weighted"])
def test_with_unit_rows_both_forms_are_the_same_by_hand(norm):
    # errors (.5, 1) and (.5, -2): (1.25 + 4.25) / 2 rows / 2 inputs; L1 .5 * mean of 2.5 and 2.5 over 2 inputs
    assert values(by_hand(norm).loss(ROWS)) == pytest.approx({"reconstruction": 1.375, "l1": 0.625})


def test_the_weighted_form_has_the_length_in_code_and_penalty_by_hand():
    sae = by_hand("weighted", (2.0, 3.0))
    torch.testing.assert_close(sae.encode(ROWS).dense(), torch.tensor([[5.0, 0.0], [3.0, 3.0]]))
    torch.testing.assert_close(sae.directions(), torch.eye(2))
    # errors (3, 1) and (2, 0): 14 / 2 / 2; L1 .5 * mean of 5 and 6, over 2
    assert values(sae.loss(ROWS)) == pytest.approx({"reconstruction": 3.5, "l1": 0.5 * 5.5 / 2})


def test_the_weighted_form_cannot_be_cheated_by_a_long_decoder_row(toy_rows):
    sae, scaled = (ReluL1(24, 48, k=3, norm="weighted") for _ in range(2))
    draw = torch.Generator().manual_seed(0)
    by = torch.rand(48, generator=draw) * 4 + 0.2
    with torch.no_grad():
        sae.b_enc.copy_(0.1 * torch.randn(48, generator=draw))
        scaled.load_state_dict(sae.state_dict())
        scaled.W_dec.mul_(by[:, None])
        scaled.W_enc.div_(by[:, None])
        scaled.b_enc.div_(by)
    one, two = sae.loss(toy_rows[:64]), scaled.loss(toy_rows[:64])
    assert values(one) == pytest.approx(values(two), rel=1e-4)
    torch.testing.assert_close(one.codes.dense(), two.codes.dense(), atol=1e-4, rtol=1e-4)


def test_the_unit_form_keeps_its_rows_at_length_1_so_it_cannot_be_cheated_either():
    sae = by_hand("unit", (2.0, 3.0))
    sae._constrain()
    torch.testing.assert_close(sae.W_dec.detach(), torch.eye(2))
    free = by_hand("weighted", (2.0, 3.0))
    free._constrain()
    assert free.lengths().tolist() == [2.0, 3.0]


@pytest.mark.parametrize("norm", ["unit", "weighted"])
def test_no_term_grows_with_the_size_of_the_batch(norm):
    sae = by_hand(norm)
    assert values(sae.loss(ROWS.repeat(50, 1))) == pytest.approx(values(sae.loss(ROWS)), rel=1e-5)


def test_dead_latents_get_nothing():
    sae = by_hand("unit")
    assert values(sae.loss(ROWS, torch.ones(2, dtype=torch.bool))) == values(sae.loss(ROWS, None))


def test_an_unknown_norm_is_refused():
    with pytest.raises(ConfigError, match="norm = 'none': must be one of unit, weighted"):
        ReluL1(2, 2, k=1, norm="none")
