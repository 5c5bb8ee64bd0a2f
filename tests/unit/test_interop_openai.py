"""OpenAI's files: fixtures with the documented tensor names, and their formulas by hand."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file

from sae.errors import CheckpointError
from sae.interop import openai

D_IN, WIDTH, K = 10, 24, 3


def state(**changes):
    """A state as their `Autoencoder.state_dict` has it, the decoder of unit columns."""
    draw = torch.Generator().manual_seed(2)
    decoder = torch.randn(D_IN, WIDTH, generator=draw)
    return {
        "pre_bias": torch.randn(D_IN, generator=draw),
        "latent_bias": 0.3 * torch.randn(WIDTH, generator=draw),
        "encoder.weight": torch.randn(WIDTH, D_IN, generator=draw),
        "decoder.weight": decoder / decoder.norm(dim=0),
        "stats_last_nonzero": torch.zeros(WIDTH, dtype=torch.int64),
        "latents_activation_frequency": torch.ones(WIDTH),
        "latents_mean_square": torch.zeros(WIDTH),
    } | changes


TOPK = {"activation": "TopK", "k": str(K), "postact_fn": "ReLU"}
RELU = {"activation": "ReLU"}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "v5.safetensors"


def rows():
    return 4 * torch.randn(50, D_IN, generator=torch.Generator().manual_seed(5)) + 2


def by_hand(s, x, k):
    """(latents, reconstructions) of rows that are standardised already; k None: ReLU."""
    pre = (x - s["pre_bias"]) @ s["encoder.weight"].T + s["latent_bias"]
    if k is not None:
        top = pre.topk(k, dim=1)
        pre = torch.zeros_like(pre).scatter_(1, top.indices, top.values)
    return pre.relu(), pre.relu() @ s["decoder.weight"].T + s["pre_bias"]


@pytest.mark.parametrize(("metadata", "k", "name"), [(TOPK, K, "topk"), (RELU, None, "relu_l1")])
def test_the_layer_says_what_the_formulas_say(path, metadata, k, name):
    save_file(state(), path, metadata)
    layer = openai.read(path, name)
    latents, x_hat = by_hand(state(), rows(), k)
    assert (layer.architecture, layer.normaliser.scale) == (name, 1.0)
    torch.testing.assert_close(layer.encode(rows()).dense(), latents, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(layer.decode(layer.encode(rows())), x_hat, atol=1e-5, rtol=1e-5)


def test_rows_are_standardised_one_by_one_and_back():
    given = openai.standardise(rows())
    x = rows() - rows().mean(1, keepdim=True)
    torch.testing.assert_close(given.rows, x / (x.std(1, keepdim=True) + 1e-5))
    torch.testing.assert_close(given.undo(given.rows), rows(), atol=1e-3, rtol=1e-4)


def test_relu_keeps_reconstructions_where_lengths_differ(path):
    s = state()
    s["decoder.weight"] = s["decoder.weight"] * torch.linspace(0.5, 2, WIDTH)
    save_file(s, path, RELU)
    layer = openai.read(path)
    torch.testing.assert_close(layer.decode(layer.encode(rows())), by_hand(s, rows(), None)[1], atol=1e-4, rtol=1e-4)


def test_topk_is_refused_where_lengths_differ(path):
    s = state()
    s["decoder.weight"] = s["decoder.weight"] * torch.linspace(0.5, 2, WIDTH)
    save_file(s, path, TOPK)
    with pytest.raises(CheckpointError, match=r"lengths 0\.5 to 2, expected one"):
        openai.read(path)


@pytest.mark.parametrize(
    ("metadata", "asked", "says"),
    [
        (None, None, "activation = None, expected TopK or ReLU"),
        ({"activation": "Identity"}, None, "'Identity'"),
        (TOPK, "relu_l1", "holds a 'topk' SAE, asked for as 'relu_l1'"),
        (RELU, "topk", "holds a 'relu_l1' SAE, asked for as 'topk'"),
        ({"activation": "TopK"}, None, "k = None"),
        (TOPK | {"k": "many"}, None, "k = 'many'"),
        (TOPK | {"k": "99"}, None, "k = 99"),
        (TOPK | {"postact_fn": "Identity"}, None, "postact_fn = 'Identity', expected 'ReLU'"),
    ],
)
def test_metadata_that_does_not_say_the_activation_is_refused(path, metadata, asked, says):
    save_file(state(), path, metadata)
    with pytest.raises(CheckpointError, match=says) as raised:
        openai.read(path, asked)
    assert path.name in str(raised.value)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"decoder.weight": torch.ones(WIDTH, D_IN)}, r"'decoder.weight' has shape \(24, 10\), expected \(10, 24\)"),
        ({"encoder.weight": torch.ones(4)}, "'encoder.weight' is missing or has no two axes"),
        ({"encoder.bias": torch.ones(WIDTH)}, "unexpected tensor 'encoder.bias'"),
        ({"latent_bias": torch.full((WIDTH,), torch.nan)}, "'latent_bias' has 24 values that are NaN"),
        ({"pre_bias": None}, "lacks 'pre_bias'"),
    ],
)
def test_tensors_that_are_not_the_formats_are_refused(path, changes, says):
    save_file({name: t for name, t in state(**changes).items() if t is not None}, path, TOPK)
    with pytest.raises(CheckpointError, match=says):
        openai.read(path)


@pytest.mark.thorough
def test_a_pickle_is_refused_and_the_line_in_the_message_converts_it(tmp_path):
    published = tmp_path / "it's v5.pt"
    # in their layout: column-major decoder, settings beside the tensors
    s = state() | {"decoder.weight": state()["decoder.weight"].T.contiguous().T}
    torch.save({**s, "activation": "TopK", "activation_state_dict": {"k": K, "postact_fn": "ReLU"}}, published)
    with pytest.raises(CheckpointError, match="is a pickle, expected safetensors; pickles are never loaded") as raised:
        openai.read(published)
    command = shlex.split(re.split("To convert: ", str(raised.value))[1])
    assert command[0] == "python"
    subprocess.run([sys.executable, *command[1:]], check=True)
    converted = published.with_suffix(".safetensors")
    assert load_file(converted).keys() == state().keys()
    torch.testing.assert_close(
        openai.read(converted, "topk").encode(rows()).dense(), by_hand(s, rows(), K)[0], atol=1e-5, rtol=1e-5
    )


def test_a_missing_or_cut_file_is_refused(path):
    with pytest.raises(CheckpointError, match=r"v5.safetensors is not a readable"):
        openai.read(path)
    save_file(state(), path, TOPK)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(CheckpointError, match=r"v5.safetensors is not a readable"):
        openai.read(path)
