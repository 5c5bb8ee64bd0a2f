"""CIFAR-100, 50,000 + 10,000 colour pictures of 32 x 32 in 100 fine or 20 coarse classes: the published archive, here
or fetched once."""

from __future__ import annotations

from typing import Any

from analysis.run.datasets import _cifar
from analysis.run.datasets._cifar import Cifar, Labels
from analysis.run.datasets._dataset import Dataset
from analysis.run.datasets._published import Layout
from sae.errors import ConfigError

NAMES = ("fine_label_names.txt", "coarse_label_names.txt")
CIFAR = Cifar(
    title="CIFAR-100",
    binary=Layout("cifar-100-binary", "cifar-100-binary.tar.gz", ("train.bin", "test.bin", *NAMES)),
    python=Layout("cifar-100-python", "cifar-100-python.tar.gz", ("train", "test", "meta")),
    train=(("train.bin",), ("train",)),
    test=("test.bin", "test"),
    meta="meta",
    label_bytes=2,
    md5="03b5dce01913d631647c71ecec9e9cb8",
)
KINDS = {
    "fine": Labels(1, "fine_label_names.txt", "fine_label_names", "fine_labels", 100),
    "coarse": Labels(0, "coarse_label_names.txt", "coarse_label_names", "coarse_labels", 20),
}
MEGABYTES = 169


def fingerprint(*, path: Any = "", **others: object) -> str:
    """A hash of what the files hold, packed or not; part of every run's key."""
    return _cifar.fingerprint(CIFAR, path)


def to_fetch(*, path: Any = "", **others: object) -> str:
    """What is downloaded before a run, and how; empty when the files are there."""
    return _cifar.to_fetch(CIFAR, MEGABYTES, path)


def cifar100(*, labels: Any = "fine", path: Any = "") -> Dataset:
    """`labels`: `fine` (100 classes) or `coarse` (20). `path`: the archive, its folder, or the folder that either lies
    in, by default data/downloads, to which the archive is fetched where it is missing.

    Raises ConfigError for other labels, DataError for files that cannot be got, or are not as published.
    """
    if not isinstance(labels, str) or labels not in KINDS:
        raise ConfigError(f'dataset_options.labels = {labels!r}: must be "fine" or "coarse"')
    return _cifar.dataset("cifar100", CIFAR, KINDS[labels], path)
