"""Floors of a depth as rows of the tables: those that need no training, and those that the stage `nulls` trained."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import normalize

from analysis.plan.config import KINDS
from analysis.run.stages._load import read_json
from analysis.run.stages._tables import Tables
from sae.floors import DICTIONARIES, Floor, RowErrors, memorising, unlearned
from sae.seeding import stream
from sae.tower import Tower


@dataclass(frozen=True)
class Place:
    """Where in the tables an SAE's numbers go (`kind`, `depth`), and where it stands in its tower (`level`)."""

    kind: str
    depth: int
    tower: Tower
    level: int


def floors(
    tables: Tables, place: Place, split: str, pairs: list[tuple[torch.Tensor, torch.Tensor]], k: int, seed: int,
    refit: RowErrors | None = None,
) -> None:  # fmt: skip
    """Unlearned dictionaries and PCA at the depth's own L0, and the memorising bound. Only on the trained host's rows.

    SAEs that are there to be compared read the same rows at the same k as depth 1, whose floors are theirs.

    `pairs` are (rows to fit on, rows to score): one pair, or one a fold, so that no floor sees what it is scored on.
    With `refit`, the errors of the SAE's own directions on the same rows, also how sure the lead is over examples.
    """
    if tables.control != "none" or place.kind not in (*KINDS, "direct"):
        return
    kind, depth, n_latents = place.kind, place.depth, place.tower.layers[place.level - 1].sae.n_latents
    found = unlearned(
        pairs, split, n_latents, k, stream(seed, "random dictionary", kind, depth), keep=refit is not None
    )
    for floor in found:
        if refit is not None and floor.rows is not None:
            tables.value(kind, depth, split, floor.name, "lead_error", refit.standard_error(floor.rows), floor.n)
    if split == "train":
        found.append(memorising(n_latents, len(pairs[0][0])))
    for floor in found:
        record(tables, kind, depth, floor)


def trained_nulls(tables: Tables, kind: str, depth: int, folder: Path) -> None:
    """What the stage `nulls` found for a depth, as rows of the tables."""
    for row in read_json(folder / "nulls.json"):
        record(tables, kind, depth, floor_of(row))


def tower_nulls(tables: Tables, folder: Path, reached: dict[str, int]) -> None:
    """What the stage `null_tower` found, as far as the real towers of each kind reach."""
    for row in read_json(folder / "nulls.json"):
        kind, depth = row["kind"], row["depth"]
        if depth <= reached[kind]:
            record(tables, kind, depth, floor_of(row))


def record(tables: Tables, kind: str, depth: int, floor: Floor) -> None:
    """One row of the tables: a floor goes by its name as a control."""
    tables.value(kind, depth, floor.split, floor.name, floor.measure, floor.value, floor.n)
    if floor.split == "held_out" and not math.isnan(floor.error) and floor.name not in DICTIONARIES:
        tables.value(kind, depth, floor.split, floor.name, "explained_error", floor.error, floor.n)


def as_row(floor: Floor) -> dict[str, Any]:
    """A floor as JSON, its parts named as in the tables."""
    return {
        "control": floor.name, "split": floor.split, "measure": floor.measure, "value": floor.value, "n": floor.n,
        "error": None if math.isnan(floor.error) else floor.error,
    }  # fmt: skip


def floor_of(row: dict[str, Any]) -> Floor:
    """The floor that `as_row` wrote."""
    error = math.nan if row["error"] is None else row["error"]
    return Floor(row["control"], row["split"], row["measure"], row["value"], row["n"], error=error)


def against_small(tables: Tables, depth: int, tower: Tower, small: Tower, seed: int) -> None:
    """Are meta-latents the latents of a smaller SAE? Mean largest cosine, both ways (Leask et al., arXiv 2502.04878).

    `cosine_to_small`: of each meta-latent of `depth` to the directions of an SAE on the host that has as many latents;
    `cosine_from_small`: of each of those to the meta-latents. Controls: unlearned dictionaries, made of the
    directions that the meta-SAE read, in its place.
    """
    read = tower.layers[depth - 2].sae.directions()
    ours, theirs = tower.layers[depth - 1].sae.directions(), small.layers[0].sae.directions()
    draw = stream(seed, "against small", depth)
    made = {
        control: make(read - read.mean(0), len(ours), draw)
        for control, make in DICTIONARIES.items()
        if tables.control == "none"
    }
    for control, directions in {tables.control: ours, **made}.items():
        cosine = normalize(directions, dim=1) @ normalize(theirs, dim=1).T
        for name, best in (("cosine_to_small", cosine.max(1)), ("cosine_from_small", cosine.max(0))):
            tables.value("directions", depth, "train", control, name, float(best.values.mean()), len(best.values))
