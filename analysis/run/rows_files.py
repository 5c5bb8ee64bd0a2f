"""Rows and labels of anybody's, from files as people have them: only the rows that are wanted are read, where the
format allows it, and never a pickle.

| source | read |
|---|---|
| `.npy` | memory-mapped |
| `.npz` | the array that is named, or the only one there |
| `.safetensors` | the tensor that is named, or the only one there; block by block |
| a folder of such files, all of one kind | one after the other in natural order: `rows-2` before `rows-10` |
| the name of a Hugging Face data set | a column of vectors of its split `train`; needs the package `datasets` |
| any of these with `[NAME]` behind it | its array, tensor or column of that name |
"""

from __future__ import annotations

import importlib
import re
import shlex
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import torch
from torch import Tensor

from sae.errors import DataError
from sae.seeding import stream

SUFFIXES = (".npy", ".npz", ".safetensors")
BLOCK = 65_536
# What reading a damaged or foreign file raises.
UNREADABLE = (
    OSError, ValueError, EOFError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error, safetensors.SafetensorError,
)  # fmt: skip


@dataclass(frozen=True)
class Piece:
    """An array that is not read yet."""

    name: str
    shape: tuple[int, ...]
    take: Callable[[np.ndarray], Tensor]
    """Entries with these ascending numbers."""


@dataclass(frozen=True)
class ReadRows:
    """Some rows of a source, or all of them."""

    rows: Tensor
    numbers: list[int]
    """Where each stands in the source."""
    total: int
    said: str
    """What was read, for people."""


def read_rows(
    source: str,
    *,
    array: str = "",
    most: int = 0,
    seed: int = 0,
    only: list[int] | None = None,
    option: str = "",
    total: int | None = None,
    width: int | None = None,
) -> ReadRows:
    """Rows (n, d) of a source; at most `most` of them, drawn at random (0: all), or those with the numbers `only`.

    `array`: which array, tensor or column, where there are several. `total` and `width`: how many rows there have to
    be, and how wide, as the rows beside them; `option`: which option of a command named the source, for what is said.
    Raises DataError for what is not there, cannot be read, is empty, or holds anything else than rows of finite
    numbers; before rows are read, where that can be told.
    """
    named = f"{option} {source}".lstrip()
    pieces = _pieces(source, array, option)
    for piece in pieces:
        if len(piece.shape) != 2 or not piece.shape[1]:
            raise DataError(
                f"{piece.name} has shape {piece.shape}, expected (n, d): one row an example, position or token"
            )
        if piece.shape[1] != pieces[0].shape[1]:
            raise DataError(
                f"{piece.name} has rows of width {piece.shape[1]}, {pieces[0].name} of width {pieces[0].shape[1]}"
            )
    there = sum(piece.shape[0] for piece in pieces)
    if not there:
        raise DataError(f"{source} is empty (shape {pieces[0].shape}), expected rows")
    if total is not None and there != total:
        raise DataError(f"{named} has {there} rows, expected the {total} examples of the rows, in their order")
    if width is not None and pieces[0].shape[1] != width:
        raise DataError(
            f"{named} has rows of width {pieces[0].shape[1]}, expected {width} as the rows have: of the same layer, "
            "in a model of the same size"
        )
    if only is not None:
        chosen = np.asarray(only, dtype=np.int64)
        if len(chosen) and chosen.max() >= there:
            raise DataError(f"{source} has {there} rows, expected the same examples as the rows beside it")
    elif most and there > most:
        order = torch.randperm(there, generator=stream(seed, "rows of a file"), device="cpu")
        chosen = order[:most].sort().values.numpy()
    else:
        chosen = np.arange(there)
    found, start = [], 0
    for piece in pieces:
        here = chosen[(chosen >= start) & (chosen < start + piece.shape[0])] - start
        if len(here):
            found.append(_read(piece, here))
            _check_finite(piece.name, found[-1], here, start if len(pieces) > 1 else None)
        start += piece.shape[0]
    files = f"{len(pieces)} files of {source}" if len(pieces) > 1 else source
    drawn = f"{len(chosen)} of {there} rows, drawn at random" if len(chosen) < there else f"all {there} rows"
    return ReadRows(torch.cat(found), chosen.tolist(), there, f"{drawn}, {pieces[0].shape[1]} wide, from {files}")


