"""Activations as shards of half precision with a scale: what `capture` writes of one split, read as float32.

A folder holds `SPLIT.json`, the manifest, `SPLIT_ids.npy`, the example id of every row, and `SPLIT-00000.npy`, ...,
float16 (rows, width): the activations divided by `scale`. All are there whole, or the manifest is not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from jaxtyping import Float
from torch import Tensor

from sae.errors import ConfigError, DataError, StageError
from sae.seeding import stream
from sae.temporary import check_readable

# Rows that are read from disk together when they are shuffled: half a megabyte at a width of 576.
PIECE = 512
GB = 1e9
# What rows may take of the memory that is free.
MOST_OF_FREE = 0.9


def spacing(rows: int, most: int) -> int:
    """Every how-manieth of `rows` is taken, so that about `most` are; 0: all."""
    return max(1, rows // most) if most else 1


def unreadable(path: Path, error: Exception) -> str:
    """What is said of a file of a stage that cannot be read, in one line; the caller names stage and run.

    Raises UnreadableError where making it again is no remedy.
    """
    check_readable(path, error)
    return f"{path} cannot be read: {' '.join(str(error).split())}; delete {path.parent}, `strata run` makes it again"


def manifest_file(folder: Path, split: str) -> Path:
    """Written last: where it stands, the split is whole."""
    return folder / f"{split}.json"


def shard_file(folder: Path, split: str, number: int) -> Path:
    """The rows of a shard."""
    return folder / f"{split}-{number:05d}.npy"


@dataclass(frozen=True)
class Shards:
    """One split. Raises StageError for a file that cannot be read, or does not hold what the manifest says."""

    folder: Path
    split: str

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What was captured, how, and what was left out; see `analysis.run.capture`."""
        path = manifest_file(self.folder, self.split)
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(found, dict) or not {"rows", "width", "scale", "shards"} <= set(found):
                raise ValueError("it is no manifest of activations")
        except (OSError, ValueError) as error:
            raise StageError(unreadable(path, error)) from error
        return found

    def __len__(self) -> int:
        return int(self.manifest["rows"])

    @property
    def width(self) -> int:
        """Columns of a row."""
        return int(self.manifest["width"])

    def rows(self, step: int = 1) -> Float[Tensor, "rows width"]:
        """Every `step`-th row, in memory; pages of the others are not read. Raises DataError where they do not fit."""
        wanted = len(range(0, len(self), step))
        self._check_memory(wanted)
        found, place, start = torch.empty(wanted, self.width), 0, 0
        for number, size in enumerate(self.manifest["shards"]):
            first = -start % step
            part = self._half(number)[first::step]
            found[place : place + len(part)] = torch.from_numpy(part.astype(np.float32))
            place, start = place + len(part), start + size
        return found.mul_(self.manifest["scale"])

    def shuffled(
        self, batch: int, buffer: int = 65_536, seed: int = 0, epoch: int = 0
    ) -> Iterator[Float[Tensor, "batch width"]]:
        """All rows once, in batches, from a buffer of so many rows in memory; the last batch may be smaller.

        Pieces of shards enter the buffer in an order drawn from seed and epoch, and half of it, drawn at random, leaves
        before it is filled again. Raises ConfigError for a buffer below twice a batch.
        """
        if batch < 1 or buffer < 2 * batch:
            raise ConfigError(f"buffer = {buffer}: must be at least two batches of {batch}")
        draw = stream(seed, "buffer", epoch)
        pieces = [(number, at) for number, size in enumerate(self.manifest["shards"]) for at in range(0, size, PIECE)]
        waiting = [pieces[place] for place in torch.randperm(len(pieces), generator=draw).tolist()][::-1]
        held, fresh, count = torch.empty(0, self.width), list[Tensor](), 0
        while waiting or count:
            while waiting and count < buffer:
                number, at = waiting.pop()
                fresh.append(torch.from_numpy(self._half(number)[at : at + PIECE].astype(np.float32)))
                count += len(fresh[-1])
            held = torch.cat([held, *fresh])
            held = held[torch.randperm(len(held), generator=draw)]
            leaving = len(held) // 2 // batch * batch if waiting else len(held)
            for start in range(0, leaving, batch):
                yield held[start : min(start + batch, leaving)] * self.manifest["scale"]
            held, fresh = held[leaving:].clone(), []
            count = len(held)

    def _half(self, number: int) -> np.ndarray:
        path = shard_file(self.folder, self.split, number)
        shape = (self.manifest["shards"][number], self.width)
        try:
            found: np.ndarray = np.load(path, mmap_mode="r" if shape[0] else None)
            if found.shape != shape or found.dtype != np.float16:
                raise ValueError(f"it holds {found.dtype} {found.shape}, expected float16 {shape}")
        except (OSError, ValueError, EOFError) as error:
            raise StageError(unreadable(path, error)) from error
        return found

    def _check_memory(self, rows: int) -> None:
        needed, free = rows * self.width * 4, psutil.virtual_memory().available
        if needed > MOST_OF_FREE * free:
            raise DataError(
                f"{rows:,} rows of {self.width} take {needed / GB:.1f} GB of memory, and {free / GB:.1f} GB are free: "
                "take fewer (`rows` under [host]), or read them by `shuffled`"
            )
