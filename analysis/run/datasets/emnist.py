"""EMNIST, letters and digits of many hands at 28 x 28: the published IDX files, here or by torchvision."""

from __future__ import annotations

import string
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.plan import paths
from analysis.plan.data_source import NOT_HERE
from analysis.run.datasets._dataset import Dataset, idx_file, read_idx
from analysis.run.datasets._files import absent, fingerprint_of, located
from sae.errors import ConfigError, DataError

CLASSES = {
    # of small letters those that do not look like their capitals
    "balanced": tuple(string.digits + string.ascii_uppercase + "abdefghnqrt"),
    "letters": tuple(string.ascii_uppercase),  # capital and small letters are one class
}
FIRST = {"balanced": 0, "letters": 1}
PARTS = tuple(f"{half}-{kind}" for half in ("train", "test") for kind in ("images-idx3", "labels-idx1"))
AGAIN = (
    "put the published files (emnist-letters-train-images-idx3-ubyte.gz and so on, gzipped or not) into "
    "data/downloads/EMNIST/raw, or let torchvision download them (needs a connection)"
)


def folders() -> tuple[Path, ...]:
    """Where the files are looked for, in this order."""
    raw = paths.find().data / "downloads" / "EMNIST" / "raw"
    return raw, raw / "gzip"


def fingerprint(*, split: Any = "balanced", path: Any = "") -> str:
    """A hash of what the split's files hold, gzipped or not; part of every run's key."""
    if absent(path) or not _is_split(split):
        return NOT_HERE
    folder = _complete(split, _roots(path))
    return fingerprint_of(_files(split, folder), folder) if folder else NOT_HERE


def to_fetch(*, split: Any = "balanced", path: Any = "") -> str:
    """What is downloaded before a run, and how; empty when the files are there, or are to be at `path`."""
    if path or not _is_split(split) or _complete(split, folders()):
        return ""
    return "562 MB by torchvision into data/downloads/EMNIST/raw"


def emnist(*, split: Any = "balanced", path: Any = "") -> Dataset:
    """`split`: `balanced` (47 classes) or `letters` (26). `path`: the folder of IDX files, by default
    data/downloads/EMNIST/raw, which torchvision fills where they are missing. Images are turned as one writes.

    Raises ConfigError for another split, DataError for files that cannot be got or used.
    """
    if not _is_split(split):
        raise ConfigError(f'dataset_options.split = {split!r}: must be "balanced" or "letters"')
    folder = _complete(split, _roots(path))
    if folder is None and path:
        lost = next(part for part in PARTS if idx_file(located(path), _name(split, part)) is None)
        raise DataError(f"{path} has no file {_name(split, lost)}-ubyte(.gz); {AGAIN}")
    if folder is None:
        folder = _downloaded(split)
    halves = [_half(split, half, folder) for half in ("train", "test")]
    images, labels = (np.concatenate(column) for column in zip(*halves, strict=True))
    held_out = np.repeat([False, True], [len(numbers) for _, numbers in halves])
    return Dataset(path or "emnist", images, labels, held_out, CLASSES[split], split="as its files say")


def _half(split: str, half: str, folder: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """(images, 28, 28) and (images,) of a half. Raises DataError."""
    files = [idx_file(folder, _name(split, f"{half}-{kind}")) for kind in ("images-idx3", "labels-idx1")]
    shown, of_labels = (file or folder for file in files)
    images, numbers = read_idx(shown, AGAIN), read_idx(of_labels, AGAIN)
    if images.ndim != 3 or 0 in images.shape:
        raise DataError(f"{shown} has shape {images.shape}; expected (images, 28, 28); {AGAIN}")
    if numbers.shape != (len(images),):
        raise DataError(f"{of_labels} has shape {numbers.shape}; expected {(len(images),)}, one an image; {AGAIN}")
    first, count = FIRST[split], len(CLASSES[split])
    wrong = (numbers < first) | (numbers >= first + count)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(
            f"{of_labels}: image {row} has the label {numbers[row]}; expected {first}..{first + count - 1}, as of the "
            f"split {split}; {AGAIN}"
        )
    # rows and columns are published the other way round than MNIST's
    return np.ascontiguousarray(images.transpose(0, 2, 1)), numbers.astype(np.int64) - first


def _downloaded(split: str) -> Path:
    from torchvision.datasets import EMNIST  # imported here: only a download needs it

    try:
        EMNIST(str(paths.find().data / "downloads"), split=split, download=True)
    except (OSError, RuntimeError) as error:
        raise DataError(f"EMNIST is not in {folders()[0]} and could not be downloaded ({error}); {AGAIN}") from error
    folder = _complete(split, folders())
    if folder is None:
        raise DataError(f"{folders()[0]} has not all files of the split {split} after the download; {AGAIN}")
    return folder


def _is_split(split: Any) -> bool:
    return isinstance(split, str) and split in CLASSES


def _roots(path: Any) -> tuple[Path, ...]:
    if not path:
        return folders()
    root = located(path)
    return root, root / "gzip"


def _name(split: str, part: str) -> str:
    return f"emnist-{split}-{part}"


def _files(split: str, folder: Path) -> list[Path]:
    found = (idx_file(folder, _name(split, part)) for part in PARTS)
    return [path for path in found if path]


def _complete(split: str, roots: Sequence[Path]) -> Path | None:
    return next((root for root in roots if len(_files(split, root)) == len(PARTS)), None)
