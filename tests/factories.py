"""A whole project in a folder of its own (the real pages, the real digits, a tiny experiment), and tables by hand."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pandas as pd

from analysis.plan.config import HostConfig, RunConfig, SaeConfig, TowerConfig
from analysis.plan.paths import Paths
from analysis.plan.stage_folders import MANIFEST, write_manifest
from analysis.results.tables import LOOKED, TABLES, Results
from sae.discover import names

CHECKOUT = Path(__file__).resolve().parent.parent

# Four depths, as the pages ask for; everything else as small as it goes.
TINY_SITE = """
title = "A tiny experiment"
seeds = [0, 1]

[interpret]
kind = "latents"
train_rows = 600
held_out_rows = 400
permutations = 39
steps = 8
reader = { steps = 20 }

[host]
hook = "hidden1"
options = { hidden1 = 48, hidden2 = 24, epochs = 2 }

[sae]
width = 64
k = 16
train = { steps = 40, batch = 64 }

[[towers]]
kind = "latents"
direct = true
k = "halving"
train = { steps = 40, batch = 64 }

[[towers]]
kind = "directions"
width = "halving"
k = [4, 4, 4]
folds = 2
train = { steps = 15, batch = 64 }
""" + "".join(
    f'[[compare]]\narchitecture = "{name}"\nwidth = 64\ntrain = {{ steps = 20, batch = 64 }}\n'
    for name in names("sae.architectures")
    if name != "topk"
)


# What the site's notebooks are in a test: a kernel each, and hardly any work.
TINY_NOTEBOOK = """# %% [markdown]
# # A tiny notebook
# With some text.

# %%
print(6 * 7)
"""


def site_project(root: Path) -> Paths:
    """A copy of everything that a site is made from, without results."""
    root.mkdir(parents=True)
    for name in ("_quarto.yml", "index.qmd", "404.qmd"):
        shutil.copy(CHECKOUT / name, root)
    skip = shutil.ignore_patterns("_generated", "generated", "__pycache__")
    for name in ("report", "_extensions", "data/digits", "data/logs", "data/results"):
        shutil.copytree(CHECKOUT / name, root / name, ignore=skip)
    for script in (root / "report" / "notebooks").glob("*.py"):
        script.write_text(TINY_NOTEBOOK)
    (root / "data" / "experiments").mkdir()
    (root / "data" / "experiments" / "digits.toml").write_text(TINY_SITE)
    return Paths(root.resolve())


def write_results(folder: Path, experiment: str, runs: dict[str, tuple[str, int, float]]) -> Results:
    """Tables made by hand: for each run its variant, its seed, and the value of every one of its numbers."""
    folder.mkdir(parents=True)
    config = RunConfig(
        dataset="digits", host=HostConfig(), sae=SaeConfig(), towers=(TowerConfig(kind="latents"),), seed=0
    )
    tables: dict[str, list[dict[str, object]]] = {name: [] for name in (*TABLES, *LOOKED)}
    for run, (variant, seed, value) in runs.items():
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
    for name, rows in tables.items():
        pd.DataFrame(rows).to_parquet(folder / f"{name}.parquet", index=False)
    write_manifest(
        folder / MANIFEST, {"experiment": experiment, "title": experiment, "runs": sorted(runs), "stages": {}}
    )
    return Results(folder)
