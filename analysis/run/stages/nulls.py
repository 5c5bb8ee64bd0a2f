"""Stage `nulls`: what a depth is worth beside SAEs that were trained just as it was, where there was nothing to learn.

What is trained, and on what, stands in `sae.floors`, for depths that read codes also in `sae.code_floors`. And once
more from another seed, to see which latents come again. Directions are few, so there all but the last is scored by
folds.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from analysis.plan import edges
from analysis.plan.edges import ACTIVATIONS, Role
from analysis.plan.stage_configs import NullsStage, SaeStage
from analysis.run.activations import ActivationStore
from analysis.run.stages._floors import as_row
from analysis.run.stages._load import STOPPED, load_store, load_tower
from analysis.run.stages.sae import train_layer
from sae.code_floors import Below, code_nulls
from sae.floors import Floor, RowErrors, Rows, found_again, row_errors, trained, trained_by_folds
from sae.nulls import parts
from sae.records import Codes
from sae.seeding import derived, stream
from sae.tower import Tower, folds_of, training_rows


def nulls(work: Path, config: NullsStage, inputs: Mapping[Role, Path]) -> dict[str, Any]:
    """Writes `nulls.json`: a list of control, split, measure, value, n. Empty where the tower has stopped."""
    folders = [inputs[edges.layer(d)] for d in range(1, config.depth + 1)]
    found: list[Floor] = []
    if not (folders[-1] / STOPPED).exists():
        whole = load_tower(config.kind or "latents", folders)
        below, layer = Tower(whole.kind, whole.layers[:-1]), whole.layers[-1]
        store, seed = load_store(inputs[ACTIVATIONS]), config.seed
        train = rows_read(below, store.rows("train"))
        trainer = partial(train_layer, config)
        draw = stream(seed, "null rows", config.kind or "host", config.depth)
        if config.folds:
            assert isinstance(train, torch.Tensor)
            found = trained_by_folds(
                trainer, train, lambda rows: folds_of(rows, config.folds, stream(seed, "folds")), draw
            )
        else:
            held = rows_read(below, store.rows("held_out"))
            found = _beside(row_errors(layer, held), trained(trainer, train, held, draw, keep=True))
            if isinstance(train, Codes) and isinstance(held, Codes):
                under = below_of(SaeStage.read(inputs[edges.layer(config.depth - 1)]), below, store)
                found += code_nulls(trainer, under, train, held, stream(seed, "null codes", config.depth), keep=True)
        twin = train_layer(replace(config, seed=derived(seed, "twin")), train)
        found += found_again(layer, twin, train, stream(seed, "random twin", config.kind or "host", config.depth))
    (work / "nulls.json").write_text(json.dumps([as_row(floor) for floor in found]))
    return {}


def _beside(own: RowErrors, found: list[Floor]) -> list[Floor]:
    """Of the trained floors those that count here. The frozen decoder was scored on the very rows that the SAE was, so
    that how sure the lead over it is comes from both together."""
    kept = []
    for floor in found:
        if floor.name != "frozen_decoder":
            kept.append(floor)
        elif floor.split == "held_out" and floor.rows is not None:
            error = Floor(floor.name, floor.split, "lead_error", own.standard_error(floor.rows), floor.n)
            kept += [replace(floor, error=math.nan), error]
    return kept


def below_of(config: SaeStage, tower: Tower, store: ActivationStore) -> Below:
    """The last layer of a tower, with what it read, and how one like it is trained."""
    read = Tower(tower.kind, tower.layers[:-1])
    return Below(
        tower.layers[-1],
        partial(train_layer, replace(config, seed=derived(config.seed, "relearned"))),
        rows_read(read, store.rows("train")),
        rows_read(read, store.rows("held_out")),
    )


def rows_read(below: Tower, host: torch.Tensor) -> Rows:
    """`training_rows`, part by part where host rows are many.

    In several parts an SAE's codes may have other last digits than at once: products of matrices add up by size.
    """
    widest = max((layer.sae.n_latents for layer in below.layers), default=0)
    pieces = parts(host, widest)
    if len(pieces) == 1 or not below.layers or below.kind != "latents":
        return training_rows(below, host)
    found = [training_rows(below, host[part]) for part in pieces]
    return Codes.joined([piece for piece in found if isinstance(piece, Codes)])
