"""The names of stages' folders: what is cached stays found when the code that makes a plan is written anew."""

from __future__ import annotations

import hashlib

import pytest

from analysis.plan import chains
from analysis.plan.chains import plan
from analysis.plan.config import Experiment, HostConfig, InterpretConfig, SaeConfig, TowerConfig
from analysis.plan.looks import stages_of
from sae.config import StopConfig, TrainConfig

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
