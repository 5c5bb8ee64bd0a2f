"""Numbers from Python: type and range are checked wherever a number enters the library."""

from __future__ import annotations

import dataclasses
import inspect
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from training import ARCHITECTURES, SHORT, make

from sae.checkpoint import load_layer, save_layer
from sae.config import StopConfig, TrainConfig
from sae.errors import ConfigError
from sae.resume import Checkpoints
from sae.seeding import derived
from sae.train import Trainee, train
from sae.values import choice, flag, path_of, real, whole

WHOLE = ("steps", "batch", "aux_every", "revivals", "shortlist")
NO_WHOLE = (3.5, 4.0, True, "6", None, float("nan"), Fraction(7, 2), [3], np.float32(2), np.bool_(True))
NO_NUMBER = (float("nan"), float("inf"), -float("inf"), True, "0.1", None, [0.5], 1e300, np.float64("nan"), 10**400)
NO_FLAG = (1, 0, "no", None, 0.0, np.int8(1))


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(TrainConfig)])
def test_settings_of_training_are_of_their_type_and_finite(field):
    kind = type(getattr(TrainConfig(), field))
    for wrong in {int: NO_WHOLE, float: NO_NUMBER, bool: NO_FLAG}[kind]:
        with pytest.raises(ConfigError, match=field):
            TrainConfig(**{field: wrong})


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(StopConfig)])
def test_limits_of_stopping_are_numbers(field):
    for wrong in NO_NUMBER:
        with pytest.raises(ConfigError, match=field):
            StopConfig(**{field: wrong})


OPTIONS = [
    (name, option, parameter.annotation)
    for name, kind in ARCHITECTURES.items()
    for option, parameter in inspect.signature(kind.__init__).parameters.items()
    if option != "self"
]


@pytest.mark.parametrize(("name", "option", "annotation"), OPTIONS)
def test_every_option_of_every_architecture_is_checked(name, option, annotation):
    given = {"d_in": 24, "n_latents": 48, "k": 3}
    wrong = {"int": (*NO_WHOLE, -1), "float": (*NO_NUMBER, -1.0), "str": ("other", None, 3, [])}
    for value in wrong.get(annotation, ("1", 3, None, [float("nan"), 1.0], [0.5], [True], [])):
        if option == "encoder_norm" and value is True:
            value = -2.0
        with pytest.raises(ConfigError, match=option.removesuffix("_aux").split("_")[0]):
            ARCHITECTURES[name](**given | {option: value})


def test_numpys_numbers_are_numbers_and_become_pythons(tmp_path):
    numbers = {"steps": np.int64(12), "batch": np.uint8(64), "lr": np.float64(0.01), "dead_after": np.float32(0.5)}
    config = TrainConfig(**numbers, compiled=np.bool_(True))
    assert [type(getattr(config, name)) for name in (*numbers, "compiled")] == [int, int, float, float, bool]
    rows = torch.randn(100, 24, generator=torch.Generator().manual_seed(0))
    for name, kind in ARCHITECTURES.items():
        own = {"encoder_norm": np.float32(0.5)} if "encoder_norm" in inspect.signature(kind).parameters else {}
        sae = kind(np.int32(24), np.int64(48), k=np.int16(3), **own)
        layer = train(name, sae, rows, dataclasses.replace(config, steps=2), np.int64(7))
        save_layer(layer, tmp_path / "layer.safetensors")
        assert load_layer(tmp_path / "layer.safetensors").sae.options() == layer.sae.options(), name
    usual = train("topk", make(), rows, SHORT, 7)
    assert torch.equal(train("topk", make(), rows, SHORT, np.int64(7)).sae.W_dec, usual.sae.W_dec)


def test_a_seed_is_a_whole_number_whatever_wrote_it():
    assert derived(np.int64(3), "fold", np.int32(2)) == derived(3, "fold", 2) != derived(3, "fold", 3)
    assert derived(-3, "x") != derived(3, "x")
    for wrong in (1.5, True, None, "3", float("nan")):
        with pytest.raises(ConfigError, match="seed"):
            derived(wrong, "x")


@pytest.mark.parametrize("every", [2.5, True, None, 0, -3, float("inf")])
def test_checkpoints_come_after_a_whole_number_of_steps(every, tmp_path):
    with pytest.raises(ConfigError, match="every"):
        Checkpoints(tmp_path, every)


def test_a_trainees_rate_and_switch_are_checked():
    for wrong in (float("nan"), 0, -1.0, True, "1e-3"):
        with pytest.raises(ConfigError, match="lr"):
            Trainee("topk", make(), wrong)
    with pytest.raises(ConfigError, match="frozen_decoder"):
        Trainee("topk", make(), frozen_decoder="no")


def test_weights_that_no_memory_holds_are_refused_with_their_size():
    with pytest.raises(ConfigError, match=r"n_latents = 10+, d_in = 1000+: no memory for 8e\+12 GB of weights"):
        ARCHITECTURES["topk"](1_000_000, 10**15, k=3)


def test_messages_say_what_would_be_right():
    for given, says in (
        (lambda: whole("n", 2.5, 1), "n = 2.5: must be a whole number, at least 1"),
        (lambda: whole("n", 9, 1, 4), r"n = 9: must be in 1\.\.4"),
        (lambda: real("x", "a", above=0), "x = 'a': must be a number, above 0"),
        (lambda: real("x", 1.0, least=0, below=1), "x = 1.0: must be at least 0 and below 1"),
        (lambda: real("x", float("inf"), above=0), "x = inf: must be above 0, and finite"),
        (lambda: flag("on", "off"), "on = 'off': must be true or false"),
        (lambda: choice("aim", [], ("k", "sparse")), r"aim = \[\]: must be one of k, sparse"),
        (lambda: path_of("folder", 3), "folder = 3: must be a path"),
    ):
        with pytest.raises(ConfigError, match=says):
            given()
    assert (whole("n", np.int8(3)), real("x", 2), path_of("p", "a/b")) == (3, 2, Path("a/b"))
