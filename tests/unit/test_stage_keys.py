"""The names of stages' folders: what is cached stays found when the code that makes a plan is written anew."""

from __future__ import annotations

import dataclasses
import hashlib

import pytest

from analysis.plan import chains
from analysis.plan.chains import plan
from analysis.plan.config import Experiment, HostConfig, SaeConfig, TowerConfig
from analysis.plan.interpret_config import InterpretConfig
from analysis.plan.looks import stages_of
from analysis.plan.stage_configs import (
    ActivationsStage,
    HostStage,
    ImagesStage,
    InterpretStage,
    NullsStage,
    PicturesStage,
    ReaderStage,
    SaeStage,
)
from analysis.plan.stage_folders import writing
from sae.config import StopConfig, TrainConfig
from sae.errors import StageError

SHORT = TrainConfig(steps=7, batch=9, lr=0.01)
LATENTS = TowerConfig(
    kind="latents", depth=3, width=[20, 12], k="halving", architecture=["gated", "topk"],
    options={"gated": {"penalty": 0.2}}, train=SHORT, direct=True, stop=StopConfig(loss=0.25),
)  # fmt: skip
DIRECTIONS = TowerConfig(kind="directions", depth=2, width="halving", k=[3], folds=3, direct=True)
# How many stages of each name there are, and a hash of their keys, in order: taken before configs had types.
KEYS = {
    "host": (4, "db2ef275"),
    "activations": (4, "c8ce53ba"),
    "sae": (30, "97df3105"),
    "nulls": (8, "0c8d3f38"),
    "null_tower": (2, "c13c5b60"),
    "measures": (4, "c6d52d21"),
    "images": (1, "ff35adc8"),
    "reader": (1, "fd214d61"),
    "interpret": (4, "ba54a02b"),
    "pictures": (2, "bab1e166"),
    "maps": (1, "29976f98"),
}


@pytest.fixture
def planned(monkeypatch):
    """The stages of an experiment that has one of everything, as they would be on any machine, whatever the code."""
    monkeypatch.setattr(chains, "code_version", lambda *modules: "some code")
    monkeypatch.setattr(chains, "fingerprint", lambda dataset: "some data")
    monkeypatch.setattr("analysis.plan.looks.fingerprint", lambda dataset: "some data")
    monkeypatch.setattr(chains, "numba_fault", lambda: "")
    monkeypatch.delenv("STRATA_DEVICE", raising=False)
    experiment = Experiment(
        name="keys", title="Keys", seeds=(4, 6), towers=(LATENTS, DIRECTIONS),
        host=HostConfig(hook="hidden2", options={"hidden1": 30}),
        sae=SaeConfig(width=24, k=5, options={"k_aux": 6}),
        compare=(SaeConfig(architecture="batch_topk", width=24, k=5, train=SHORT),),
        interpret=InterpretConfig(
            kind="latents", train_rows=50, held_out_rows=40, permutations=20, reader={"steps": 30}
        ),
    )  # fmt: skip
    return stages_of(experiment, plan(experiment))


def test_keys_of_a_plan_are_what_they_were(planned):
    found: dict[str, list[str]] = {}
    for key, stage in planned.items():
        found.setdefault(stage.name, []).append(key)
    short = {name: hashlib.sha256(" ".join(keys).encode()).hexdigest()[:8] for name, keys in found.items()}
    assert {name: (len(keys), short[name]) for name, keys in found.items()} == KEYS


def test_what_a_stage_is_asked_is_a_type_of_its_own_and_no_table(planned):
    for stage in planned.values():
        assert type(stage.config).__name__ == "".join(part.title() for part in stage.name.split("_")) + "Stage"
        with pytest.raises(dataclasses.FrozenInstanceError):
            stage.config.seed = 9
    saes = [SaeStage.of(stage) for stage in planned.values() if stage.name == "sae"]
    assert {(sae.architecture, sae.width, sae.k) for sae in saes if (sae.kind, sae.depth) == ("latents", 2)} == {
        ("gated", 20, 2)
    }
    assert {sae.stop.loss for sae in saes if sae.kind == "latents" and sae.stop} == {0.25}
    assert {sae.train for sae in saes if sae.kind == "latents"} == {SHORT}


@pytest.mark.parametrize(
    "kind", [HostStage, ActivationsStage, SaeStage, NullsStage, ImagesStage, ReaderStage, InterpretStage, PicturesStage]
)
def test_what_a_stage_was_asked_is_read_back_from_its_manifest(planned, tmp_path, kind):
    """All that a later stage may ask of an earlier one; towers of SAEs and what is measured, nobody asks."""
    for stage in [stage for stage in planned.values() if isinstance(stage.config, kind)]:
        with writing(stage, tmp_path):
            pass
        assert kind.read(stage.folder(tmp_path)) == stage.config


def test_a_folder_of_another_stage_is_refused(planned, tmp_path):
    host = next(stage for stage in planned.values() if stage.name == "host")
    with writing(host, tmp_path):
        pass
    with pytest.raises(StageError, match=rf"{host.key} holds no product of a ReaderStage: config: unknown key"):
        ReaderStage.read(host.folder(tmp_path))
    with pytest.raises(StageError, match=f"stage host/{host.key} has a HostStage, expected SaeStage"):
        SaeStage.of(host)
