"""Library entrances that are given something else: one line of ours, never Python's or torch's own error."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from training import SHORT, make

import sae
from sae.checkpoint import save_layer
from sae.errors import CheckpointError, ConfigError, InputError
from sae.layer import Layer
from sae.normaliser import Normaliser
from sae.train import train_together


def rows(n=60):
    return torch.randn(n, 24, generator=torch.Generator().manual_seed(0))


def layer(name="topk"):
    return Layer(name, make(), Normaliser(torch.zeros(24), 1.0, 0.0))


EYE = torch.eye(5)


@pytest.mark.parametrize(
    ("first", "second", "options", "error", "says"),
    [
        (np.eye(5), EYE, {}, InputError, r"first decoder directions are of type numpy\.ndarray.*torch\.as_tensor"),
        (EYE, EYE[0], {}, ConfigError, "must be rows of one width"),
        (EYE[None], EYE[None], {}, ConfigError, "must be rows of one width"),
        (layer(), layer(), {}, InputError, r"first decoder is a Layer, expected directions: layer\.sae\.directions"),
        (EYE, EYE + 1j, {}, InputError, "second decoder directions are complex"),
        (EYE, EYE.to_sparse(), {}, InputError, "second decoder directions are sparse"),
        (EYE, EYE.to("meta"), {}, InputError, "second decoder are on meta"),
        (EYE, EYE, {"threshold": "0.5"}, ConfigError, "must be a cosine, -1 to 1, not '0.5'"),
        (EYE, EYE, {"threshold": None}, ConfigError, "must be a cosine"),
        (EYE, EYE, {"encoders": EYE}, ConfigError, "encoders must be two"),
    ],
)
def test_what_cannot_be_matched_is_refused(first, second, options, error, says):
    with pytest.raises(error, match=says):
        sae.matched(first, second, **options)


@pytest.mark.parametrize("make_rows", [lambda x: x.to_sparse(), lambda x: x.to_sparse_csr(), lambda x: x.to("meta")])
@pytest.mark.filterwarnings("ignore:Sparse CSR")
def test_rows_to_judge_on_hold_their_numbers(make_rows):
    with pytest.raises(InputError, match=r"^rows are (on meta|sparse)"):
        sae.judge(make_rows(rows()), layer())


@pytest.mark.parametrize(
    ("name", "model", "config", "error", "says"),
    [
        ("topk", make(), {"steps": 4}, ConfigError, r"config is of type dict, expected .*TrainConfig\(\*\*config\)"),
        ("topk", make(), None, ConfigError, "config is of type NoneType"),
        ("top_k", make(), SHORT, ConfigError, "is a TopK, not of the architecture 'top_k': its name is 'topk'"),
        (None, make(), SHORT, ConfigError, "architecture = None: must be a name"),
        ("mine", torch.nn.Linear(24, 5), SHORT, InputError, "of type Linear, expected an SAE"),
    ],
)
def test_a_training_that_cannot_be_is_refused_before_a_step(name, model, config, error, says):
    with pytest.raises(error, match=says):
        sae.train(name, model, rows(), config, seed=0)


def test_trainees_are_trainees():
    with pytest.raises(ConfigError, match="a trainee is of type TopK"):
        train_together([make()], rows(), SHORT, 0)


def test_what_could_not_be_loaded_is_not_saved(tmp_path):
    with pytest.raises(CheckpointError, match=r"nobody can load: no architecture named 'tipk'.*did you mean 'topk'"):
        save_layer(layer("tipk"), tmp_path / "layer.safetensors")
    with pytest.raises(CheckpointError, match="would hold a TopK, expected a layer"):
        save_layer(make(), tmp_path / "layer.safetensors")
    assert not list(tmp_path.iterdir())
