"""dictionary_learning's folders: small random ones of every class, converted as the error says, formulas by hand."""

from __future__ import annotations

import json
import re
import shlex

import pytest
import torch
from safetensors.torch import load_file, save_file

from sae.errors import CheckpointError
from sae.interop import convert, dictionary_learning

D_IN, WIDTH, K = 9, 24, 3
CLASSES = tuple(dictionary_learning.FORMS)


def state_of(kind, unit=True):
    """The state_dict of their class with random weights."""
    draw = torch.Generator().manual_seed(6)

    def normal(*shape):
        return torch.randn(*shape, generator=draw)

    rows = normal(WIDTH, D_IN)
    rows = rows / rows.norm(dim=1, keepdim=True) if unit else rows
    linear = {"encoder.weight": normal(WIDTH, D_IN), "decoder.weight": rows.T.contiguous()}
    raw = {"W_enc": normal(D_IN, WIDTH), "W_dec": rows, "b_enc": normal(WIDTH) * 0.3, "b_dec": normal(D_IN)}
    counted = {"k": torch.tensor(K, dtype=torch.int32), "threshold": torch.tensor(0.7)}
    return {
        "AutoEncoder": linear | {"encoder.bias": normal(WIDTH), "bias": normal(D_IN)},
        "AutoEncoderNew": linear | {"encoder.bias": normal(WIDTH), "decoder.bias": normal(D_IN)},
        "AutoEncoderTopK": linear | counted | {"encoder.bias": normal(WIDTH), "b_dec": normal(D_IN)},
        "BatchTopKSAE": linear | counted | {"encoder.bias": normal(WIDTH), "b_dec": normal(D_IN)},
        "MatryoshkaBatchTopKSAE": raw | counted | {"group_sizes": torch.tensor([4, 8, 12])},
        "GatedAutoEncoder": linear | {
            "r_mag": normal(WIDTH) * 0.2, "gate_bias": normal(WIDTH), "mag_bias": normal(WIDTH),
            "decoder_bias": normal(D_IN),
        },
        "JumpReluAutoEncoder": raw | {"threshold": normal(WIDTH).abs()},
    }[kind]  # fmt: skip


def by_hand(kind, s, x):
    """(codes, reconstructions) as their `encode` and `decode` compute them."""
    raw = "W_enc" in s
    encoder, decoder = (s["W_enc"].T, s["W_dec"]) if raw else (s["encoder.weight"], s["decoder.weight"].T)
    length = decoder.norm(dim=1)
    if kind == "GatedAutoEncoder":
        shared = (x - s["decoder_bias"]) @ encoder.T
        codes = (shared + s["gate_bias"] > 0) * torch.relu(s["r_mag"].exp() * shared + s["mag_bias"]) * length
        return codes, codes / length @ decoder + s["decoder_bias"]
    if kind == "JumpReluAutoEncoder":
        pre = x @ encoder.T + s["b_enc"]
        codes = torch.relu(pre * (pre > s["threshold"])) * length
        return codes, codes / length @ decoder + s["b_dec"]
    bias = s["bias" if kind == "AutoEncoder" else "decoder.bias" if kind == "AutoEncoderNew" else "b_dec"]
    codes = torch.relu(
        (x if kind == "AutoEncoderNew" else x - bias) @ encoder.T + s["b_enc" if raw else "encoder.bias"]
    )
    if kind == "AutoEncoderTopK":
        top = codes.topk(K, dim=1)
        codes = torch.zeros_like(codes).scatter_(1, top.indices, top.values)
    elif kind in ("BatchTopKSAE", "MatryoshkaBatchTopKSAE"):
        codes = codes * (codes > s["threshold"])
    return codes, codes @ decoder + bias


def folder_of(path, kind, state=None, **trainer):
    path.mkdir(exist_ok=True)
    settings = {"dict_class": kind, "activation_dim": D_IN, "dict_size": WIDTH, "k": K, "lr": 1e-3} | trainer
    (path / "config.json").write_text(json.dumps({"trainer": settings, "buffer": {"ctx_len": 128}}))
    save_file(state_of(kind) if state is None else state, path / "ae.safetensors")
    return path


def rows():
    return 1.5 * torch.randn(70, D_IN, generator=torch.Generator().manual_seed(5)) + 0.5


