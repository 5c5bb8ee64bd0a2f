"""The embedded data: 10,000 real MNIST digits, 8,000 to train on and 2,000 held out. See data/digits/README.md."""

from __future__ import annotations

import hashlib
import zipfile

import numpy as np

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
        with np.load(path) as file:
            images, labels, held_out = file["images"], file["labels"], file["held_out"]
    except (ValueError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} is not the archive it should be: {error}; {AGAIN}") from error
    if len(images) != ROWS or int(held_out.sum()) != HELD_OUT:
        raise DataError(
            f"{path} holds {len(images)} rows, {int(held_out.sum())} held out; expected {ROWS} and {HELD_OUT}; {AGAIN}"
        )
    return Dataset("digits", images, labels, held_out, tuple("0123456789"))
