"""What a data set gives, and how its files are read. Numpy only."""

from __future__ import annotations

import gzip
import hashlib
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analysis.system.digests import digest_unpacked
from sae.errors import DataError


@dataclass(frozen=True)
class Dataset:
    """Images with labels and a fixed split. A row's number is its example id, in both splits."""

    name: str
    images: NDArray[np.uint8]
    """(rows, height, width), 0 is background."""
    labels: NDArray[np.uint8]
    held_out: NDArray[np.bool_]
    """True: never trained on, by host or SAE."""
    class_names: tuple[str, ...]

    def __post_init__(self) -> None:
        rows = len(self.images)
        if len(self.labels) != rows or len(self.held_out) != rows:
            raise DataError(
                f"data set {self.name}: {rows} images, {len(self.labels)} labels, {len(self.held_out)} split marks"
            )
        if rows and int(self.labels.max()) >= len(self.class_names):
            raise DataError(f"data set {self.name}: label {self.labels.max()} but {len(self.class_names)} class names")

    @property
    def n_classes(self) -> int:
        """How many classes there are."""
        return len(self.class_names)


def read_idx(path: Path, again: str) -> NDArray[np.uint8]:
    """An IDX file of bytes, plain or gzipped. `again` says in the error how to get the file."""
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        zero, kind, dimensions = struct.unpack(">HBB", raw[:4])
        shape = struct.unpack(f">{dimensions}I", raw[4 : 4 + 4 * dimensions])
    except (OSError, EOFError, struct.error, zlib.error, ValueError) as error:
        raise DataError(f"{path} cannot be read as an IDX file ({error}); {again}") from error
    values = np.frombuffer(raw, np.uint8, offset=4 + 4 * dimensions)
    expected = int(np.prod(shape))
    if zero != 0 or kind != 8 or len(values) != expected:
        raise DataError(f"{path} holds {len(values)} bytes where its header says {shape}; {again}")
    return values.reshape(shape)


IDX_PARTS = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")


def idx_file(folder: Path, part: str) -> Path | None:
    """The file of a part, plain or gzipped, or None."""
    found = (folder / f"{part}-ubyte{end}" for end in ("", ".gz"))
    return next((path for path in found if path.exists()), None)


def is_complete(folder: Path) -> bool:
    """Whether all four parts are there; a download that was cut short leaves fewer."""
    return all(idx_file(folder, part) for part in IDX_PARTS)


def first_complete(folders: Sequence[Path]) -> Path | None:
    """The first folder that holds all four parts, or None."""
    return next((folder for folder in folders if is_complete(folder)), None)


def idx_fingerprint(folders: Sequence[Path]) -> str:
    """A hash of what the first complete folder's files hold, gzipped or not. Raises DataError for one that cannot be
    read.

    Where none is complete yet it says so: no run has that for its data, which is fetched before a run is planned.
    """
    folder = first_complete(folders)
    if folder is None:
        return "not here yet"
    parts = []
    for part in IDX_PARTS:
        path = idx_file(folder, part)
        try:
            parts += [f"{part}:{digest_unpacked(path)}"] if path else []
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{path} cannot be read: {error}; get it again") from error
    text = " ".join(parts)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def from_idx_folder(name: str, folder: Path, class_names: tuple[str, ...], again: str) -> Dataset:
    """The four IDX files of MNIST's layout (gzipped or not): 60,000 training rows, then 10,000 held-out ones."""
    parts = {}
    for part in IDX_PARTS:
        path = idx_file(folder, part)
        if path is None:
            raise DataError(f"{folder} has no file {part}-ubyte(.gz); {again}")
        parts[part] = read_idx(path, again)
    for half in ("train", "t10k"):
        images, labels = parts[f"{half}-images-idx3"], parts[f"{half}-labels-idx1"]
        if len(images) != len(labels):
            raise DataError(f"{folder}: {half} has {len(images)} images but {len(labels)} labels; {again}")
    held_out = np.repeat([False, True], [len(parts["train-labels-idx1"]), len(parts["t10k-labels-idx1"])])
    return Dataset(
        name,
        np.concatenate([parts["train-images-idx3"], parts["t10k-images-idx3"]]),
        np.concatenate([parts["train-labels-idx1"], parts["t10k-labels-idx1"]]),
        held_out,
        class_names,
    )
