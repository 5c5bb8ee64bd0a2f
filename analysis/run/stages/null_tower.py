"""Stage `null_tower`: the whole tower once more, on host rows that keep nothing but their mean and covariance, and on
rows that keep nothing but what each coordinate is by itself.

Nulls of single depths destroy structure in what a depth reads, and with it what the SAE below has put there: k active
latents a row, latents that share a row because they compete for it. A depth can catch that on pure noise. The floor
that has it too is a depth of a tower that stands on noise.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from analysis.plan.edges import ACTIVATIONS, Role
from analysis.plan.stage_configs import NullTowerStage, SaeStage
from analysis.run.stages._floors import as_row
from analysis.run.stages._load import load_store
from analysis.run.stages.nulls import rows_read
from analysis.run.stages.sae import held_out_by_folds, stop_before, train_layer
from sae.config import TowerKind
from sae.floors import Floor, scored
from sae.layer import Layer
from sae.nulls import gaussian_rows, permuted_coordinates
from sae.records import Codes, StepRecord
from sae.seeding import stream
from sae.tower import Tower

EXPLAINED = "variance_explained"
GAUSSIAN, PERMUTED = "gaussian_tower", "permuted_tower"


def null_tower(work: Path, config: NullTowerStage, inputs: Mapping[Role, Path]) -> dict[str, Any]:
    """Writes `nulls.json`: a list of kind, depth, control, split, measure, value, n."""
    store = load_store(inputs[ACTIVATIONS])
    rows, held = store.rows("train"), store.rows("held_out")
    drawn = gaussian_rows(rows, len(rows) + len(held), stream(config.seed, "null tower"))
    stands_on = {GAUSSIAN: (drawn[: len(rows)], drawn[len(rows) :])}
    if any(len(layers) > 1 for layers in config.towers.values()):  # depth 1 on shuffled rows is `permuted_null`
        draw = stream(config.seed, "permuted tower")
        stands_on[PERMUTED] = (permuted_coordinates(rows, draw), permuted_coordinates(held, draw))
    found: list[dict[str, Any]] = []
    for control, (train, score) in stands_on.items():
        first: tuple[Layer, float] | None = None
        for kind, layers in config.towers.items():
            first = first or trained(layers[0], train)
            for layer, floor in zip(layers, worths(control, kind, layers, first, train, score), strict=True):
                if (control, layer.depth) != (PERMUTED, 1):
                    found.append({"kind": kind, "depth": layer.depth, **as_row(floor)})
    (work / "nulls.json").write_text(json.dumps(found))
    return {}


def worths(
    control: str, kind: TowerKind, layers: Sequence[SaeStage], first: tuple[Layer, float], train: torch.Tensor,
    held: torch.Tensor,
) -> list[Floor]:  # fmt: skip
    """Held-out variance explained at every depth, with the SAE's own codes.

    From where the noise tower stops by itself it is 0; or 1 if it stops because nothing is left to explain.
    """
    found: list[Floor] = []
    tower, loss, stopped, floor = Tower(kind, ()), first[1], False, Floor(control, "held_out", EXPLAINED, 0.0, 0)
    for config in layers:
        rows = rows_read(tower, train) if not stopped else train
        if tower.layers and not stopped:
            stop = stop_before(config, tower, train, rows, loss)
            stopped = stop is not None
            floor = replace(floor, value=float(stop is not None and stop.reason == "loss"), error=0.0)
        if not stopped:
            layer, loss = first if not tower.layers else trained(config, rows)
            if config.folds:
                assert isinstance(rows, torch.Tensor)
                worth = held_out_by_folds(config, rows).variance_explained
                floor = Floor(control, "held_out", EXPLAINED, worth, len(rows))
            else:
                floor = scored(control, "held_out", layer, rows_read(tower, held), keep=True)
            tower = Tower(kind, (*tower.layers, layer))
        found.append(replace(floor, n=len(rows)))
    return found


def trained(config: SaeStage, rows: torch.Tensor | Codes) -> tuple[Layer, float]:
    """An SAE and its last reconstruction error."""
    records: list[StepRecord] = []
    layer = train_layer(config, rows, records.append)
    return layer, records[-1].terms.get("reconstruction", records[-1].loss)
