"""Controls that enter an evaluation as an SAE does: what they explain, and that their codes say so."""

from __future__ import annotations

import pytest
import torch

from sae.control_codes import KINDS, untrained
from sae.errors import ConfigError, InputError
from sae.measures.variance_explained import explained
from sae.nulls import pca, pursue

DRAW = torch.Generator().manual_seed(0)
ROWS = torch.randn(300, 12, generator=DRAW) @ torch.randn(12, 12, generator=DRAW) + 7


@pytest.mark.parametrize("kind", KINDS)
def test_codes_are_sparse_not_negative_and_decode_to_what_they_say(kind):
    control = untrained(kind, ROWS, n=20, seed=3)
    codes = control.encode(ROWS.reshape(3, 100, 12), 4)
    assert codes.values.shape == (3, 100, 4) and bool((codes.values >= 0).all())
    assert codes.n_latents == control.n_latents == len(control.directions())
    torch.testing.assert_close(control.directions().norm(dim=1), torch.ones(control.n_latents))
    by_hand = codes.dense() @ control.directions() + control.centre
    torch.testing.assert_close(control.decode(codes), by_hand, rtol=1e-4, atol=1e-4)
    # more latents explain more, and none explain nothing
    found = [explained(ROWS, control.decode(control.encode(ROWS, k))) for k in (1, 4, 12)]
    assert 0 < found[0] < found[1] < found[2] <= 1
    if control.orthonormal:
        assert found[2] == pytest.approx(1, abs=1e-6)
    again = untrained(kind, ROWS, n=20, seed=3)
    assert torch.equal(again.basis, control.basis)


def test_they_agree_with_the_floors():
    centred = ROWS - ROWS.mean(0)
    control = untrained("random", ROWS, n=20)
    expected = pursue(centred, control.basis, 4) + ROWS.mean(0)
    torch.testing.assert_close(control.decode(control.encode(ROWS, 4)), expected, rtol=1e-4, atol=1e-3)
    # of the components each row may choose its own, so that they explain at least what the first ones do
    chosen = explained(ROWS, untrained("pca", ROWS).decode(untrained("pca", ROWS).encode(ROWS, 4)))
    assert chosen >= explained(ROWS, pca(ROWS, ROWS, 4))


def test_neurons_by_hand():
    control = untrained("neurons", torch.tensor([[1.0, 0.0, 2.0], [3.0, 0.0, -2.0]]))  # mean 2, 0, 0
    codes = control.encode(torch.tensor([[2.5, -1.0, 3.0]]), 2)
    assert codes.dense().tolist() == [[0, 0, 0, 1, 3, 0]]
    assert control.decode(codes).tolist() == [[2, -1, 3]]


def test_what_no_control_can_be_made_of_is_refused():
    with pytest.raises(ConfigError, match="kind = 'noise': must be one of neurons, pca, random, matched"):
        untrained("noise", ROWS)
    with pytest.raises(ConfigError, match="n = 0: must be 1 or more for the control matched"):
        untrained("matched", ROWS)
    with pytest.raises(InputError, match=r"rows have shape \(1, 12\)"):
        untrained("pca", ROWS[:1])
    with pytest.raises(InputError, match="expected"):
        untrained("pca", ROWS).encode(ROWS[:, 1:], 2)
