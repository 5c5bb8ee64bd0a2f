"""What CIFAR-10 and CIFAR-100 have in common: colour pictures of 32 x 32, published as records of bytes ("binary") and
as pickles ("python"), which are read without executing them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.plan import paths
from analysis.plan.data_source import NOT_HERE
from analysis.run.datasets import _published
from analysis.run.datasets._dataset import COLOUR, Dataset
from analysis.run.datasets._fetch import fetch
from analysis.run.datasets._files import absent, located
from analysis.run.datasets._plain_pickle import read_plain
from analysis.run.datasets._published import Layout, Place
from sae.errors import DataError

SIDE = 32
PIXELS = COLOUR * SIDE * SIDE


class Labels(NamedTuple):
    """Where the labels of a kind stand: the byte of a record, and the file or key with their names; the key of the
    labels in a pickle; how many classes are published."""

    byte: int
    names: str
    key_of_names: str
    key: str
    classes: int


class Cifar(NamedTuple):
    """One of the two, as it is published."""

    title: str
    binary: Layout
    python: Layout
    train: tuple[tuple[str, ...], tuple[str, ...]]
    """The files to train on, of the binary and of the python version."""
    test: tuple[str, str]
    meta: str
    """The pickle with the names of classes."""
    label_bytes: int
    md5: str
    """Of the binary archive."""

    @property
    def again(self) -> str:
        """How to get it."""
        return (
            f"put the published {self.binary.archive} (md5 {self.md5}), or the folder {self.binary.folder} that it "
            "unpacks to, into data/downloads"
        )


def places(cifar: Cifar, path: Any = "") -> list[Place]:
    """Where it is looked for, in this order: the binary version first."""
    root = located(path) if path else paths.find().data / "downloads"
    return _published.places((root,), (cifar.binary, cifar.python))


def fingerprint(cifar: Cifar, path: Any = "") -> str:
    """A hash of what the files hold, packed or not; part of every run's key."""
    if absent(path):
        return NOT_HERE
    place = _published.found_among(places(cifar, path))
    return _published.fingerprint(place, cifar.again) if place else NOT_HERE


def to_fetch(cifar: Cifar, megabytes: int, path: Any = "") -> str:
    """What is downloaded before a run, and how; empty when the files are there, or are to be at `path`."""
    if path or _published.found_among(places(cifar)):
        return ""
    return f"{megabytes} MB into data/downloads/{cifar.binary.archive}"


def dataset(name: str, cifar: Cifar, labels: Labels, path: Any = "") -> Dataset:
    """Its pictures with labels of a kind; fetched where neither version is here, and no `path` says where they are.

    Raises DataError for what cannot be got, or is not as published.
    """
    place = _published.found_among(places(cifar, path))
    if place is None and path:
        raise DataError(
            f"{path} holds no {cifar.title}; expected {cifar.binary.folder} or {cifar.binary.archive} there"
        )
    if place is None:
        place = _fetched(cifar)
    files = _published.read(place, cifar.again)
    binary = place.layout is cifar.binary
    train = cifar.train[0 if binary else 1]
    test = cifar.test[0 if binary else 1]
    names = _names(files[labels.names if binary else cifar.meta], place, cifar, labels)
    parts = []
    for file in (*train, test):
        if binary:
            images, numbers = _records(files[file], place.shown(file), cifar, labels)
        else:
            images, numbers = _pickled(files[file], place.shown(file), cifar, labels)
        if (numbers < 0).any() or (numbers >= len(names)).any():
            row = int(np.argmax((numbers < 0) | (numbers >= len(names))))
            raise DataError(
                f"{place.shown(file)}: picture {row} has the label {numbers[row]}; expected 0..{len(names) - 1}, as "
                f"there are names of {len(names)} classes; {cifar.again}"
            )
        parts.append((images, numbers, np.full(len(images), file == test)))
    images, numbers, held_out = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Dataset(path or name, images, numbers, held_out, names, split="as its files say")


def _fetched(cifar: Cifar) -> Place:
    from torchvision.datasets import CIFAR10, CIFAR100  # imported here: only a download needs it

    # torchvision gets the pickles only; the records lie beside them
    known = {one.filename: str(one.url) for one in (CIFAR10, CIFAR100)}
    url = known[cifar.python.archive].replace(cifar.python.archive, cifar.binary.archive)
    path = paths.find().data / "downloads" / cifar.binary.archive
    fetch(url, path, cifar.md5, cifar.again)
    return Place(path, cifar.binary)


def _names(content: bytes, place: Place, cifar: Cifar, labels: Labels) -> tuple[str, ...]:
    if place.layout is cifar.binary:
        shown = place.shown(labels.names)
        found: Any = content.decode("utf-8", "replace").split("\n")
        found = [line.strip() for line in found if line.strip()]
    else:
        shown = f"{place.shown(cifar.meta)}[{labels.key_of_names}]"
        found = read_plain(content, place.shown(cifar.meta), cifar.again).get(labels.key_of_names)
    texts = isinstance(found, list) and all(isinstance(name, str) and name for name in found)
    if not texts or len(set(found)) < max(2, len(found)):
        count = f"{len(found)} names, {len(set(found))} different" if texts else "no list of names"
        raise DataError(f"{shown} holds {count}; expected {labels.classes} different names; {cifar.again}")
    return tuple(found)


def _records(content: bytes, shown: str, cifar: Cifar, labels: Labels) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    size = cifar.label_bytes + PIXELS
    if not content or len(content) % size:
        raise DataError(
            f"{shown} has {len(content):,} bytes; expected whole records of {size:,} "
            f"({cifar.label_bytes} of labels, {PIXELS:,} of a picture); {cifar.again}"
        )
    rows = np.frombuffer(content, np.uint8).reshape(-1, size)
    return _pictures(rows[:, cifar.label_bytes :]), rows[:, labels.byte].astype(np.int64)


def _pickled(content: bytes, shown: str, cifar: Cifar, labels: Labels) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    held = read_plain(content, shown, cifar.again)
    for key in ("data", labels.key):
        if key not in held:
            raise DataError(f"{shown} has no {key!r}; it has {', '.join(held) or 'nothing'}; {cifar.again}")
    rows, numbers = held["data"], held[labels.key]
    if not isinstance(rows, np.ndarray) or rows.ndim != 2 or rows.shape[1] != PIXELS or not len(rows):
        found = f"shape {rows.shape}" if isinstance(rows, np.ndarray) else type(rows).__name__
        raise DataError(f"{shown}[data] is {found}; expected bytes of shape (pictures, {PIXELS}); {cifar.again}")
    whole = isinstance(numbers, list) and all(type(one) is int and abs(one) < 2**31 for one in numbers)
    if not whole or len(numbers) != len(rows):
        found = f"{len(numbers)} labels" if whole else "no list of whole numbers"
        raise DataError(f"{shown}[{labels.key}] is {found}; expected {len(rows)}, one a picture; {cifar.again}")
    return _pictures(rows), np.array(numbers, np.int64)


def _pictures(rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(pictures, 32, 32, 3) of rows that hold a plane of each colour."""
    return np.ascontiguousarray(rows.reshape(-1, COLOUR, SIDE, SIDE).transpose(0, 2, 3, 1))
