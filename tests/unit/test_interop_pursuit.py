"""SAELens's matching pursuit, both ways."""

from __future__ import annotations

import pytest
import torch
from peers.layers import D_IN, WIDTH, K, random_layer, rows
from saelens_folders import by_hand, edit, edit_weights, same
from safetensors.torch import load_file

from sae.errors import CheckpointError
from sae.interop import saelens


@pytest.fixture
def pursuit(tmp_path):
    """A layer of matching pursuit, and its folder."""
    layer = random_layer("matching_pursuit")
    saelens.write(layer, tmp_path / "pursuit")
    return layer, tmp_path / "pursuit"


def test_matching_pursuit_is_written_and_read_in_the_units_of_the_rows(pursuit):
    (layer, folder), x = pursuit, rows()
    codes, x_hat = by_hand(folder, x)
    back = saelens.read(folder, "matching_pursuit")
    same(back, codes, x_hat, x)
    torch.testing.assert_close(layer.encode(x).dense() * layer.normaliser.scale, codes, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(layer.decode(layer.encode(x)), x_hat, atol=1e-4, rtol=1e-4)
    assert (back.sae.k, back.normaliser.scale, codes.count_nonzero(1).max()) == (K, 1.0, K)
    assert set(load_file(folder / "sae_weights.safetensors")) == {"W_dec", "b_dec"}
    edit(folder, max_iterations=None)
    assert saelens.read(folder).sae.k == D_IN, "SAELens's own default"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"residual_threshold": 0.5}, "residual_threshold = 0.5, expected 0 or 0.0: a layer takes k steps"),
        ({"residual_threshold": "DROP"}, "residual_threshold = 0.01, expected 0"),
        ({"stop_on_duplicate_support": "DROP"}, "stop_on_duplicate_support = True, expected False"),
        ({"max_iterations": 2.5}, "k = 2.5"),
        ({"max_iterations": WIDTH + 1}, "k = 33"),
    ],
)
def test_a_pursuit_that_may_stop_before_its_k_steps_is_refused(pursuit, change, says):
    edit(pursuit[1], **change)
    with pytest.raises(CheckpointError, match=says):
        saelens.read(pursuit[1])


@pytest.mark.parametrize("length", [2.0, torch.linspace(1, 2, WIDTH)[:, None]])
def test_a_pursuit_of_directions_that_are_not_of_length_1_is_refused(pursuit, length):
    edit_weights(pursuit[1], lambda w: w.update(W_dec=w["W_dec"] * length))
    with pytest.raises(CheckpointError, match=r"decoder rows have lengths \d.* to 2, expected 1: in matching_pursuit"):
        saelens.read(pursuit[1])
