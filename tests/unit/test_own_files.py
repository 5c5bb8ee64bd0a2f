"""Our own files: damaged numbers are refused by file and name, and nothing that stood there is lost by a failure."""

from __future__ import annotations

import json
import math
import re

import pytest
import safetensors
import torch
from safetensors.torch import save_file
from training import ARCHITECTURES, SHORT, Killed, killer, make

import sae.files
from sae.checkpoint import load_layer, save_layer
from sae.errors import CheckpointError, NumericError
from sae.layer import Layer
from sae.normaliser import Normaliser
from sae.resume import Checkpoints
from sae.train import train

HOLDS = "holds {} values in '{}' that are NaN or infinite, expected none"


def rows(n=150):
    return torch.randn(n, 24, generator=torch.Generator().manual_seed(0))


def layer_of(name="topk"):
    return Layer(name, make(name), Normaliser(torch.zeros(24), 1.5, 0.2))


@pytest.fixture
def path(tmp_path):
    save_layer(layer_of(), tmp_path / "layer.safetensors")
    return tmp_path / "layer.safetensors"


def damage(path, change=lambda tensors: None, **metadata):
    with safetensors.safe_open(path, "pt") as file:
        tensors, said = {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata())  # noqa: SIM118
    change(tensors)
    save_file(tensors, path, said | {name: json.dumps(value) for name, value in metadata.items()})


def refused(path, says):
    with pytest.raises(CheckpointError, match=says) as raised:
        load_layer(path)
    message = str(raised.value)
    assert str(path) in message and "\n" not in message


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
@pytest.mark.parametrize("name", ["sae.W_enc", "sae.b_dec", "normaliser.mean"])
def test_a_weight_or_mean_that_is_not_finite_is_refused_by_name(path, name, bad):
    damage(path, lambda tensors: tensors[name].view(-1)[3:5].fill_(bad))
    refused(path, re.escape(HOLDS.format(2, name)))


def test_state_that_no_gradient_moves_is_looked_at_too(tmp_path):
    for name, tensor in (("jumprelu", "sae.theta"), ("batch_topk", "sae.threshold"), ("gated", "sae.weight.full")):
        path = tmp_path / f"{name}.safetensors"
        save_layer(layer_of(name), path)
        damage(path, lambda tensors, tensor=tensor: tensors[tensor].fill_(torch.nan))
        refused(path, f"in '{tensor}'")


@pytest.mark.parametrize("scale", [0, -1.5, math.nan, math.inf, "1.5", None, True, [1.0]])
def test_a_scale_that_is_no_number_above_0_is_refused(path, scale):
    damage(path, scale=scale)
    refused(path, "normaliser scale = ")


@pytest.mark.parametrize(
    ("metadata", "says"),
    [
        ({"gamma": "none"}, "gamma = 'none', expected a number"),
        ({"gamma": -1}, "gamma = -1"),
        ({"d_in": 10**9}, r"'sae\.W_dec' has shape \(48, 24\), expected \(48, 1000000000\)"),
        ({"n_latents": 48.0}, "n_latents = 48.0: must be a whole number"),
        ({"options": [3]}, r"options = \[3\], expected a name and an object"),
        ({"options": {"k": 3.5}}, "k = 3.5: must be a whole number"),
        ({"options": {"k": 3, "aux_weight": math.nan}}, "aux_weight = nan"),
        ({"options": {"k": 3, "colour": 1}}, "colour"),
        ({"architecture": {}}, "architecture = {} with options"),
        ({"architecture": "os"}, "no architecture named 'os'"),
    ],
)
def test_metadata_that_says_something_impossible_is_refused(path, metadata, says):
    damage(path, **metadata)
    refused(path, says)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.update({"normaliser.mean": torch.zeros(23)}), r"mean' has shape \(23,\), expected \(24,\)"),
        (lambda t: t.update({"normaliser.mean": torch.zeros(24, dtype=torch.int64)}), r"mean' is of torch\.int64"),
        (lambda t: t.update({"sae.b_enc": t["sae.b_enc"].to(torch.complex64)}), r"'sae\.b_enc' is of torch\.complex64"),
        (lambda t: t.update({"sae.b_enc": t["sae.b_enc"].to(torch.int32)}), r"torch\.int32, expected torch\.float32"),
        (lambda t: t.pop("sae.b_enc"), 'Missing key.* "b_enc"'),
        (lambda t: t.pop("sae.W_dec"), r"'sae\.W_dec' has shape None"),
    ],
)  # fmt: skip
def test_tensors_of_another_form_are_refused(path, change, says):
    damage(path, change)
    refused(path, says)


