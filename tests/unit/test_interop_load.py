"""One `load` for every format: each folder and file is known for what it is, and read as its own reader reads it."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from peers.layers import random_layer, rows
from safetensors.torch import save_file

import sae
from sae.checkpoint import save_layer
from sae.errors import CheckpointError
from sae.interop import gemma_scope, loaded, openai, saelens
from sae.judge import judge

D_IN, WIDTH, K = 10, 20, 3


def weights(*names):
    draw = torch.Generator().manual_seed(2)
    decoder = torch.randn(WIDTH, D_IN, generator=draw)
    decoder = decoder / decoder.norm(dim=1, keepdim=True)
    encoder, tall, flat = torch.randn(WIDTH, D_IN, generator=draw), torch.randn(WIDTH), torch.randn(D_IN)
    return {"encoder": encoder, "decoder": decoder, "b_enc": tall, "b_dec": flat}


def ours(path):
    save_layer(random_layer("topk"), path / "layer.safetensors")
    (path / "training.json").write_text(json.dumps({"steps": 777}))
    return path


def saelens_folder(path):
    saelens.write(random_layer("gated"), path, {"steps": 1234})
    return path


def sparsify_folder(path):
    w = weights()
    given = {"encoder.weight": w["encoder"], "encoder.bias": w["b_enc"], "W_dec": w["decoder"], "b_dec": w["b_dec"]}
    save_file(given, path / "sae.safetensors")
    (path / "cfg.json").write_text(json.dumps({"d_in": D_IN, "num_latents": WIDTH, "k": K, "activation": "topk"}))
    return path


def dictionary_learning_folder(path):
    w = weights()
    given = {"encoder.weight": w["encoder"], "decoder.weight": w["decoder"].T.contiguous(), "encoder.bias": w["b_enc"]}
    save_file({**given, "b_dec": w["b_dec"]}, path / "ae.safetensors")
    trainer = {"dict_class": "AutoEncoderTopK", "activation_dim": D_IN, "dict_size": WIDTH, "k": K, "steps": 99}
    (path / "config.json").write_text(json.dumps({"trainer": trainer}))
    return path


def gemma(path):
    w = {name: value.numpy() for name, value in weights().items()}
    np.savez(
        path / "params.npz", W_enc=w["encoder"].T, W_dec=w["decoder"], b_enc=w["b_enc"], b_dec=w["b_dec"],
        threshold=np.full(WIDTH, 0.4, np.float32),
    )  # fmt: skip
    return path


def openai_file(path, **metadata):
    w = weights()
    given = {"encoder.weight": w["encoder"], "decoder.weight": w["decoder"].T.contiguous(), "latent_bias": w["b_enc"]}
    said = metadata or {"activation": "TopK", "k": str(K)}
    save_file({**given, "pre_bias": w["b_dec"]}, path / "v5.safetensors", said)
    return path / "v5.safetensors"


FORMATS = {
    "Strata": (ours, "topk", 777),
    "SAELens": (saelens_folder, "gated", 1234),
    "sparsify": (sparsify_folder, "topk", None),
    "dictionary_learning": (dictionary_learning_folder, "topk", 99),
    "Gemma Scope": (gemma, "jumprelu", None),
    "OpenAI": (openai_file, "topk", None),
}


@pytest.mark.parametrize("name", FORMATS)
def test_each_is_known_for_what_it_is(name, tmp_path):
    make, architecture, steps = FORMATS[name]
    path = make(tmp_path)
    found = loaded(path)
    assert (found.format, found.layer.architecture, found.steps, found.path) == (name, architecture, steps, path)
    assert sae.load(path).architecture == architecture
    assert found.standardised == (name == "OpenAI")


def test_a_file_of_a_folder_stands_for_the_folder(tmp_path):
    for make, file in ((sparsify_folder, "sae.safetensors"), (gemma, "params.npz"), (ours, "layer.safetensors")):
        folder = tmp_path / file.replace(".", "-")
        folder.mkdir()
        x = rows()[:, : loaded(make(folder)).layer.sae.d_in]
        assert torch.equal(sae.load(folder).encode(x).dense(), sae.load(folder / file).encode(x).dense())


def test_steps_come_from_tokens_and_batch_where_saelens_says_those(tmp_path):
    saelens.write(random_layer("topk"), tmp_path, {"training_tokens": 40_960, "train_batch_size_tokens": 4096})
    assert loaded(tmp_path).steps == 10


def stored_as(path, name, half, length=1.0, apart=0.0):
    """A TopK folder whose decoder rows were normalised in `half`; those of SAELens stored in float32 afterwards."""
    w = weights()
    decoder = w["decoder"].to(half)
    decoder = (decoder / decoder.norm(dim=1, keepdim=True)).float() * length
    decoder = (decoder * (1 + apart * torch.linspace(-1, 1, WIDTH)[:, None])).to(half)
    if name == "sparsify":
        given = {"encoder.weight": w["encoder"], "encoder.bias": w["b_enc"], "W_dec": decoder, "b_dec": w["b_dec"]}
        save_file({name: value.to(half) for name, value in given.items()}, path / "sae.safetensors")
        (path / "cfg.json").write_text(json.dumps({"d_in": D_IN, "num_latents": WIDTH, "k": K}))
        return path
    given = {"W_enc": w["encoder"].T.contiguous(), "W_dec": decoder.float(), "b_enc": w["b_enc"], "b_dec": w["b_dec"]}
    save_file(given, path / saelens.WEIGHTS)
    (path / saelens.CFG).write_text(json.dumps({"architecture": "topk", "d_in": D_IN, "d_sae": WIDTH, "k": K}))
    return path


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize(("name", "length"), [("sparsify", 1.0), ("SAELens", 1.0), ("SAELens", 7.3)])
def test_lengths_that_differ_by_what_16_bits_explain_are_one_and_that_is_said(name, length, half, tmp_path):
    layer = sae.load(stored_as(tmp_path, name, half, length))
    assert layer.normaliser.scale == pytest.approx(length, rel=2e-2)
    assert f"as far apart as {str(half).removeprefix('torch.')} explains" in layer.rounded
    torch.testing.assert_close(layer.sae.directions().norm(dim=1), torch.ones(WIDTH))
    assert any("count as one length" in note for note in judge(rows_of(D_IN), [layer], nulls="none").notes)


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
def test_lengths_that_no_rounding_explains_are_refused_in_16_bits_too(half, tmp_path):
    with pytest.raises(CheckpointError, match=r"expected one length.*sae.load\(path, rounding=...\)"):
        sae.load(stored_as(tmp_path, "sparsify", half, apart=0.05))


def test_nothing_is_said_where_lengths_are_alike_or_moved_exactly(tmp_path):
    assert sae.load(sparsify_folder(tmp_path)).rounded == ""


def rows_of(width):
    return torch.randn(90, width, generator=torch.Generator().manual_seed(5))


def pickled(path):
    torch.save({"a": torch.zeros(2)}, path / "ae.pt")


def two(path):
    sparsify_folder(path)
    gemma(path)


REFUSED = {
    "nothing": (lambda p: p.rmdir(), "is not there"),
    "an empty folder": (lambda p: None, "it holds nothing"),
    "a folder of something": (lambda p: (p / "notes.md").write_text("x"), "it holds notes.md"),
    "a pickle": (pickled, "pickles are never loaded. To convert"),
    "two at once": (two, "holds sae.safetensors and params.npz, expected one SAE"),
    "ours beside another library's": (lambda p: (ours(p), dictionary_learning_folder(p)), "layer.safetensors and ae."),
    "several files without a folder's name": (
        lambda p: (openai_file(p), (p / "v5.safetensors").rename(p / "a.safetensors"), openai_file(p)),
        "holds a.safetensors and v5.safetensors, expected one SAE: name the file",
    ),
    "tensors without a word": (lambda p: save_file({"a": torch.zeros(2)}, p / "w.safetensors"), "no metadata"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_sae_is_refused_in_one_line(case, tmp_path):
    make, says = REFUSED[case]
    folder = tmp_path / "there"
    folder.mkdir()
    make(folder)
    with pytest.raises(CheckpointError) as raised:
        loaded(folder)
    assert says in str(raised.value) and "\n" not in str(raised.value)


def test_other_readers_stay_where_they_were():
    assert callable(openai.read) and callable(gemma_scope.read)
    with pytest.raises(AttributeError):
        sae.interop.nothing  # noqa: B018
