"""What the stages that look at single latents share: rows of a chain, depth by depth, and tidy tables of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from analysis.plan import edges
from analysis.plan.edges import ACTIVATIONS, HOST, Role
from analysis.plan.stage_configs import ActivationsStage, LookStage
from analysis.run.activations import SPLITS, ActivationStore
from analysis.run.hosts._host import Host
from analysis.run.stages._load import load_host, load_store, load_tower
from sae.tower import Tower

PLACE = {"run": "str", "kind": "str", "depth": "int64", "control": "str", "latent": "int64"}
SCHEMA = {
    "latents": {**PLACE, "split": "str", "measure": "str", "value": "float32"},
    "measures": {
        "run": "str", "kind": "str", "depth": "int64", "split": "str", "control": "str", "measure": "str",
        "version": "int64", "value": "float64", "n": "int64",
    },
    "names": {**PLACE, "name": "str", "named": "bool", "classes": "str", "conditions": "str"},
    "bands": {**PLACE, "band": "int64", "rank": "int64", "example": "int64", "activation": "float32"},
    "histograms": {**PLACE, "bin": "int64", "count": "int64"},
    "relations": {**PLACE, "relation": "str", "rank": "int64", "other": "int64", "value": "float32"},
}  # fmt: skip


@dataclass(frozen=True)
class Level:
    """One depth of a chain: depth 0 (kind `host`) are the neurons."""

    kind: str
    depth: int
    codes: dict[str, torch.Tensor]
    """Activations (rows, latents) of each split, in the SAE's units."""
    unit: float
    """Host units of an activation of 1."""
    directions: torch.Tensor
    """(latents, d_host): host state = offset + codes @ directions."""
    offset: torch.Tensor
    own_directions: torch.Tensor
    """(latents, d_in): directions in the space that the depth reads."""


@dataclass(frozen=True)
class Looked:
    """The chain that is looked at."""

    config: LookStage
    inputs: Mapping[Role, Path]

    @cached_property
    def hook(self) -> str:
        """Where the host's activations are read."""
        return ActivationsStage.read(self.inputs[ACTIVATIONS]).hook

    @cached_property
    def host(self) -> Host:
        """The host, in the state that the chain read."""
        return load_host(self.inputs[HOST])[0]

    @cached_property
    def tower(self) -> Tower:
        """The depths that were trained before the tower stopped."""
        return tower_of(self.config, self.inputs)

    def store(self, split: str) -> ActivationStore:
        """The rows of a split that are looked at."""
        return load_store(self.inputs[ACTIVATIONS], self.config.rows(split))

    def levels(self) -> list[Level]:
        """Neurons, then every depth."""
        rows = {split: self.store(split).rows(split) for split in SPLITS}
        neurons = {split: torch.relu(given) for split, given in rows.items()}
        width = rows["train"].shape[1]
        found = [Level("host", 0, neurons, 1.0, torch.eye(width), torch.zeros(width), torch.eye(width))]
        codes = {split: self.tower.all_codes(given, self.tower.depth) for split, given in rows.items()}
        for depth in range(1, self.tower.depth + 1):
            mapped = self.tower.host_map(depth)
            assert mapped is not None, "only the latents kind is looked at, and it is affine"
            here = {split: codes[split][depth - 1].dense() for split in SPLITS}
            own = self.tower.layers[depth - 1].sae.directions()
            found.append(Level(self.config.kind, depth, here, self.tower.unit(depth), *mapped, own))
        return found

    def singles(self) -> list[Level]:
        """Single SAEs on the host, each as wide and as sparse as a depth of the tower: is it depth, or sparsity?"""
        rows = {split: self.store(split).rows(split) for split in SPLITS}
        found = []
        for depth in range(2, self.tower.depth + 1):
            if (role := edges.single("latents", depth)) not in self.inputs:
                continue
            single = load_tower("latents", [self.inputs[role]])
            codes = {split: single.activations(given, 1) for split, given in rows.items()}
            mapped = single.host_map(1)
            assert mapped is not None, "one layer is affine"
            found.append(Level("direct", depth, codes, single.unit(1), *mapped, single.layers[0].sae.directions()))
        return found


def tower_of(config: LookStage, inputs: Mapping[Role, Path], owner: str = "") -> Tower:
    """The tower whose layers stand among the inputs, of this chain or of another `owner`."""
    roles = [edges.tower(config.kind, depth).of(owner) for depth in range(1, config.depth + 1)]
    return load_tower(config.kind, [inputs[role] for role in roles])


def columns_of(frame: pd.DataFrame) -> dict[str, Any]:
    """A frame's columns by name."""
    return {str(name): values for name, values in frame.items()}


class Rows:
    """Gathers rows of one chain; `write` makes tables of them."""

    def __init__(self, config: LookStage) -> None:
        self.run, self.control = config.run, config.control
        self.parts: dict[str, list[pd.DataFrame]] = {}

    def add(self, table: str, level: Level, columns: dict[str, Any]) -> None:
        """Rows of one depth. `columns` hold arrays of equal length, or scalars."""
        frame = pd.DataFrame(columns)
        place: dict[str, Any] = {"run": self.run, "kind": level.kind, "depth": level.depth, "control": self.control}
        self.parts.setdefault(table, []).append(frame.assign(**{k: v for k, v in place.items() if k not in frame}))

    def values(self, level: Level, columns: dict[str, Any]) -> None:
        """Rows of `latents`, held out: a column a measure, an entry a latent; NaN is left out."""
        wide = pd.DataFrame({name: np.asarray(value, np.float32) for name, value in columns.items()})
        tidy = wide.rename_axis("latent").reset_index().melt("latent", var_name="measure").dropna()
        self.add("latents", level, {**columns_of(tidy), "split": "held_out"})

    def value(self, level: Level, measure: str, value: float, n: int, control: str | None = None) -> None:
        """One row of `measures`, held out."""
        row = {"measure": [measure], "value": float(value), "n": int(n), "split": "held_out", "version": 1}
        self.add("measures", level, {**row, "control": control or self.control})

    def grid(self, table: str, level: Level, latents: Any, names: tuple[str, str], columns: dict[str, Any]) -> None:
        """Rows from matrices (latents, places): `names` of the two indices, then the entries, NaN left out."""
        shape = next(iter(columns.values())).shape
        latent, place = np.indices(shape)
        flat = {name: np.asarray(value).ravel() for name, value in columns.items()}
        frame = pd.DataFrame({names[0]: np.asarray(latents)[latent.ravel()], names[1]: place.ravel(), **flat})
        self.add(table, level, columns_of(frame.dropna()))

    def write(self, work: Path) -> None:
        """One file for each table that has rows or could have."""
        for table, columns in SCHEMA.items():
            empty = pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in columns.items()})
            found = [part for part in self.parts.get(table, []) if len(part)]
            whole = pd.concat(found, ignore_index=True) if found else empty
            whole[[*columns]].astype(columns).to_parquet(work / f"{table}.parquet", index=False)