def _check_finite(name: str, rows: Tensor, numbers: np.ndarray, start: int | None) -> None:
    """Raise DataError naming the first row that float32 cannot hold by where it stands in its file, and, of several
    files, among all rows: the file's begin at `start`."""
    parts = (rows[at : at + BLOCK].float() for at in range(0, len(rows), BLOCK))
    bad = torch.cat([(~torch.isfinite(part)).any(1) for part in parts]).nonzero().flatten()
    if not len(bad):
        return
    first = int(bad[0])
    what = "NaN or infinity" if not torch.isfinite(rows[first]).all() else "a number beyond float32"
    among = "" if start is None else f", row {start + int(numbers[first])} of all"
    raise DataError(
        f"{name}: row {int(numbers[first])} holds {what}{among} ({len(bad)} such rows of the {len(rows)} that were "
        "read), expected finite numbers: leave such rows out"
    )


def read_labels(source: str, total: int, numbers: list[int]) -> np.ndarray:
    """The labels of the rows with these numbers; a text file has one whole number a line. Raises DataError."""
    path = Path(source)
    if path.suffix.lower() in (".txt", ".csv", ".tsv") and path.is_file():
        labels = _lines(path)
    else:
        pieces = _pieces(source, "", "--labels")
        parts = [_read(piece, np.arange(piece.shape[0]), numeric=False) for piece in pieces if piece.shape]
        labels = torch.cat(parts).numpy() if parts else np.zeros(0)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or len(labels) != total:
        raise DataError(f"{source} has labels of shape {labels.shape}, expected ({total},): one for every row")
    return labels[np.asarray(numbers, dtype=np.int64)]


def _lines(path: Path) -> np.ndarray:
    try:
        lines = path.read_text(encoding="utf-8").split()
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {_line(error)}") from error
    for number, line in enumerate(lines, 1):
        if not re.fullmatch(r"[+-]?\d+", line):
            raise DataError(f"{path}: label {number} is {line[:40]!r}, expected a whole number on each line")
    return np.array([int(line) for line in lines])


def split_name(source: str) -> tuple[str, str]:
    """What is before `[NAME]`, and NAME; empty where there is none, or a file is called so."""
    found = re.fullmatch(r"(.+)\[([^\[\]]+)\]", source)
    return (found[1], found[2]) if found and not Path(source).exists() else (source, "")


def _pieces(source: str, array: str, option: str) -> list[Piece]:
    source, name = split_name(source)
    array = name or array
    # --array is for ROWS, and for what has its arrays under the same names
    how = f"{option} {shlex.quote(f'{source}[NAME]')} reads one: NAME is" if option else "--array is"
    path = Path(source)
    if path.is_dir():
        return _folder(path, array, how)
    if path.is_file():
        return [_file(path, array, how)]
    if path.suffix.lower() in SUFFIXES or path.is_absolute() or source.startswith((".", "~")):
        raise DataError(f"{source} is not there, expected {', '.join(SUFFIXES)} or a folder of such files")
    return [_data_set(source, array, how)]


def _folder(path: Path, array: str, how: str) -> list[Piece]:
    files = [file for file in path.iterdir() if file.suffix.lower() in SUFFIXES]
    kinds = sorted({file.suffix.lower() for file in files})
    if not files:
        raise DataError(f"{path} holds no {', '.join(SUFFIXES)}: expected a folder of files of rows")
    if len(kinds) > 1:
        raise DataError(f"{path} holds {' and '.join(kinds)}, expected files of one kind: name one, or move the others")
    return [_file(file, array, how) for file in sorted(files, key=_natural)]


