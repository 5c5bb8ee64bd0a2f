"""What loaders of a user's files share: where they lie, what an option may be, which files a folder holds.

What is wrong is a ConfigError where an option is to blame, a DataError where a file is; both say what to do.
"""

from __future__ import annotations

import hashlib
import os
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.plan import paths
from analysis.system.digests import digest_unpacked
from sae.errors import ConfigError, DataError

# What a data set may take in memory; other processes hold it, too.
MOST_BYTES = 4_000_000_000
# What a system leaves in folders by itself.
LEFT_BY_SYSTEMS = ("Thumbs.db", "desktop.ini")
GB = 1e9
# Numbers of a row that a page shows.
SHOWN = 8


def located(path: Any, what: str = "path") -> Path:
    """The file or folder that an option names: below the project, or anywhere by its whole path."""
    if not isinstance(path, str) or not path:
        raise ConfigError(f"dataset_options.{what} = {path!r}: must be the path of a file or folder, as text")
    found = paths.find().root / Path(path).expanduser()
    if not found.exists():
        raise DataError(
            f"{path} is not there (looked for {found}); `{what}` is a path below the project's folder, or a whole one"
        )
    return found


def absent(*named: Any) -> bool:
    """Whether one of the files that options name is not there: then there is no fingerprint, and no run."""
    root = paths.find().root
    return any(isinstance(path, str) and path and not (root / Path(path).expanduser()).exists() for path in named)


def wanted(name: str, value: Any, kinds: type | tuple[type, ...], expected: str) -> None:
    """Refuse an option that is not of one of `kinds`."""
    every = kinds if isinstance(kinds, tuple) else (kinds,)
    if not isinstance(value, every) or (isinstance(value, bool) and bool not in every):
        raise ConfigError(f"dataset_options.{name} = {value!r}: must be {expected}")


def inside(folder: Path) -> tuple[list[Path], list[Path]]:
    """The folders and the files in a folder, each sorted as people count (`2` before `10`); without hidden ones, and
    what systems leave."""
    with os.scandir(folder) as entries:  # knows which are folders without asking for each of ten thousand files
        seen = [(entry.name, entry.is_dir()) for entry in entries]
    names = sorted(seen, key=lambda one: natural(one[0]))
    kept = [(folder / name, is_folder) for name, is_folder in names if name[0] != "." and name not in LEFT_BY_SYSTEMS]
    return [path for path, is_folder in kept if is_folder], [path for path, is_folder in kept if not is_folder]


def below(folder: Path, above: tuple[Path, ...] = ()) -> Iterator[Path]:
    """The files in a folder and in those within it, as `inside` sorts them. Raises DataError for links in a circle."""
    here = folder.resolve()
    if here in above:
        raise DataError(f"{folder} leads back to {here}, which holds it; remove the link")
    folders, files = inside(folder)
    yield from files
    for one in folders:
        yield from below(one, (*above, here))


def natural(name: str) -> list[tuple[int, int | str]]:
    """A key to sort names by."""
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in re.split(r"(\d+)", name) if part]


def fingerprint_of(files: Iterable[Path], root: Path) -> str:
    """A hash of what files hold, unpacked, and of their names below `root`."""
    parts, start = [], f"{root}{os.sep}"
    for path in files:
        name = str(path).removeprefix(start) if str(path).startswith(start) else path.name
        try:
            parts.append(f"{name.removesuffix('.gz')}:{digest_unpacked(path)}")
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{path} cannot be read: {error}; get it again") from error
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def fitting(rows: int, shape: Sequence[int], item: int, remedy: str) -> None:
    """Refuse what would not fit into memory."""
    size = rows * int(np.prod(shape)) * item
    if size > MOST_BYTES:
        shown = " x ".join(map(str, shape))
        raise DataError(
            f"{rows:,} examples of {shown} take {size / GB:.1f} GB, at most {MOST_BYTES / GB:.0f} are read; {remedy}"
        )


def classes_of(names: Any) -> tuple[str, ...]:
    """The option `classes`: what labels 0, 1, ... are called."""
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) and name for name in names):
        raise ConfigError(f"dataset_options.classes = {names!r}: must be a list of the names of classes 0, 1, ...")
    if len(set(names)) != len(names):
        raise ConfigError(f"dataset_options.classes = {names!r}: two classes have one name")
    return tuple(names)


def as_examples(values: NDArray[Any], place: str) -> NDArray[Any]:
    """An array of examples as a data set has them: images as bytes with colours last, anything else as float32 rows.

    Whole numbers within 0..255 become bytes; a grey channel of its own is dropped.
    """
    if values.ndim < 2 or not len(values):
        raise DataError(f"{place} has shape {values.shape}; expected an example along the first axis, one row at least")
    if values.ndim == 4 and 1 in (values.shape[1], values.shape[3]):
        values = values[:, 0] if values.shape[1] == 1 else values[..., 0]
    if values.ndim == 4 and values.shape[3] != 3 and values.shape[1] == 3:
        values = np.moveaxis(values, 1, 3)
    if values.ndim == 4 and values.shape[3] != 3:
        raise DataError(f"{place} has shape {values.shape}; expected images in grey or in three colours")
    if values.ndim > 4 or 0 in values.shape:
        raise DataError(
            f"{place} has shape {values.shape}; expected (n, d), (n, height, width) or (n, height, width, 3)"
        )
    if values.ndim == 2:
        return numbers(values, place)
    if values.dtype == np.uint8:
        return values
    if not np.issubdtype(values.dtype, np.integer):
        raise DataError(f"{place} is {values.dtype}; images are whole numbers 0..255: multiply those in 0..1 by 255")
    if values.min() < 0 or values.max() > 255:
        raise DataError(f"{place} holds {values.min()}..{values.max()}; images are whole numbers 0..255")
    return values.astype(np.uint8)


def numbers(values: NDArray[Any], place: str) -> NDArray[np.float32]:
    """Rows of numbers as float32, all of them finite."""
    if not (np.issubdtype(values.dtype, np.number) or values.dtype == np.bool_) or np.iscomplexobj(values):
        raise DataError(f"{place} is {values.dtype}; expected numbers")
    if values.dtype == np.float32 and isinstance(values, np.memmap):
        rows: NDArray[np.float32] = values
    else:
        rows = values.astype(np.float32)
    finite = np.isfinite(rows).all(1)
    if not finite.all():
        raise DataError(f"{place}: row {int(np.argmin(finite))} holds a number that is not finite; leave the row out")
    return rows


def shown_numbers(row: NDArray[Any]) -> str:
    """HTML of a row of numbers, for pages: the first of them."""
    return f"<code>{', '.join(f'{value:.3g}' for value in row[:SHOWN])}{', ...' * (len(row) > SHOWN)}</code>"


def labels_of(values: NDArray[Any], place: str, classes: tuple[str, ...]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Labels as whole numbers with the names of classes: whole numbers stay as they are, texts are counted in order."""
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise DataError(f"{place} has shape {values.shape}; expected one label a row")
    if np.issubdtype(values.dtype, np.integer) or values.dtype == np.bool_:
        return values.astype(np.int64), classes
    if values.dtype.kind == "U":
        found = sorted(set(values.tolist()), key=natural)
        if classes and (lost := [name for name in found if name not in classes]):
            raise DataError(f"{place}: row {int(np.argmax(values == lost[0]))} is {lost[0]!r}, none of `classes`")
        names = classes or tuple(found)
        number = {name: place for place, name in enumerate(names)}
        return np.array([number[name] for name in values.tolist()], np.int64), names
    raise DataError(f"{place} is {values.dtype}; expected whole numbers or text, one label a row")
