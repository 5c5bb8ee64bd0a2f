"""CIFAR-10, 50,000 + 10,000 colour pictures of 32 x 32 in ten classes: the published archive, here or fetched once."""

from __future__ import annotations

from typing import Any

from analysis.run.datasets import _cifar
from analysis.run.datasets._cifar import Cifar, Labels
from analysis.run.datasets._dataset import Dataset
from analysis.run.datasets._published import Layout

BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))
RECORDS = tuple(f"{batch}.bin" for batch in BATCHES)
CIFAR = Cifar(
    title="CIFAR-10",
    binary=Layout("cifar-10-batches-bin", "cifar-10-binary.tar.gz", (*RECORDS, "test_batch.bin", "batches.meta.txt")),
    python=Layout("cifar-10-batches-py", "cifar-10-python.tar.gz", (*BATCHES, "test_batch", "batches.meta")),
    train=(RECORDS, BATCHES),
    test=("test_batch.bin", "test_batch"),
    meta="batches.meta",
    label_bytes=1,
    md5="c32a1d4ab5d03f1284b67883e8d87530",
)
LABELS = Labels(0, "batches.meta.txt", "label_names", "labels", 10)
MEGABYTES = 170


def fingerprint(*, path: Any = "") -> str:
    """A hash of what the files hold, packed or not; part of every run's key."""
    return _cifar.fingerprint(CIFAR, path)


def to_fetch(*, path: Any = "") -> str:
    """What is downloaded before a run, and how; empty when the files are there."""
    return _cifar.to_fetch(CIFAR, MEGABYTES, path)


def cifar10(*, path: Any = "") -> Dataset:
    """`path`: the archive, its folder, or the folder that either lies in, by default data/downloads, to which the
    archive is fetched where it is missing.

    Raises DataError for files that cannot be got, or are not as published.
    """
    return _cifar.dataset("cifar10", CIFAR, LABELS, path)
