"""sparsify's folders: fixtures with the documented names, and their formulas by hand. With sparsify: tests/peers."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from sae.errors import CheckpointError
from sae.interop import sparsify

D_IN, WIDTH, K = 10, 20, 3
CFG = {
    "activation": "topk", "expansion_factor": 2, "normalize_decoder": True, "num_latents": 0, "k": K,
    "multi_topk": False, "skip_connection": False, "transcode": False, "d_in": D_IN,
}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    draw = torch.Generator().manual_seed(2)
    decoder = torch.randn(WIDTH, D_IN, generator=draw)
    weights = {
        "encoder.weight": torch.randn(WIDTH, D_IN, generator=draw),
        "encoder.bias": 0.3 * torch.randn(WIDTH, generator=draw),
        "W_dec": decoder / decoder.norm(dim=1, keepdim=True),
        "b_dec": torch.randn(D_IN, generator=draw),
    }
    path = tmp_path / "layers.3.mlp"
    path.mkdir()
    save_file(weights, path / "sae.safetensors")
    (path / "cfg.json").write_text(json.dumps(CFG))
    return path


def edit(folder, change):
    weights = load_file(folder / "sae.safetensors")
    change(weights)
    save_file(weights, folder / "sae.safetensors")


def rows():
    return 2 * torch.randn(50, D_IN, generator=torch.Generator().manual_seed(5)) + 1


def by_hand(folder, x):
    w = load_file(folder / "sae.safetensors")
    top = torch.relu((x - w["b_dec"]) @ w["encoder.weight"].T + w["encoder.bias"]).topk(K, dim=1)
    codes = torch.zeros(len(x), WIDTH).scatter_(1, top.indices, top.values)
    return codes, codes @ w["W_dec"] + w["b_dec"]


@pytest.mark.parametrize("length", [1.0, 0.3])
def test_the_layer_says_what_the_formulas_say(folder, length):
    edit(folder, lambda w: w["W_dec"].mul_(length))
    layer = sparsify.read(folder, "topk")
    codes, x_hat = by_hand(folder, rows())
    assert (layer.architecture, layer.sae.k) == ("topk", K) and layer.normaliser.scale == pytest.approx(length)
    torch.testing.assert_close(layer.encode(rows()).dense(), codes, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(layer.decode(layer.encode(rows())), x_hat, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    "cfg",
    [
        {"num_latents": WIDTH, "expansion_factor": 32},
        {"activation": None},
        {"signed": False},
    ],
)
def test_older_and_other_spellings_of_the_settings(folder, cfg):
    settings = {name: value for name, value in (CFG | cfg).items() if value is not None}
    (folder / "cfg.json").write_text(json.dumps(settings))
    assert sparsify.read(folder).sae.n_latents == WIDTH


@pytest.mark.parametrize(
    ("cfg", "says"),
    [
        ({"activation": "groupmax"}, "activation = 'groupmax', expected 'topk'"),
        ({"transcode": True}, "transcode = True, expected False"),
        ({"skip_connection": True}, "skip_connection = True"),
        ({"signed": True}, "signed = True"),
        ({"k": None}, "k = None"),
        ({"k": WIDTH + 1}, "k = 21"),
        ({"d_in": 11}, r"'encoder.weight' has shape \(20, 10\), expected \(22, 11\)"),
        ({"expansion_factor": 0}, "expansion_factor = 0"),
    ],
)
def test_settings_that_are_no_topk_autoencoder_are_refused(folder, cfg, says):
    (folder / "cfg.json").write_text(json.dumps(CFG | cfg))
    with pytest.raises(CheckpointError, match=says) as raised:
        sparsify.read(folder)
    assert folder.name in str(raised.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda w: w.pop("encoder.bias"), "lacks 'encoder.bias'"),
        (lambda w: w.update(W_skip=torch.zeros(D_IN, D_IN)), "unexpected tensor 'W_skip'"),
        (lambda w: w.update(W_dec=w["W_dec"].T.contiguous()), r"'W_dec' has shape \(10, 20\), expected \(20, 10\)"),
        (lambda w: w["b_dec"].fill_(torch.nan), "'b_dec' has 10 values that are NaN"),
        (lambda w: w["W_dec"][0].mul_(2), "decoder rows have lengths"),
    ],
)
def test_weights_that_are_not_the_formats_are_refused(folder, change, says):
    edit(folder, change)
    with pytest.raises(CheckpointError, match=says) as raised:
        sparsify.read(folder)
    assert "sae.safetensors" in str(raised.value)


def test_another_architecture_is_refused(folder):
    with pytest.raises(CheckpointError, match="holds a 'topk' SAE, asked for as 'relu_l1'"):
        sparsify.read(folder, "relu_l1")


def test_a_folder_of_pickles_or_none_is_refused(folder, tmp_path):
    (folder / "sae.safetensors").rename(folder / "sae.pt")
    with pytest.raises(CheckpointError, match=r"sae.pt is a pickle"):
        sparsify.read(folder)
    with pytest.raises(CheckpointError, match=r"cfg.json is not a readable"):
        sparsify.read(tmp_path / "nowhere")
