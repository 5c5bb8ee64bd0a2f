"""Foreign files at the boundary: told apart by content, converted whole or not at all, written without a loss."""

from __future__ import annotations

import gzip
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from peers.layers import D_IN, WIDTH, K, random_layer, rows
from safetensors.torch import load_file, save_file

import sae.files
from sae.errors import CheckpointError, ConfigError
from sae.interop import convert, dictionary_learning, gemma_scope, openai, saelens, sparsify
from sae.interop._kinds import kind_of

CFG, WEIGHTS = "cfg.json", "sae_weights.safetensors"


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# what a file is


def numpy_bytes(path, save, *given, **named):
    with path.open("wb") as file:
        save(file, *given, **named)


KINDS = {
    "safetensors": (lambda p: save_file({"a": torch.zeros(2)}, p), "safetensors"),
    "torch's zip": (lambda p: torch.save({"a": torch.zeros(2)}, p), "a pickle"),
    "torch's old form": (lambda p: torch.save([1], p, _use_new_zipfile_serialization=False), "a pickle"),
    "protocol 5": (lambda p: p.write_bytes(pickle.dumps({"a": 1}, 5)), "a pickle"),
    "npz": (lambda p: numpy_bytes(p, np.savez, a=np.zeros(3)), "numpy's npz"),
    "npy": (lambda p: numpy_bytes(p, np.save, np.zeros(3)), "a single numpy array"),
    "pointer": (lambda p: p.write_text("version https://git-lfs\noid sha256:1f\nsize 9\n"), "Git LFS"),
    "page": (lambda p: p.write_text("\n<!DOCTYPE html><title>404</title>"), "a web page"),
    "packed": (lambda p: p.write_bytes(gzip.compress(b"x" * 99)), "gunzip"),
    "settings": (lambda p: p.write_text('{"d_in": 3}'), "JSON"),
    "empty": (lambda p: p.write_bytes(b""), "empty"),
    "folder": (lambda p: p.mkdir(), "a folder"),
    "nothing": (lambda p: None, "not there"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_known_by_its_content(kind, tmp_path):
    make, says = KINDS[kind]
    for name in ("weights.safetensors", "weights.npz", "weights.xyz"):
        make(tmp_path / name)
        assert says in kind_of(tmp_path / name)
        for read in (openai.read, gemma_scope.read):
            with pytest.raises(CheckpointError) as raised:
                read(tmp_path / name)
            message = str(raised.value)
            assert name in message and "\n" not in message
            expected = "safetensors" if read is openai.read else "numpy's npz"
            if kind not in ("safetensors", "npz", "folder") and says != "a pickle":
                assert f"is not a readable {expected} file" in message and says in message
            if says == "a pickle":
                assert "To convert: " in message
            else:
                assert "To convert" not in message, "advice that would not work on this file"


def test_safetensors_under_a_pickles_name_are_to_be_renamed(tmp_path):
    save_file({"a": torch.zeros(2)}, tmp_path / "ae.pt")
    with pytest.raises(CheckpointError, match=r"safetensors by its content, .* rename it to ae\.safetensors"):
        openai.read(tmp_path / "ae.pt")


# conversion


def converted(old, new="new.safetensors"):
    return convert.main([str(old), str(old.parent / new)])


NESTED = {
    "a table in a table": {"state_dict": {"W": torch.zeros(2, 2)}, "epoch": 4},
    "some deeper": {"W": torch.zeros(2, 2), "optimiser": {"0": {"mean": torch.zeros(2)}}},
    "a list": [torch.zeros(2), torch.zeros(3)],
    "one tensor": torch.zeros(4),
    "no tensor": {"a": 1, "b": "two"},
    "numbered": {0: torch.zeros(2), 1: torch.zeros(2)},
    "sparse": {"W": torch.eye(3).to_sparse()},
}


@pytest.mark.parametrize("case", NESTED)
def test_a_pickle_is_not_converted_in_part(case, tmp_path, capsys):
    torch.save(NESTED[case], tmp_path / "old.pt")
    assert converted(tmp_path / "old.pt") == 1
    error = capsys.readouterr().err
    assert "nothing was written" in error and error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["old.pt"]


def test_all_tensors_come_over_with_words_and_numbers(tmp_path, capsys):
    shared = torch.arange(6.0).reshape(2, 3)
    given = {"W": shared, "turned": shared.T, "again": shared, "n": torch.tensor(3), "p": torch.nn.Parameter(shared)}
    torch.save(given | {"lr": 0.1, "name": "mine", "nothing": None}, tmp_path / "old.pt")
    assert converted(tmp_path / "old.pt") == 0
    assert "5 tensors (W, again, n, p, turned)" in capsys.readouterr().out
    back, said = sae.files.read_safetensors(tmp_path / "new.safetensors")
    assert back.keys() == given.keys() and all(torch.equal(back[name], given[name]) for name in given)
    assert said == {"lr": "0.1", "name": "mine"}


def test_what_would_run_code_or_is_no_pickle_or_overwrites_is_refused(tmp_path, capsys):
    (tmp_path / "code.pt").write_bytes(pickle.dumps(Path("x"), 4))
    save_file({"W": torch.zeros(2)}, tmp_path / "fine.pt")
    np.savez(tmp_path / "arrays.npz", W=np.zeros(2))
    (tmp_path / "there.safetensors").write_bytes(b"mine")
    torch.save({"W": torch.zeros(2)}, tmp_path / "old.pt")
    for old, new, says in (
        ("code.pt", "a", "cannot be read without running its code"),
        ("fine.pt", "b", "is safetensors, expected a pickle"),
        ("arrays.npz", "c", "is numpy's npz, expected a pickle"),
        ("none.pt", "d", "is not there, expected a pickle"),
        ("old.pt", "there.safetensors", "is there already"),
    ):
        assert converted(tmp_path / old, new) == 1
        assert says in capsys.readouterr().err
    assert (tmp_path / "there.safetensors").read_bytes() == b"mine" and not (tmp_path / "a").exists()
    assert convert.main(["one"]) == 2


# writing


@pytest.fixture
def exported(tmp_path):
    saelens.write(random_layer("topk"), tmp_path / "out", {"hook_name": "first"})
    return tmp_path / "out"


@pytest.mark.parametrize(
    "metadata",
    [{"a": object()}, {"a": torch.zeros(2)}, {"a": {1, 2}}, {"a": float("nan")}, {("a", "b"): 1}, ["a"], "hook_name"],
)
def test_metadata_that_json_cannot_say_leaves_the_export_as_it_is(exported, metadata):
    before = contents(exported)
    with pytest.raises(CheckpointError, match="metadata"):
        saelens.write(random_layer("gated"), exported, metadata)
    assert contents(exported) == before
    assert saelens.read(exported).architecture == "topk"


@pytest.mark.parametrize("failing", ["weights", "settings"])
def test_a_full_disk_leaves_the_export_as_it_is(exported, failing, monkeypatch):
    before = contents(exported)

    def full(*given, **named):
        raise OSError(28, "No space left on device")

    if failing == "weights":
        monkeypatch.setattr(sae.files, "save_file", full)
    else:
        monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(CheckpointError, match=r"could not be written: .*No space left"):
        saelens.write(random_layer("gated"), exported)
    assert contents(exported) == before


def test_a_file_in_the_folders_place_is_one_line(tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(CheckpointError, match="could not be written"):
        saelens.write(random_layer("topk"), tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"


def test_folders_may_be_text(tmp_path):
    saelens.write(random_layer("jumprelu"), str(tmp_path / "out"), {})
    assert saelens.read(str(tmp_path / "out"), "jumprelu").sae.d_in == D_IN
    for module in (saelens, openai, sparsify, gemma_scope, dictionary_learning):
        for wrong in (None, 3, "", ["a"]):
            with pytest.raises(ConfigError, match="must be a path"):
                module.read(wrong)


# settings of other types


def edit(folder, **cfg):
    settings = json.loads((folder / CFG).read_text()) | cfg
    (folder / CFG).write_text(json.dumps({name: value for name, value in settings.items() if value != "DROP"}))


@pytest.mark.parametrize("name", ["architecture", "activation_fn", "k", "d_in", "d_sae", "normalize_activations",
                                  "rescale_acts_by_decoder_norm", "apply_b_dec_to_input", "activation_fn_kwargs",
                                  "reshape_activations"])  # fmt: skip
@pytest.mark.parametrize("value", [{}, [], [1], {"a": 1}, "false", 0.5, -1])
def test_a_setting_of_another_type_is_one_line(exported, name, value):
    edit(exported, **{name: value})
    if name == "activation_fn_kwargs" and isinstance(value, dict):
        assert saelens.read(exported).sae.k == K
        return
    with pytest.raises(CheckpointError) as raised:
        saelens.read(exported)
    assert "cfg.json" in str(raised.value) and name in str(raised.value) and "\n" not in str(raised.value)


@pytest.mark.parametrize("metadata", ["6.0.0", [], 3, {"training_architecture_details": "k=3"}])
def test_metadata_of_another_type_is_one_line(tmp_path, metadata):
    saelens.write(random_layer("jumprelu"), tmp_path / "out")
    edit(tmp_path / "out", metadata=metadata)
    with pytest.raises(CheckpointError, match="expected an object"):
        saelens.read(tmp_path / "out")


def test_settings_that_are_null_are_not_there(exported):
    switches = ("apply_b_dec_to_input", "rescale_acts_by_decoder_norm", "finetuning_scaling_factor")
    others = ("activation_fn", "activation_fn_kwargs", "metadata", "normalize_activations")
    edit(exported, **dict.fromkeys(switches + others))
    assert torch.equal(saelens.read(exported).sae.W_dec, saelens.read(exported, "topk").sae.W_dec)


@pytest.mark.parametrize("rounding", [float("nan"), -1, "1e-3", None])
def test_rounding_is_a_share(exported, rounding):
    with pytest.raises(ConfigError, match="rounding"):
        saelens.read(exported, rounding=rounding)


# SAELens's folders from before an activation was stated


@pytest.mark.parametrize("ours", ["relu_l1", "topk", "jumprelu", "gated"])
def test_where_no_activation_is_stated_the_caller_decides(ours, tmp_path):
    layer = random_layer(ours)
    saelens.write(layer, tmp_path / "out")
    edit(tmp_path / "out", architecture="DROP", k="DROP", metadata="DROP", hook_point="blocks.8.hook_resid_pre")
    with pytest.raises(CheckpointError, match=r"neither 'architecture' nor 'activation_fn'.*read\(folder, 'relu_l1'\)"):
        saelens.read(tmp_path / "out")
    for wrong in ("sparse", "standard", "", {}):
        with pytest.raises(CheckpointError, match="neither 'architecture'"):
            saelens.read(tmp_path / "out", wrong)
    back = saelens.read(tmp_path / "out", ours, k=K)
    assert back.architecture == ours
    torch.testing.assert_close(back.encode(rows()).dense(), layer.encode(rows()).dense(), atol=1e-5, rtol=1e-5)


def test_a_stated_activation_or_k_is_not_overruled(exported, tmp_path):
    with pytest.raises(CheckpointError, match="holds a 'topk' SAE, asked for as 'relu_l1'"):
        saelens.read(exported, "relu_l1")
    with pytest.raises(CheckpointError, match=rf"k = {K}, asked for as k = {K + 1}"):
        saelens.read(exported, k=K + 1)
    edit(exported, architecture="DROP", k="DROP")
    with pytest.raises(CheckpointError, match="k = None, expected a whole number"):
        saelens.read(exported, "topk")
    with pytest.raises(CheckpointError, match="lacks 'threshold'"):
        saelens.read(exported, "jumprelu")


# sparsify's transcoders


def sparsify_folder(path, **cfg):
    path.mkdir(parents=True)
    decoder = torch.randn(WIDTH, D_IN, generator=torch.Generator().manual_seed(2))
    weights = {
        "encoder.weight": decoder.clone(), "encoder.bias": torch.zeros(WIDTH), "b_dec": torch.zeros(D_IN),
        "W_dec": decoder / decoder.norm(dim=1, keepdim=True),
    }  # fmt: skip
    save_file(weights, path / "sae.safetensors")
    (path / CFG).write_text(json.dumps({"expansion_factor": 1, "num_latents": WIDTH, "k": K, "d_in": D_IN} | cfg))
    return path


@pytest.mark.parametrize(
    ("run", "says"),
    [
        ({"transcode": True}, "transcode = True, expected False"),
        ({"sae": {"transcode": True, "k": 32}}, "transcode = True"),
        ({"sae": {"skip_connection": True}}, "skip_connection = True"),
        ({"transcode": "yes"}, "transcode = 'yes'"),
        ([], "holds list, expected an object"),
    ],
)
def test_a_transcoder_that_only_its_run_names_is_refused(run, says, tmp_path, monkeypatch):
    folder = sparsify_folder(tmp_path / "run" / "layers.3.mlp")
    (tmp_path / "run" / "config.json").write_text(json.dumps(run))
    monkeypatch.chdir(folder)
    for given in (folder, str(folder), "."):
        with pytest.raises(CheckpointError, match=rf"run/config\.json.*{says}"):
            sparsify.read(given)


@pytest.mark.parametrize("run", [{}, {"transcode": False}, {"sae": {"transcode": None}}, {"sae": "gpt2"}, None])
def test_an_autoencoder_of_a_run_is_read(run, tmp_path):
    folder = sparsify_folder(tmp_path / "run" / "layers.3.mlp", activation=None, transcode=None)
    if run is not None:
        (tmp_path / "run" / "config.json").write_text(json.dumps(run))
    assert sparsify.read(folder).sae.k == K


@pytest.mark.parametrize("name", ["transcode", "embed_skip", "gram_lookup", "activation", "signed"])
@pytest.mark.parametrize("value", [{}, [], 1, "no", True])
def test_what_sparsify_could_do_besides_is_refused(name, value, tmp_path):
    with pytest.raises(CheckpointError, match=rf"cfg\.json: {name} = "):
        sparsify.read(sparsify_folder(tmp_path / "out", **{name: value}))


def test_load_file_reads_what_was_exported(exported):
    assert set(load_file(exported / WEIGHTS)) == {"W_enc", "W_dec", "b_enc", "b_dec"}
