"""A whole project in a folder of its own (the real pages, the real digits, a tiny experiment), and tables by hand."""

from __future__ import annotations

import dataclasses
import importlib.util
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd

from analysis.plan.config import HostConfig, RunConfig, SaeConfig, TowerConfig
from analysis.plan.paths import Paths
from analysis.plan.stage_folders import MANIFEST, read_manifest, seal, write_manifest
from analysis.results.tables import LOOKED, TABLES, Results

CHECKOUT = Path(__file__).resolve().parent.parent

# Four depths of latents, as the pages ask for; everything else as small as it goes.
TINY_TOWERS = """
title = "A tiny experiment"
dataset = "few_digits"
seeds = [0, 1]

[interpret]
kind = "latents"
train_rows = 400
held_out_rows = 150
permutations = 19
steps = 2
reader = { steps = 10 }

[host]
hook = "hidden1"
options = { hidden1 = 24, hidden2 = 16, epochs = 5 }

[sae]
width = 32
k = 8
train = { steps = 8, batch = 64 }

[[towers]]
kind = "latents"
direct = true
k = "halving"
train = { steps = 8, batch = 64 }
"""
# What the pages of this repository ask for besides.
TINY_SITE = (
    TINY_TOWERS
    + """
[[towers]]
kind = "directions"
depth = 2
width = "halving"
k = [2]
folds = 2
train = { steps = 8, batch = 64 }
"""
    + "".join(
        f'[[compare]]\narchitecture = "{name}"\nwidth = 32\nk = 8\ntrain = {{ steps = 10, batch = 64 }}\n'
        for name in ("batch_topk", "gated", "joint_topk", "matryoshka", "relu_l1")  # those that the pages speak of
    )
)


# A data set of a project's own: every fifth of the digits, with which everything takes a fraction of the time. For a
# whole site, of which no page asks how good anything is, a tenth.
EVERY, EVERY_OF_SITE = 5, 10
FEW_DIGITS = '''"""A part of the digits."""

from analysis.run.datasets._dataset import Dataset
from analysis.run.datasets.digits import digits


def few_digits() -> Dataset:
    whole = digits()
    parts = [part[::EVERY] for part in (whole.images, whole.labels, whole.held_out)]
    return Dataset("few_digits", *parts, whole.class_names)
'''


def add_few_digits(root: Path, every: int = EVERY) -> None:
    """The data set `few_digits` for the project in `root`: of a fifth of the digits 1,607 rows to train on, 393 held
    out, of a tenth 798 and 202."""
    (root / "plugins" / "datasets").mkdir(parents=True)
    (root / "plugins" / "datasets" / "few_digits.py").write_text(FEW_DIGITS.replace("EVERY", str(every)))


def renumber(folder: Path) -> None:
    """Have tracked tables of the digits name images of `few_digits`, which the page that shows both asks for."""
    manifest, table = read_manifest(folder), folder / "examples.parquet"
    with np.load(CHECKOUT / "data" / "digits" / "digits.npz") as file:
        there = np.flatnonzero(file["held_out"][::EVERY_OF_SITE])
    examples = pd.read_parquet(table)
    examples.assign(example=there[examples["example"] % len(there)]).to_parquet(table, index=False)
    seal(folder, manifest)


# What the notebook of the slider keeps: a latent that makes threes of both digits, and a direction that does not.
KEPT_STEERING = {
    "target": 3, "classes": [str(digit) for digit in range(10)], "latent": 7, "own": 0.4, "randoms": 5,
    "strengths": [0.0, 0.5, 1.0], "labels": [0, 8], "pixels": [[[0, 255], [128, 0]], [[255, 0], [0, 128]]],
    "along": {
        "latent": [[[(900, 300, 50)[step] if at == label else (100, 700, 950)[step] if at == 3 else 0
                     for at in range(10)] for step in range(3)] for label in (0, 8)],
        "random": [[[(900, 800, 700)[step] if at == label else (100, 200, 300)[step] if at == 3 else 0
                     for at in range(10)] for step in range(3)] for label in (0, 8)],
    },
}  # fmt: skip
# What the site's notebooks are in a test: one text, which is executed once, and hardly any work.
TINY_NOTEBOOK = f"""# %% [markdown]
# # A tiny notebook
# With some text.

# %%
print(6 * 7)

# %% keep="steering"
import json

print(json.dumps({KEPT_STEERING}))
"""


