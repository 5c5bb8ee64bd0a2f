"""Images that are part of the repository: `data/NAME/NAME.npz` beside its hash, as `data/NAME/make_NAME.py` made it."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.plan import paths
from analysis.run.datasets._dataset import Dataset
from analysis.system.digests import digest
from sae.errors import DataError


@dataclass(frozen=True)
class Embedded:
    """An embedded data set: what it is called, and what its file has to hold."""

    name: str
    class_names: tuple[str, ...]
    rows: int
    held_out: int
    """How many of the rows are held out."""
    split: str
    """How the examples were parted, in words."""

    @property
    def _path(self) -> Path:
        return paths.find().data / self.name / f"{self.name}.npz"

    @property
    def _again(self) -> str:
        folder = f"data/{self.name}"
        return f"get it again with `git checkout {folder}` or make it with `python {folder}/make_{self.name}.py`"

    def fingerprint(self) -> str:
        """The sha256 of the file; part of every run's key. Raises DataError where there is none."""
        try:
            return digest(self._path)
        except OSError as error:
            raise DataError(f"{self._path}: {error}; {self._again}") from error

    def dataset(self) -> Dataset:
        """Images (rows, 28, 28) uint8 with labels and split. Raises DataError when the file is missing, altered or
        short."""
        arrays = self.arrays()
        return Dataset(
            self.name, arrays["images"], arrays["labels"], arrays["held_out"], self.class_names, split=self.split
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that the file holds, by name. Raises DataError when it is missing, altered or short."""
        path, again = self._path, self._again
        try:
            raw = path.read_bytes()
            expected = path.with_suffix(".sha256").read_text().split()[0]
        except (OSError, IndexError) as error:
            raise DataError(f"{path}: {error or 'no sha256 beside it'}; {again}") from error
        found = hashlib.sha256(raw).hexdigest()
        if found != expected:
            raise DataError(
                f"{path} ({len(raw)} bytes) has sha256 {found[:16]}..., expected {expected[:16]}...; {again}"
            )
        try:
            arrays = _unpacked(path, found)
            rows, held_out = len(arrays["images"]), int(arrays["held_out"].sum())
        except (ValueError, KeyError, zipfile.BadZipFile) as error:
            raise DataError(f"{path} is not the archive it should be: {error}; {again}") from error
        if (rows, held_out) != (self.rows, self.held_out):
            raise DataError(
                f"{path} holds {rows} rows, {held_out} held out; expected {self.rows} and {self.held_out}; {again}"
            )
        return dict(arrays)


@lru_cache(maxsize=2)
def _unpacked(path: Path, sha256: str) -> dict[str, NDArray[Any]]:
    """Unpacked once in a process for a file that holds the same: every stage that shows images asks."""
    with np.load(path) as file:
        return {name: file[name] for name in file.files}
