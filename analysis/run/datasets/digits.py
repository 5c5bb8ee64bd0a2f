"""The embedded data: 10,000 real MNIST digits, 8,000 to train on and 2,000 held out. See data/digits/README.md."""

from __future__ import annotations

import hashlib
import zipfile
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from analysis.plan import paths
from analysis.run.datasets._dataset import Dataset
from analysis.system.digests import digest
from sae.errors import DataError

AGAIN = "get it again with `git checkout data/digits` or make it with `python data/digits/make_digits.py`"
ROWS, HELD_OUT = 10_000, 2_000


def fingerprint() -> str:
    """The sha256 of the file; part of every run's key. Raises DataError where there is none."""
    path = paths.find().data / "digits" / "digits.npz"
    try:
        return digest(path)
    except OSError as error:
        raise DataError(f"{path}: {error}; {AGAIN}") from error


def digits() -> Dataset:
    """Read `data/digits/digits.npz`. Raises DataError when the file is missing, altered or short."""
    folder = paths.find().data / "digits"
    path, digest = folder / "digits.npz", folder / "digits.sha256"
    try:
        raw = path.read_bytes()
        expected = digest.read_text().split()[0]
    except (OSError, IndexError) as error:
        raise DataError(f"{path}: {error}; {AGAIN}") from error
    found = hashlib.sha256(raw).hexdigest()
    if found != expected:
        raise DataError(f"{path} ({len(raw)} bytes) has sha256 {found[:16]}..., expected {expected[:16]}...; {AGAIN}")
    try:
        images, labels, held_out = _unpacked(path, found)
    except (ValueError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} is not the archive it should be: {error}; {AGAIN}") from error
    if len(images) != ROWS or int(held_out.sum()) != HELD_OUT:
        raise DataError(
            f"{path} holds {len(images)} rows, {int(held_out.sum())} held out; expected {ROWS} and {HELD_OUT}; {AGAIN}"
        )
    return Dataset("digits", images, labels, held_out, tuple("0123456789"))


@lru_cache(maxsize=1)
def _unpacked(path: Path, sha256: str) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Images, labels and what is held out, unpacked once in a process for a file that holds the same: every stage that
    shows images asks."""
    with np.load(path) as file:
        return file["images"], file["labels"], file["held_out"]
