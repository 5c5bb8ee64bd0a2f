"""Stage `sae`: train the SAE of one depth on the depth below, and on folds of its rows where rows are few."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from analysis.stages._load import load_store, load_tower
from sae.checkpoint import save_layer
from sae.config import TrainConfig
from sae.discover import construct
from sae.evaluate import Seen, evaluate
from sae.layer import Layer
from sae.seeding import stream
from sae.tower import Tower, folds_of, training_rows
from sae.train import train


def sae(work: Path, config: dict[str, Any], inputs: dict[str, Path]) -> dict[str, Any]:
    """Writes `layer.safetensors` and, for folds, `folds.json`; notes the training record."""
    below = [inputs[f"layer_{d}"] for d in range(1, config["depth"])]
    tower = load_tower(config["kind"], below) if below else Tower("latents", ())
    rows = training_rows(tower, load_store(inputs["activations"]).rows("train"))
    curve: list[list[float]] = []
    layer = train_layer(config, rows, lambda record: curve.append([record.step, record.loss, record.dead_share]))
    save_layer(layer, work / "layer.safetensors")
    if config["folds"]:
        value = held_out_by_folds(config, rows)
        (work / "folds.json").write_text(json.dumps({"variance_explained": value, "folds": config["folds"]}))
    return {"curve": curve, "gamma": layer.normaliser.gamma, "scale": layer.normaliser.scale}


def train_layer(config: dict[str, Any], rows: torch.Tensor, observe: Any = lambda record: None) -> Layer:
    """The SAE that a stage config describes, trained on `rows`."""
    options = {"k": config["k"], **config["options"]}
    model = construct("sae.architectures", config["architecture"], rows.shape[1], config["width"], **options)
    seed = config["seed"] * 1000 + config["depth"]
    return train(config["architecture"], model, rows, TrainConfig(**config["train"]), seed, observe)


def held_out_by_folds(config: dict[str, Any], rows: torch.Tensor) -> float:
    """Variance explained of rows by SAEs that were trained on the other folds; sums over folds, one division.

    With M latents for N rows, storing M rows verbatim explains M/N of pure noise in-sample; held-out rows cannot be
    stored.
    """
    given, back = [], []
    for kept, held in folds_of(rows, config["folds"], stream(config["seed"], "folds")):
        layer = train_layer(config, kept)
        codes = layer.encode(held)
        given.append(held)
        back.append(layer.decode(codes))
    seen = Seen(codes=codes, x=torch.cat(given), x_hat=torch.cat(back))
    return evaluate([seen], "input", ("variance_explained",))["variance_explained"].value
