"""Numbers and names in files and paths that are too large for what holds them."""

from __future__ import annotations

import json

import pytest
import torch
from training import make

import sae
from sae.checkpoint import save_layer
from sae.errors import CheckpointError
from sae.files import read_safetensors, write_safetensors
from sae.interop._files import whole
from sae.layer import Layer
from sae.normaliser import Normaliser


@pytest.mark.parametrize("value", ["9" * 320, "1e300", "1" + "0" * 4000, "-" + "7" * 400, "NaN", "Infinity", "2.5"])
def test_a_width_that_nothing_has_is_refused(tmp_path, value):
    path = tmp_path / "cfg.json"
    with pytest.raises(CheckpointError, match=r"cfg\.json: d_in = .*expected a whole number above 0"):
        whole(path, json.loads(f'{{"d_in": {value}}}'), "d_in")


@pytest.mark.parametrize("of", ["scale", "gamma"])
def test_a_normaliser_of_a_file_is_of_numbers_that_a_float_holds(tmp_path, of):
    path = tmp_path / "layer.safetensors"
    save_layer(Layer("topk", make(), Normaliser(torch.zeros(24), 1.0, 0.0)), path)
    tensors, metadata = read_safetensors(path)
    write_safetensors(path, tensors, {**metadata, of: "8" * 350})
    with pytest.raises(CheckpointError, match=of):
        sae.load(path)


@pytest.mark.parametrize("path", ["b" * 4000, "some\0where"])
def test_a_name_that_no_file_can_have_is_no_sae(path):
    with pytest.raises(CheckpointError, match=r"cannot be the path of an SAE|is not there"):
        sae.load(path)
