"""Rows of the tidy tables, gathered while a run is measured. The schema stands in `analysis.results.tables`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch

from sae.evaluate import Reading, Seen, versions

KEY = {"run": "str", "kind": "str", "depth": "int64", "split": "str", "control": "str"}
LATENTS = {**KEY, "latent": "int64", "measure": "str", "value": "float32"}
EXAMPLES = {**KEY, "latent": "int64", "rank": "int64", "example": "int64", "activation": "float32"}
LINKS = {
    "run": "str",
    "kind": "str",
    "depth": "int64",
    "control": "str",
    "latent": "int64",
    "below": "int64",
    "weight": "float32",
}
STOPS = {
    "run": "str", "kind": "str", "control": "str", "depth": "int64",
    "reason": "str", "value": "float64", "limit": "float64", "sentence": "str",
}  # fmt: skip


class Tables:
    """Gathers rows of one run under one control; `frames` gives them as tables."""

    def __init__(self, run: str, control: str) -> None:
        self.run, self.control = run, control
        self.versions = versions()
        self.measures: list[dict[str, object]] = []
        self.latents: list[pd.DataFrame] = []
        self.examples: list[pd.DataFrame] = []
        self.stops: list[dict[str, object]] = []
        self.links: list[pd.DataFrame] = []

    def value(self, kind: str, depth: int, split: str, control: str, measure: str, value: float, n: int) -> None:
        """One row of `measures`."""
        self.measures.append(
            {
                "run": self.run, "kind": kind, "depth": depth, "split": split, "control": control,
                "measure": measure, "version": self.versions.get(measure, 1), "value": value, "n": n,
            }
        )  # fmt: skip

    def add(self, kind: str, depth: int, split: str, readings: dict[str, Reading], control: str | None = None) -> None:
        """One row of `measures` for each reading."""
        for name, reading in readings.items():
            self.value(kind, depth, split, control or self.control, name, reading.value, reading.n)

    def latent_values(self, kind: str, depth: int, split: str, readings: dict[str, Reading], seen: Seen) -> None:
        """Rows of `latents`: every per-latent reading and, where there are labels, the chosen class and the mass
        share of each."""
        columns = {name: r.latents for name, r in readings.items() if r.latents is not None}
        if seen.labels is not None:
            mass = seen.by_class.mass
            shares = mass / mass.sum(1, keepdim=True)
            columns |= {f"class_share_{c}": shares[:, c] for c in range(shares.shape[1])}
        if seen.chosen is not None:
            columns["chosen_class"] = torch.where(seen.chosen >= 0, seen.chosen.double(), torch.nan)
        wide = pd.DataFrame({name: value.numpy().astype(np.float32) for name, value in columns.items()})
        tidy = wide.rename_axis("latent").reset_index().melt("latent", var_name="measure").dropna()
        self.latents.append(self._key(tidy, kind, depth, split))

    def top_examples(self, kind: str, depth: int, seen: Seen, ids: torch.Tensor, count: int) -> None:
        """Rows of `examples`: for each latent the examples that drive it most, strongest first."""
        dense = seen.dense * seen.unit
        values, rows = dense.topk(min(count, len(dense)), dim=0)
        rank, latent = np.indices(values.shape)
        tidy = pd.DataFrame(
            {
                "latent": latent.ravel(),
                "rank": rank.ravel(),
                "example": ids[rows].numpy().ravel(),
                "activation": values.numpy().ravel(),
            }
        )
        tidy = tidy[tidy["activation"] > 0].sort_values(["latent", "rank"])
        self.examples.append(self._key(tidy, kind, depth, "held_out"))

    def same(self, kind: str, depth: int, other: str) -> None:
        """Everything that is known of a depth once more, for a tower of the `other` kind that shares it."""
        shared = [row for row in self.measures if (row["kind"], row["depth"]) == (kind, depth)]
        self.measures += [{**row, "kind": other} for row in shared]
        for tables in (self.latents, self.examples):
            found = [table[(table["kind"] == kind) & (table["depth"] == depth)] for table in tables]
            tables += [table.assign(kind=other) for table in found if len(table)]

    def link(self, kind: str, depth: int, weights: torch.Tensor, most: int) -> None:
        """Rows of `links`: for each latent of a depth the `most` latents below that it is made of, by weight.

        `weights` is (latents, latents below); only what is above 0 counts.
        """
        values, below = weights.topk(min(most, weights.shape[1]), dim=1)
        latent = torch.arange(len(weights))[:, None].expand_as(below)
        tidy = pd.DataFrame(
            {
                "run": self.run, "kind": kind, "depth": depth, "control": self.control,
                "latent": latent.numpy().ravel(), "below": below.numpy().ravel(), "weight": values.numpy().ravel(),
            }
        )  # fmt: skip
        self.links.append(tidy[tidy["weight"] > 0])

    def stop(self, kind: str, stopped: dict[str, object]) -> None:
        """One row of `stops`: why a tower ends before the depth that was planned."""
        self.stops.append({"run": self.run, "kind": kind, "control": self.control, **stopped})

    def frames(self) -> dict[str, pd.DataFrame]:
        """The tables, by name."""
        return {
            "measures": pd.DataFrame(self.measures),
            "latents": pd.concat([_empty(LATENTS), *self.latents], ignore_index=True),
            "examples": pd.concat([_empty(EXAMPLES), *self.examples], ignore_index=True),
            "links": pd.concat([_empty(LINKS), *self.links], ignore_index=True),
            "stops": pd.concat([_empty(STOPS), pd.DataFrame(self.stops)], ignore_index=True)[[*STOPS]],
        }

    def _key(self, tidy: pd.DataFrame, kind: str, depth: int, split: str) -> pd.DataFrame:
        """`tidy` with the key columns in front; an empty table (a dead depth) keeps them and their types."""
        key: dict[str, Any] = {"run": self.run, "kind": kind, "depth": depth, "split": split, "control": self.control}
        keyed = tidy.reset_index(drop=True).assign(**key)
        keyed["depth"] = keyed["depth"].astype("int64")
        return keyed.astype(dict.fromkeys(("run", "kind", "split", "control"), "str"))[[*key, *tidy.columns]]


def _empty(columns: dict[str, str]) -> pd.DataFrame:
    """A table without rows that still has its columns and their types."""
    return pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in columns.items()})