@pytest.mark.parametrize("unit", [True, False])
@pytest.mark.parametrize("kind", CLASSES)
def test_the_layer_says_what_their_class_says(kind, unit, tmp_path):
    state = state_of(kind, unit)
    folder = folder_of(tmp_path / "sae", kind, state)
    form = dictionary_learning.FORMS[kind]
    if not unit and form.ours in ("topk", "batch_topk", "matryoshka"):
        with pytest.raises(CheckpointError, match="decoder rows have lengths"):
            dictionary_learning.read(folder)
        return
    layer = dictionary_learning.read(str(folder), form.ours)
    codes, x_hat = by_hand(kind, state, rows())
    assert layer.architecture == form.ours and 0 < int((codes > 0).sum()) < codes.numel()
    if form.ours == "relu_l1" and not unit:
        codes = codes * state["decoder.weight"].norm(dim=0)  # theirs leave the length in the decoder
    torch.testing.assert_close(layer.encode(rows()).dense(), codes, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(layer.decode(layer.encode(rows())), x_hat, atol=1e-4, rtol=1e-4)


def test_k_and_prefixes_come_along(tmp_path):
    for kind in ("AutoEncoderTopK", "BatchTopKSAE", "MatryoshkaBatchTopKSAE"):
        sae = dictionary_learning.read(folder_of(tmp_path / kind, kind)).sae
        assert sae.k == K
    assert sae.widths() == [4, 12, 24]
    assert dictionary_learning.read(folder_of(tmp_path / "relu", "AutoEncoder"), k=5).sae.k == 5


def test_the_pickle_is_refused_and_the_line_in_the_message_converts_it(tmp_path, capsys):
    folder = folder_of(tmp_path / "it's one", "AutoEncoderTopK")
    (folder / "ae.safetensors").unlink()
    torch.save(state_of("AutoEncoderTopK"), folder / "ae.pt")
    with pytest.raises(CheckpointError, match=r"ae\.pt is a pickle, expected safetensors") as raised:
        dictionary_learning.read(folder)
    command = shlex.split(re.split("To convert: ", str(raised.value))[1])
    assert convert.main(command[3:]) == 0 and "6 tensors" in capsys.readouterr().out
    assert torch.equal(load_file(folder / "ae.safetensors")["k"], torch.tensor(K, dtype=torch.int32))
    codes, _ = by_hand("AutoEncoderTopK", state_of("AutoEncoderTopK"), rows())
    torch.testing.assert_close(dictionary_learning.read(folder).encode(rows()).dense(), codes, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("kind", "trainer", "change", "says"),
    [
        ("AutoEncoder", {"dict_class": "CrossCoder"}, {}, "dict_class = 'CrossCoder', expected one of AutoEncoder,"),
        ("AutoEncoder", {"dict_class": {}}, {}, "dict_class = {}"),
        ("AutoEncoder", {"dict_class": None}, {}, "dict_class = None"),
        ("AutoEncoder", {"activation_dim": None}, {}, "activation_dim = None"),
        ("AutoEncoder", {"dict_size": 23}, {}, r"has shape \(24,\), expected \(23,\)|expected \(23, 9\)"),
        ("AutoEncoder", {}, {"threshold": torch.zeros(WIDTH)}, "unexpected tensor 'threshold'"),
        ("AutoEncoder", {}, {"bias": None}, "lacks 'bias'"),
        ("AutoEncoderTopK", {"k": K + 1}, {}, r"k = \[3\], in config\.json k = 4"),
        ("AutoEncoderTopK", {"k": "3"}, {}, "k = '3', expected a whole number"),
        ("BatchTopKSAE", {}, {"threshold": None}, "lacks 'threshold'"),
        ("MatryoshkaBatchTopKSAE", {}, {"group_sizes": None}, r"group_sizes = \[\], expected"),
        ("MatryoshkaBatchTopKSAE", {}, {"group_sizes": torch.tensor([4, 8, 13])}, "add up to 24"),
        ("JumpReluAutoEncoder", {}, {"threshold": torch.full((WIDTH,), torch.nan)}, "'threshold' has 24 values"),
    ],
)
def test_what_is_not_the_formats_is_refused(kind, trainer, change, says, tmp_path):
    state = {name: value for name, value in (state_of(kind) | change).items() if value is not None}
    folder = folder_of(tmp_path / "sae", kind, state, **trainer)
    with pytest.raises(CheckpointError, match=says) as raised:
        dictionary_learning.read(folder)
    assert str(folder) in str(raised.value) and "\n" not in str(raised.value)


@pytest.mark.parametrize("config", ["{}", '{"trainer": null}', '{"trainer": []}', "null", "{", "[" * 100_000])
def test_a_config_that_says_nothing_is_refused(config, tmp_path):
    folder = folder_of(tmp_path / "sae", "AutoEncoder")
    (folder / "config.json").write_text(config)
    with pytest.raises(CheckpointError, match=r"config\.json"):
        dictionary_learning.read(folder)


def test_another_architecture_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="holds a 'gated' SAE, asked for as 'topk'"):
        dictionary_learning.read(folder_of(tmp_path / "sae", "GatedAutoEncoder"), "topk")
