"""What a data set gives, and how its files are read. Numpy only."""

from __future__ import annotations

import gzip
import hashlib
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from analysis.plan.data_source import NOT_HERE
from analysis.system.digests import digest_unpacked
from sae.errors import DataError

Show = Callable[[Any], str]
Measure = Callable[[Any], Mapping[str, float]]
COLOUR = 3


class Text(Protocol):
    """What a data set of text knows of its examples, as `analysis.run.text.contexts.Contexts` has it. A protocol, since
    data sets of other kinds shall not depend on how text is read."""

    @property
    def tokeniser(self) -> str:
        """The name of the tokeniser whose ids the examples are."""
        ...

    @property
    def pieces(self) -> Sequence[str]:
        """(vocabulary,) text of each token id."""
        ...

    @property
    def places(self) -> int:
        """Tokens of a context."""
        ...

    @property
    def first(self) -> int:
        """The place of a context's first token of the text: 1 after a token that starts one."""
        ...

    @property
    def document(self) -> NDArray[np.int32]:
        """(contexts,) the number of each context's document."""
        ...

    @property
    def facts(self) -> Sequence[Mapping[str, Any]]:
        """(documents,) what is known of each."""
        ...

    def stretches(self, contexts: NDArray[np.bool_] | None = None) -> Iterator[Any]:
        """Each document as one run of tokens."""
        ...


@dataclass(frozen=True)
class Dataset:
    """Examples with a fixed split: the one seam between data and all that follows. Raises DataError for parts that do
    not fit together.

    Examples are whatever the host reads, one along the first axis: images (uint8, grey or in colour, of any size) need
    nothing more; text is contexts of token ids (int32) with `text`; for any other kind `show` and `attributes` say what
    pages cannot know. A row's number is its example id, in both splits.
    """

    name: str
    examples: NDArray[Any]
    """(rows, ...). Images are uint8, (rows, height, width) or (rows, height, width, 3), 0 being background."""
    labels: NDArray[Any] | None
    """(rows,) whole numbers, any; None where there are none, and then nothing about classes is measured."""
    held_out: NDArray[np.bool_]
    """True: never trained on, by host or SAE."""
    class_names: tuple[str, ...] = ()
    """What labels 0, 1, ... are called; without names classes are the labels that occur, called by their numbers."""
    show: Show | None = None
    """HTML of one example; not for images, which pages cut from a picture of all. Of text it takes a row id and shows
    the token in its context; `shown` asks either."""
    attributes: Measure | None = None
    """Measured attributes of one example, by name, the same for all; None: those of images, for images."""
    words: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """For each attribute what its low and its high end are called: ("narrow", "wide")."""
    split: str = "as the data set gives it"
    """How the examples were parted, in words."""
    text: Text | None = None
    """Of text: the contexts that the examples are, with their documents."""

    def __post_init__(self) -> None:
        rows = len(self.examples)
        if (self.labels is not None and len(self.labels) != rows) or len(self.held_out) != rows:
            labels = "no" if self.labels is None else len(self.labels)
            raise DataError(
                f"data set {self.name}: {rows} {self.noun}s, {labels} labels, {len(self.held_out)} split marks"
            )
        if self.held_out.dtype != np.bool_:
            raise DataError(f"data set {self.name}: held_out is {self.held_out.dtype}; expected true or false a row")
        if self.labels is None:
            if self.class_names:
                raise DataError(f"data set {self.name}: {len(self.class_names)} class names and no labels")
            return
        if self.labels.ndim != 1 or not np.issubdtype(self.labels.dtype, np.integer):
            raise DataError(
                f"data set {self.name}: labels are {self.labels.dtype} of shape {self.labels.shape}; expected one "
                "whole number a row"
            )
        named = self.class_names and self.class_names != tuple(str(label) for label in self._found)
        if named and rows and not 0 <= self.labels.min() <= self.labels.max() < len(self.class_names):
            wrong = self.labels.max() if self.labels.max() >= len(self.class_names) else self.labels.min()
            raise DataError(
                f"data set {self.name}: label {wrong} but {len(self.class_names)} class names; name the classes 0, 1, "
                "..., or none"
            )
        if not self.class_names:
            object.__setattr__(self, "class_names", tuple(str(label) for label in self._found))
        if self.n_classes < 2:
            raise DataError(
                f"data set {self.name}: all labels are of one class; at least two are needed, or give no labels"
            )

    @cached_property
    def _found(self) -> NDArray[Any]:
        """The labels that occur, ascending."""
        return np.unique(self.labels) if self.labels is not None else np.zeros(0, np.int64)

    @cached_property
    def classes(self) -> NDArray[np.int64] | None:
        """(rows,) the place of each row's label among `class_names`; None without labels."""
        if self.labels is None:
            return None
        if tuple(str(label) for label in self._found) == self.class_names:
            return np.searchsorted(self._found, self.labels).astype(np.int64)
        return self.labels.astype(np.int64)

    @property
    def n_classes(self) -> int:
        """How many classes there are; 0 without labels."""
        return len(self.class_names)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one example."""
        return self.examples.shape[1:]

    @property
    def are_images(self) -> bool:
        """Whether examples are images."""
        grey_or_colour = len(self.shape) == 2 or (len(self.shape) == 3 and self.shape[2] == COLOUR)
        return self.examples.dtype == np.uint8 and grey_or_colour and 0 not in self.shape

    @property
    def noun(self) -> str:
        """What an example is called in messages."""
        return "context" if self.text else "image" if self.are_images else "example"

    @property
    def tokeniser(self) -> str:
        """The name of the tokeniser whose ids the examples are; empty for what is no text."""
        return self.text.tokeniser if self.text else ""

    @property
    def places(self) -> int:
        """Rows of one example: the tokens of a context, and 1 of anything else. The rows of example i have the ids
        `i * places` and following."""
        return self.text.places if self.text else 1

    def shown(self, row: int) -> str:
        """HTML of a row, by its id; empty where the data set shows nothing of its own."""
        if self.show is None:
            return ""
        return self.show(row) if self.text else self.show(self.examples[row])

    @property
    def said(self) -> str:
        """What there is, in one line."""
        shape = f"{self.places} tokens" if self.text else " x ".join(map(str, self.shape[:2])) or "one number"
        colour = " in colour" if self.are_images and len(self.shape) == 3 else ""
        classes = f"{self.n_classes} classes" if self.n_classes else "no labels"
        held_out = int(self.held_out.sum())
        return (
            f"the data set {self.name}: {len(self.examples)} {self.noun}s of {shape}{colour}, {classes}; {held_out} "
            f"held out, {self.split}"
        )

    @property
    def images(self) -> NDArray[np.uint8]:
        """The examples, where they are images. Raises DataError."""
        if not self.are_images:
            raise DataError(
                f"data set {self.name}: examples are {self.examples.dtype} of shape {self.shape}, no images: those are "
                "uint8 of shape (height, width) or (height, width, 3)"
            )
        return self.examples


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
        return NOT_HERE
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
