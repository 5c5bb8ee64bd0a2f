"""Images that are part of the repository: `data/FILE/FILE.npz` beside its hash, as `data/FILE/make_FILE.py` made it."""

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
    shape: tuple[int, ...] = (28, 28)
    """Of one image."""
    file: str = ""
    """Its folder, file and script; empty: they are called as it is."""

    @property
    def _file(self) -> str:
        return self.file or self.name

    @property
    def _path(self) -> Path:
        return paths.find().data / self._file / f"{self._file}.npz"

    @property
    def _again(self) -> str:
        folder = f"data/{self._file}"
        return f"get it again with `git checkout {folder}` or make it with `python {folder}/make_{self._file}.py`"

    def fingerprint(self) -> str:
        """The sha256 of the file; part of every run's key. Raises DataError where there is none."""
        try:
            return digest(self._path)
        except OSError as error:
            raise DataError(f"{self._path}: {error}; {self._again}") from error

    def dataset(self) -> Dataset:
        """Images (rows, *shape) uint8 with labels and split. Raises DataError when the file is missing, altered or
        short."""
        return self.labelled(self.arrays(), "labels", self.class_names)

    def labelled(self, arrays: dict[str, NDArray[Any]], labels: str, class_names: tuple[str, ...]) -> Dataset:
        """The data set of `arrays`, with the array `labels` for labels. Raises DataError for labels that do not fit."""
        return Dataset(self.name, arrays["images"], arrays[labels], arrays["held_out"], class_names, split=self.split)

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
            images = arrays["images"]
            rows, held_out = len(images), int(arrays["held_out"].sum())
        except (ValueError, KeyError, zipfile.BadZipFile) as error:
            raise DataError(f"{path} is not the archive it should be: {error}; {again}") from error
        if (rows, held_out) != (self.rows, self.held_out):
            raise DataError(
                f"{path} holds {rows} rows, {held_out} held out; expected {self.rows} and {self.held_out}; {again}"
            )
        if images.dtype != np.uint8 or images.shape[1:] != self.shape:
            raise DataError(
                f"{path} holds images of {images.dtype}, {images.shape[1:]}; expected uint8, {self.shape}; {again}"
            )
        return dict(arrays)


@lru_cache(maxsize=2)
def _unpacked(path: Path, sha256: str) -> dict[str, NDArray[Any]]:
    """Unpacked once in a process for a file that holds the same: every stage that shows images asks."""
    with np.load(path) as file:
        return {name: file[name] for name in file.files}