def _natural(path: Path) -> list[tuple[int, int | str]]:
    """So that shard 10 comes after shard 9."""
    parts = re.split(r"(\d+)", path.name)
    return [(0, int(part)) if part.isdigit() else (1, part) for part in parts if part]


def _file(path: Path, array: str, how: str) -> Piece:
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise DataError(
            f"{path} is of no form that is read (pickles never are), expected {', '.join(SUFFIXES)}: "
            "np.save('rows.npy', rows) writes one"
        )
    try:
        if suffix == ".npy":
            return _array(str(path), np.load(path, mmap_mode="r", allow_pickle=False))
        if suffix == ".npz":
            with np.load(path, allow_pickle=False) as file:
                name = _one(path, file.files, array, how)
                return _array(f"{path}[{name}]", file[name])
        return _tensor(path, array, how)
    except UNREADABLE as error:
        raise DataError(f"{path} cannot be read: {_line(error)}") from error


def _array(name: str, values: np.ndarray) -> Piece:
    # a copy: what is mapped cannot be written to, which torch warns of
    return Piece(name, tuple(values.shape), lambda chosen: torch.from_numpy(_native(values[chosen])))


def _native(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("="))


def _tensor(path: Path, array: str, how: str) -> Piece:
    with safetensors.safe_open(path, "pt") as file:
        name = _one(path, list(file.keys()), array, how)
        shape = tuple(file.get_slice(name).get_shape())

    def take(chosen: np.ndarray) -> Tensor:
        parts = []
        with safetensors.safe_open(path, "pt") as file:
            part = file.get_slice(name)
            for start in range(0, shape[0], BLOCK):
                here = chosen[(chosen >= start) & (chosen < start + BLOCK)] - start
                if len(here):
                    parts.append(part[start : start + BLOCK][torch.from_numpy(here)])
        return torch.cat(parts)

    return Piece(f"{path}[{name}]", shape, take)


def _one(path: Path, names: list[str], wanted: str, how: str) -> str:
    if wanted in names:
        return wanted
    if wanted or len(names) != 1:
        asked = f"no {wanted!r}" if wanted else f"{len(names)} arrays"
        raise DataError(f"{path} has {asked}, expected one: {how} one of {', '.join(sorted(names)) or 'none'}")
    return names[0]


def _data_set(name: str, column: str, how: str) -> Piece:
    try:
        datasets: Any = importlib.import_module("datasets")
    except ImportError as error:
        raise DataError(
            f"{name} is no file or folder; to read it as a Hugging Face data set, `pip install datasets`"
        ) from error
    try:
        data = datasets.load_dataset(name, split="train")
        columns = [entry for entry in data.column_names if _is_vector(data[0][entry])] if len(data) else []
        chosen = _one(Path(name), columns, column, how)
        width = len(data[0][chosen])
    except DataError:
        raise
    except Exception as error:  # of many kinds: the network's, the hub's, the reader's
        raise DataError(f"{name} cannot be read as a Hugging Face data set: {_line(error)}") from error

    def take(numbers: np.ndarray) -> Tensor:
        return torch.from_numpy(np.asarray(data[numbers.tolist()][chosen], dtype=np.float32))

    return Piece(f"{name}[{chosen}]", (len(data), width), take)


def _is_vector(value: Any) -> bool:
    return isinstance(value, list | tuple | np.ndarray) and len(value) > 0 and isinstance(value[0], float | np.floating)


def _read(piece: Piece, chosen: np.ndarray, numeric: bool = True) -> Tensor:
    try:
        found = piece.take(chosen)
    except (*UNREADABLE, TypeError) as error:
        raise DataError(f"{piece.name} cannot be read: {_line(error)}") from error
    if numeric and not found.is_floating_point():
        raise DataError(f"{piece.name} is of {found.dtype}, expected rows of floating point")
    return found


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
