"""Folders as SAELens writes them, and what they say by the format's own formulas."""

from __future__ import annotations

import json

import torch
from peers.layers import D_IN, WIDTH, K
from safetensors.torch import load_file, save_file

CLOSE = {"atol": 1e-5, "rtol": 1e-5}


def by_hand(folder, x):
    """(codes, reconstructions) of an SAELens folder in its inference form, straight from the format's formulas."""
    cfg, w = json.loads((folder / "cfg.json").read_text()), load_file(folder / "sae_weights.safetensors")
    if cfg["architecture"] == "matching_pursuit":
        assert cfg["residual_threshold"] == 0 and cfg["stop_on_duplicate_support"] is False
        left, codes = x - w["b_dec"], torch.zeros(len(x), len(w["W_dec"]))
        for _ in range(cfg["max_iterations"]):
            value, chosen = (left @ w["W_dec"].T).relu().max(dim=1, keepdim=True)
            codes.scatter_add_(1, chosen, value)
            left = left - value * w["W_dec"][chosen[:, 0]]
        return codes, codes @ w["W_dec"] + w["b_dec"]
    inner = (x - w["b_dec"] * cfg["apply_b_dec_to_input"]) @ w["W_enc"]
    if cfg["architecture"] == "gated":
        codes = (inner + w["b_gate"] > 0) * torch.relu(inner * w["r_mag"].exp() + w["b_mag"])
        return codes, codes @ w["W_dec"] + w["b_dec"]
    pre = inner + w["b_enc"]
    rescale = w["W_dec"].norm(dim=1) if cfg.get("rescale_acts_by_decoder_norm") else 1.0
    if cfg["architecture"] == "topk":
        top = (pre * rescale).topk(cfg["k"], dim=1)
        codes = torch.zeros_like(pre).scatter_(1, top.indices, top.values.relu())
    elif cfg["architecture"] == "jumprelu":
        codes = torch.relu(pre) * (pre > w["threshold"])
    else:
        codes = torch.relu(pre)
    return codes, codes / rescale @ w["W_dec"] + w["b_dec"]


def same(layer, codes, x_hat, x):
    torch.testing.assert_close(layer.encode(x).dense(), codes, **CLOSE)
    torch.testing.assert_close(layer.decode(layer.encode(x)), x_hat, **CLOSE)


def folder_of(path, architecture, tensors=None, **cfg):
    """A small folder as SAELens writes it, with random weights; decoder rows of different lengths."""
    draw = torch.Generator().manual_seed(3)

    def normal(*shape):
        return torch.randn(*shape, generator=draw)

    weights = {"W_enc": normal(D_IN, WIDTH), "W_dec": normal(WIDTH, D_IN), "b_dec": normal(D_IN)}
    vectors = {"gated": ("b_gate", "b_mag", "r_mag"), "jumprelu": ("b_enc", "threshold")}.get(architecture, ("b_enc",))
    weights |= {name: normal(WIDTH) * 0.3 for name in vectors} | (tensors or {})
    path.mkdir()
    save_file(weights, path / "sae_weights.safetensors")
    settings = {"architecture": architecture, "d_in": D_IN, "d_sae": WIDTH, "dtype": "float32", "device": "cpu"}
    settings |= {"apply_b_dec_to_input": True, "normalize_activations": "none", "reshape_activations": "none"}
    if architecture == "topk":
        settings |= {"k": K, "rescale_acts_by_decoder_norm": False}
    (path / "cfg.json").write_text(json.dumps({**settings, "metadata": {"sae_lens_version": "6.0.0"}, **cfg}))
    return path


def unit(seed=4, length=1.0):
    directions = torch.randn(WIDTH, D_IN, generator=torch.Generator().manual_seed(seed))
    return length * directions / directions.norm(dim=1, keepdim=True)


def edit(folder, **cfg):
    settings = json.loads((folder / "cfg.json").read_text()) | cfg
    (folder / "cfg.json").write_text(json.dumps({k: v for k, v in settings.items() if v != "DROP"}))


def edit_weights(folder, change):
    weights = load_file(folder / "sae_weights.safetensors")
    change(weights)
    save_file(weights, folder / "sae_weights.safetensors")