@contextmanager
def kept_script(file: Path) -> Iterator[ModuleType]:
    """A script that stands beside its data, as a module; not run, and gone again afterwards."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module  # where its dataclasses look for their own names
    try:
        spec.loader.exec_module(module)
        yield module
    finally:
        del sys.modules[file.stem]


def site_project(root: Path) -> Paths:
    """A copy of everything that a site is made from, without results."""
    root.mkdir(parents=True)
    for name in ("_quarto.yml", "index.qmd", "404.qmd"):
        shutil.copy(CHECKOUT / name, root)
    skip = shutil.ignore_patterns("_generated", "generated", "__pycache__")
    for name in (
        "report",
        "_extensions",
        "data/benchmarks",
        "data/digits",
        "data/language",
        "data/logs",
        "data/results",
    ):
        shutil.copytree(CHECKOUT / name, root / name, ignore=skip)
    shutil.copy(CHECKOUT / "data/cost.json", root / "data")
    for script in (root / "report" / "notebooks").glob("*.py"):
        script.write_text(TINY_NOTEBOOK)
    add_few_digits(root, EVERY_OF_SITE)
    renumber(root / "data" / "results" / "towers")
    (root / "data" / "experiments").mkdir()
    (root / "data" / "experiments" / "digits.toml").write_text(TINY_SITE)
    return Paths(root.resolve())


def write_results(folder: Path, experiment: str, runs: dict[str, tuple[str, int, float]]) -> Results:
    """Tables made by hand: for each run its variant, its seed, and the value of every one of its numbers."""
    folder.mkdir(parents=True)
    for name, content in _tables(experiment, tuple(runs.items())).items():
        (folder / name).write_bytes(content)
    write_manifest(
        folder / MANIFEST, {"experiment": experiment, "title": experiment, "runs": sorted(runs), "stages": {}}
    )
    return Results(folder)


@cache
def _tables(experiment: str, runs: tuple[tuple[str, tuple[str, int, float]], ...]) -> dict[str, bytes]:
    """The files of the tables, made once: most tests ask for the same."""
    config = RunConfig(
        dataset="digits", host=HostConfig(), sae=SaeConfig(), towers=(TowerConfig(kind="latents"),), seed=0
    )
    tables: dict[str, list[dict[str, object]]] = {name: [] for name in (*TABLES, *LOOKED)}
    for run, (variant, seed, value) in runs:
        own = dataclasses.replace(config, variant=variant, seed=seed)
        place = {"run": run, "kind": "latents", "depth": 1, "control": "none"}
        at = {**place, "split": "held_out"}
        tables["runs"].append(
            {
                "run": run, "experiment": experiment, "variant": variant, "seed": seed, "dataset": "digits",
                "host": "mlp", "hook": "hidden1", "control": "none", "config": own.canonical(), "date": "2026-11-22",
                "machine": "here", "commit": "abc", "seconds": 1.0, "measures": f"key of {run}",
            }
        )  # fmt: skip
        tables["training"].append(
            {
                **place,
                "architecture": "topk",
                "width": 8,
                "k": 2,
                "steps": 1,
                "rows": 9,
                "seconds": value,
                "path": "torch",
            }
        )
        tables["measures"].append({**at, "measure": "selectivity", "version": 1, "value": value, "n": 9})
        tables["latents"].append({**at, "latent": 0, "measure": "firing_rate", "value": value})
        tables["examples"].append({**at, "latent": 0, "rank": 0, "example": 5, "activation": value})
        tables["links"].append({**place, "depth": 2, "latent": 0, "below": 3, "weight": value})
        tables["stops"].append(
            {**place, "depth": 3, "reason": "loss", "value": value, "limit": 1.0, "sentence": "Stop."}
        )
        own = {**place, "latent": 0}
        tables["names"].append({**own, "name": "7s", "named": True, "classes": "7", "conditions": "[]"})
        tables["bands"].append({**own, "band": 0, "rank": 0, "example": 5, "activation": value})
        tables["histograms"].append({**own, "bin": 0, "count": 1})
        tables["relations"].append({**own, "relation": "nearest", "rank": 0, "other": 1, "value": value})
    return {f"{name}.parquet": pd.DataFrame(rows).to_parquet(index=False) for name, rows in tables.items()}


RUNS = {
    "r0": ("as published, penalty 0.1", 0, 0.1),
    "r1": ("as published, penalty 0.1", 1, 0.3),
    "s0": ("TopK", 0, 0.8),
}
"""Runs of the experiment `grid` of `some_results`: variant, seed and value of each."""


def some_results(root: Path) -> Paths:
    """A project with results of `grid` run here, `towers` tracked, `both` in both places."""
    paths = Paths(root)
    write_results(paths.collected / "grid", "grid", RUNS)
    write_results(paths.tracked / "towers", "towers", {"t0": ("", 0, 0.5)})
    write_results(paths.tracked / "both", "both", {"old": ("", 0, 0.2)})
    write_results(paths.collected / "both", "both", {"new": ("", 0, 0.4)})
    write_results(paths.collected / "digits", "digits", {"d0": ("", 0, 0.7)})
    return paths
