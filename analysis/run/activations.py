"""The activation store: what a host has at a hook, memory-mapped from disk, split by example."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from analysis.run.shards import Shards, manifest_file, spacing, unreadable
from sae.errors import StageError

SPLITS = ("train", "held_out")


@dataclass(frozen=True)
class ActivationStore:
    """A folder with, for each split, `<split>.npy` (rows, width), `<split>_ids.npy` and, where examples have labels,
    `<split>_labels.npy`: the class of each row, 0..n_classes-1. In place of `<split>.npy` there may be shards, as
    `analysis.run.capture` writes them of a language model.

    Raises StageError for a file that cannot be read.
    """

    folder: Path
    n_classes: int
    """0 where examples have no labels."""
    most: int = 0
    """At most about so many rows of a split are given, evenly spaced; 0: all."""

    def rows(self, split: str) -> Float[Tensor, "rows width"]:
        """Activations of a split, float32; pages are read from disk as they are touched. Of shards they are in memory;
        raises DataError where they do not fit."""
        if manifest_file(self.folder, split).exists():
            shards = Shards(self.folder, split)
            return shards.rows(spacing(len(shards), self.most))
        return torch.from_numpy(self._some(self._read(f"{split}.npy", mapped=True)))

    def labels(self, split: str) -> Int[Tensor, " rows"] | None:
        """The class of each row; None where examples have no labels."""
        if not self.n_classes:
            return None
        return torch.from_numpy(self._some(self._read(f"{split}_labels.npy")).astype(np.int64))

    def ids(self, split: str) -> Int[Tensor, " rows"]:
        """The example id (row of the data set) of each row."""
        return torch.from_numpy(self._some(self._read(f"{split}_ids.npy")).astype(np.int64))

    def _read(self, name: str, *, mapped: bool = False) -> np.ndarray:
        try:
            found: np.ndarray = np.load(self.folder / name, mmap_mode="c" if mapped else None)
        except (OSError, ValueError, EOFError) as error:
            raise StageError(unreadable(self.folder / name, error)) from error
        return found

    def _some(self, rows: np.ndarray) -> np.ndarray:
        return rows[:: spacing(len(rows), self.most)]

    def save(
        self,
        split: str,
        rows: Float[Tensor, "rows width"],
        labels: Int[Tensor, " rows"] | None,
        ids: Int[Tensor, " rows"],
    ) -> None:
        """Write one split."""
        np.save(self.folder / f"{split}.npy", rows.numpy())
        if labels is not None:
            np.save(self.folder / f"{split}_labels.npy", labels.numpy().astype(np.int64))
        np.save(self.folder / f"{split}_ids.npy", ids.numpy().astype(np.int64))
