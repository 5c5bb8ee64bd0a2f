"""Arrays in a NumPy file: examples, labels and what is held out, each an array of `.npz`, or a `.npy` of its own."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.plan.data_source import NOT_HERE
from analysis.run.datasets._dataset import Dataset
from analysis.run.datasets._files import (
    MOST_BYTES,
    absent,
    as_examples,
    classes_of,
    fingerprint_of,
    labels_of,
    located,
    shown_numbers,
    wanted,
)
from analysis.run.datasets._split import SHARE, as_given, by_content, checked_share, marks, said
from sae.errors import DataError

UNREADABLE = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error)


def fingerprint(*, path: str, labels: Any = None, held_out: Any = None, **others: object) -> str:
    """A hash of what the files hold."""
    if absent(path, *((labels, held_out) if isinstance(path, str) and path.endswith(".npy") else ())):
        return NOT_HERE
    return fingerprint_of(_files(path, labels, held_out), located(path).parent)


def npz(
    *,
    path: str,
    examples: Any = None,
    labels: Any = None,
    held_out: Any = None,
    classes: Any = (),
    overlap: Any = False,
) -> Dataset:
    """Images (bytes, colours last or first) or rows of numbers, from arrays.

    `examples`, `labels`: the names of arrays in `path`, by default those called so (`images` and `x` mean examples, `y`
    labels), or the only one that there is; or, with a `.npy` for `path`, which is memory-mapped, `labels` is the path
    of another. `labels = ""`: none. `held_out`: a share, or the name of an array (or path) of true and false.
    `classes`: what labels 0, 1, ... are called. Raises ConfigError for options that mean nothing, DataError for
    files that cannot be used.
    """
    for name, value in (("examples", examples), ("labels", labels)):
        if value is not None:
            wanted(name, value, str, "the name of an array, as text")
    files = _files(path, labels, held_out)
    arrays = _Arrays(files[0], path)
    rows = as_examples(arrays.examples(examples), f"{path}[{arrays.chosen}]")
    given = arrays.beside(labels, ("labels", "label", "y"), "labels")
    names = classes_of(classes) if classes else ()
    numbers = None
    if given is not None:
        numbers, names = labels_of(given, f"the labels of {path}", names)
        _as_many(numbers, rows, "labels", path)
    show = None if rows.ndim > 2 else shown_numbers
    if isinstance(held_out, str):
        mask = marks(arrays.beside(held_out, (), "held_out"), f"held_out of {path}")  # type: ignore[arg-type]  # is named
        _as_many(mask, rows, "marks of what is held out", path)
        as_given(rows, mask, path, overlap, lambda row: f"row {row}")
        return Dataset(path, rows, numbers, mask, names, show=show, split=f"as {held_out} says")
    share = checked_share(SHARE if held_out is None else held_out)
    mask = by_content(rows, numbers, share, path)
    return Dataset(path, rows, numbers, mask, names, show=show, split=said(share))


def _files(path: str, labels: Any, held_out: Any) -> list[Path]:
    """The files that are read: one archive, or a `.npy` and what is named beside it."""
    first = located(path)
    if first.suffix == ".npz":
        return [first]
    if first.suffix != ".npy" or first.is_dir():
        raise DataError(f"{path} is no .npz or .npy; `np.savez(path, images=..., labels=...)` writes one")
    options = (("labels", labels), ("held_out", held_out))
    return [first, *(located(value, name) for name, value in options if isinstance(value, str) and value)]


class _Arrays:
    """The arrays of one archive, or `.npy` files beside each other."""

    def __init__(self, file: Path, path: str) -> None:
        self.file, self.path, self.chosen = file, path, ""
        self.names: list[str] = []
        if file.suffix == ".npz":
            with self._opened() as archive:
                self.names = sorted(archive.files)

    def _opened(self) -> Any:
        try:
            if self.file.stat().st_size > MOST_BYTES:
                raise DataError(f"{self.path} is larger than {MOST_BYTES:,} bytes; save its arrays as .npy files")
            return np.load(self.file, allow_pickle=False)
        except UNREADABLE as error:
            raise DataError(
                f"{self.path} cannot be read as a NumPy archive ({_line(error)}); write it again"
            ) from error

    def examples(self, name: str | None) -> NDArray[Any]:
        """The array of examples; a `.npy` is memory-mapped, and a copy on writing."""
        if self.file.suffix == ".npy":
            self.chosen = "all"
            return _plain(self.file, self.path, "c")
        if name is None:
            usual = [usual for usual in ("examples", "images", "x") if usual in self.names]
            name = usual[0] if usual else self.names[0] if len(self.names) == 1 else None
            if name is None:
                raise DataError(f"{self.path} has the arrays {self._listed()}; say which holds `examples`")
        self.chosen = name
        return self._array(name)

    def beside(self, name: str | None, usual: tuple[str, ...], what: str) -> NDArray[Any] | None:
        """Another array; None where none is named, and none is called as usual."""
        if name == "":
            return None
        if self.file.suffix == ".npy":
            return None if name is None else _plain(located(name, what), name, None)
        if name is None:
            name = next((one for one in usual if one in self.names and one != self.chosen), None)
        return None if name is None else self._array(name)

    def _array(self, name: str) -> NDArray[Any]:
        if name not in self.names:
            raise DataError(f"{self.path} has no array {name!r}; it has {self._listed()}")
        try:
            with self._opened() as archive:
                size = archive.zip.getinfo(f"{name}.npy").file_size
                if size > MOST_BYTES:
                    raise DataError(
                        f"{self.path}[{name}] has {size:,} bytes, at most {MOST_BYTES:,} are read; save it as .npy, "
                        "which is memory-mapped"
                    )
                found: NDArray[Any] = archive[name]
        except UNREADABLE as error:
            raise DataError(f"{self.path}[{name}] cannot be read ({_line(error)}); write it again") from error
        return found

    def _listed(self) -> str:
        return ", ".join(self.names) or "none"


def _plain(file: Path, path: str, mapped: Any) -> NDArray[Any]:
    try:
        found: NDArray[Any] = np.load(file, mmap_mode=mapped, allow_pickle=False)
    except UNREADABLE as error:
        raise DataError(f"{path} cannot be read as a NumPy array ({_line(error)}); write it again") from error
    return found


def _as_many(values: NDArray[Any], rows: NDArray[Any], what: str, path: str) -> None:
    if len(values) != len(rows):
        raise DataError(f"{path} has {len(rows)} examples and {len(values)} {what}; expected one for each")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