def test_paths_may_be_text(tmp_path):
    save_layer(layer_of(), str(tmp_path / "a.safetensors"))
    assert load_layer(str(tmp_path / "a.safetensors"), "topk").sae.k == 3
    checkpoints = Checkpoints(str(tmp_path / "run"), 4)
    with pytest.raises(Killed):
        train("topk", make(), rows(), SHORT, 0, killer(0), checkpoints=Checkpoints(str(tmp_path / "none"), 4))
    train("topk", make(), rows(), SHORT, 0, checkpoints=checkpoints)
    assert checkpoints.path.is_file()


def test_a_training_checkpoint_with_bad_numbers_is_refused_by_file_and_name(tmp_path):
    checkpoints = Checkpoints(tmp_path, 4)
    train("topk", make(), rows(), SHORT, 0, checkpoints=checkpoints)
    with safetensors.safe_open(checkpoints.path, "pt") as file:
        tensors, said = {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata())  # noqa: SIM118
    moment = next(name for name in tensors if name.startswith("0.step.") and tensors[name].ndim == 2)
    save_file(tensors | {moment: tensors[moment].clone().fill_(torch.nan)}, checkpoints.path, said)
    with pytest.raises(CheckpointError, match=rf"training\.safetensors holds \d+ values in '{moment}'"):
        train("topk", make(), rows(), SHORT, 0, checkpoints=checkpoints)
    save_file(tensors, checkpoints.path, said | {"step": "-1"})
    with pytest.raises(CheckpointError, match="step = '-1', expected a whole number up to 12"):
        train("topk", make(), rows(), SHORT, 0, checkpoints=checkpoints)


def full_disk(*given, **options):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("failing", ["save_file", "nothing"])
def test_what_stood_there_stays_when_a_new_layer_cannot_be_written(path, monkeypatch, failing):
    before, bad = path.read_bytes(), layer_of()
    if failing == "save_file":
        monkeypatch.setattr(sae.files, "save_file", full_disk)
        says = "could not be written: .*No space left on device"
    else:
        bad.sae.W_dec.data[5] = torch.nan
        says = r"would hold 24 values in 'sae\.W_dec' that are NaN"
    with pytest.raises(CheckpointError, match=says) as raised:
        save_layer(bad, path)
    assert str(path) in str(raised.value) and "\n" not in str(raised.value)
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]


def test_a_folder_that_is_not_there_or_a_file_in_its_place_is_one_line(path):
    for place in (path.parent / "none" / "layer.safetensors", path / "layer.safetensors"):
        with pytest.raises(CheckpointError, match="could not be written"):
            save_layer(layer_of(), place)
    with pytest.raises(CheckpointError, match="could not be written"):
        train("topk", make(), rows(), SHORT, 0, checkpoints=Checkpoints(path / "run", 4))


def test_training_checkpoints_that_cannot_be_written_leave_the_last_one(tmp_path, monkeypatch):
    checkpoints = Checkpoints(tmp_path, 4)
    with pytest.raises(NumericError):
        # the first checkpoint is written; then a loss that is not finite ends the run
        spoilt = make()
        adapt, taken = spoilt._adapt, []
        spoilt._adapt = lambda loss: (
            adapt(loss),
            taken.append(0),
            len(taken) == 6 and spoilt.b_dec.data.fill_(torch.nan),
        )
        train("topk", spoilt, rows(), SHORT, 0, checkpoints=checkpoints)
    before = checkpoints.path.read_bytes()
    monkeypatch.setattr(sae.files, "save_file", full_disk)
    with pytest.raises(CheckpointError, match="No space left"):
        train("topk", make(), rows(), SHORT, 0, checkpoints=checkpoints)
    assert checkpoints.path.read_bytes() == before and list(tmp_path.iterdir()) == [checkpoints.path]


def test_every_architecture_is_saved_and_loaded(tmp_path):
    for name in ARCHITECTURES:
        save_layer(layer_of(name), tmp_path / name)
        assert load_layer(tmp_path / name, name).sae.options() == layer_of(name).sae.options()
