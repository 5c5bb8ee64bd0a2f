"""Stage `sae`: train the SAE of one depth on the depth below, and on folds of its rows where rows are few."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import torch

from analysis.stages._load import load_store, load_tower
from sae.checkpoint import save_layer
from sae.config import TrainConfig
from sae.discover import construct
from sae.layer import Layer
from sae.measures.variance_explained import explained
from sae.nulls import pursue
from sae.records import Codes, StepRecord
from sae.rows import width_of
from sae.seeding import derived, stream
from sae.tower import Tower, folds_of, training_rows
from sae.train import train

DEVICE = "STRATA_DEVICE"


def sae(work: Path, config: dict[str, Any], inputs: dict[str, Path]) -> dict[str, Any]:
    """Writes `layer.safetensors` and, for folds, `folds.json`; notes the training record."""
    below = [inputs[f"layer_{d}"] for d in range(1, config["depth"])]
    tower = load_tower(config["kind"], below) if below else Tower("latents", ())
    rows = training_rows(tower, load_store(inputs["activations"]).rows("train"))
    records: list[StepRecord] = []
    times: list[float] = []

    def observe(record: StepRecord) -> None:
        records.append(record)
        times.append(time.perf_counter())

    layer = train_layer(config, rows, observe)
    # from the first step's end on: before it, a compiled step may have to be compiled
    steps = records[-1].steps
    seconds = (times[-1] - times[0]) * steps / max(1, steps - 1)
    save_layer(layer, work / "layer.safetensors")
    if config["folds"] and isinstance(rows, torch.Tensor):
        (work / "folds.json").write_text(json.dumps({**held_out_by_folds(config, rows), "folds": config["folds"]}))
    return {
        "curve": [[record.step, record.loss, record.dead_share, record.l0] for record in records],
        "gamma": layer.normaliser.gamma,
        "scale": layer.normaliser.scale,
        "rows": len(rows),
        "seconds": seconds,
        "path": records[-1].path,
        "recall": records[-1].recall,
    }


def train_layer(
    config: dict[str, Any], rows: torch.Tensor | Codes, observe: Any = lambda record: None, fold: int = 0
) -> Layer:
    """The SAE that a stage config describes, trained on `rows`; `fold` 0 is all rows.

    Where it trains is not part of the config: the environment variable STRATA_DEVICE says it (cpu, cuda, mps).
    """
    options = {"k": config["k"], **config["options"]}
    model = construct("sae.architectures", config["architecture"], width_of(rows), config["width"], **options)
    # not the control's name: SAEs on the trained and on the random host start alike, so that they can be compared
    seed = derived(config["seed"], config["kind"] or "host", config["depth"], config["width"], config["k"], fold)
    return train(
        config["architecture"],
        model,
        rows,
        TrainConfig(**config["train"]),
        seed,
        observe,
        device=os.environ.get(DEVICE, "cpu"),
    )


def held_out_by_folds(config: dict[str, Any], rows: torch.Tensor) -> dict[str, float]:
    """Variance explained of rows by SAEs that were trained on the other folds; sums over folds, one division.

    `variance_explained` with the SAE's own codes, `variance_explained_refit` with codes fitted to its directions by
    matching pursuit. With M latents for N rows, storing M rows verbatim explains M/N of pure noise in-sample;
    held-out rows cannot be stored.
    """
    given, own, refit = [], [], []
    pairs = folds_of(rows, config["folds"], stream(config["seed"], "folds"))
    for fold, (kept, held) in enumerate(pairs, 1):
        layer = train_layer(config, kept, fold=fold)
        mean = kept.mean(0)
        given.append(held)
        own.append(layer.decode(layer.encode(held)))
        refit.append(pursue(held - mean, layer.sae.directions(), config["k"]) + mean)
    x = torch.cat(given)
    return {
        "variance_explained": explained(x, torch.cat(own)),
        "variance_explained_refit": explained(x, torch.cat(refit)),
    }
