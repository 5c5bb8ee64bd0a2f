"""A folder of text, with folders in it: files of text, lines of JSON, parquet.

path/a.txt, path/more/b.md          a document each
path/all.jsonl, path/all.parquet    a document in each line or row, by its field `text`
path/train/..., path/test/...       the split as it stands; else whole documents are held out by content
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.plan.data_source import NOT_HERE
from analysis.run.datasets._dataset import Dataset
from analysis.run.datasets._documents import SHARE, Document, as_told, by_share
from analysis.run.datasets._files import absent, below, fingerprint_of, inside, located, wanted
from analysis.run.datasets._split import HELD_OUT, TRAIN, checked_share
from analysis.run.datasets._text import PLACES, UNION, named, text_dataset, with_tokeniser
from analysis.run.datasets._text_files import ENDINGS, FIELD, documents_in
from analysis.run.text.contexts import checked_places
from sae.errors import ConfigError, DataError

MOST_BYTES = 1_000_000_000
"""Of all files; the tokens of as much text take four times that in memory."""


class Found(NamedTuple):
    """The files of text, each with whether it is held out (None: not given), and the endings of the others."""

    files: list[tuple[Path, bool | None]]
    passed: Counter[str]


def fingerprint(*, path: str, tokeniser: Any = UNION, **others: object) -> str:
    """A hash of what the files hold and of where they lie, with the tokeniser's."""
    if absent(path):
        return NOT_HERE
    root = located(path)
    return with_tokeniser(fingerprint_of([file for file, _ in _listed(root, path).files], root), tokeniser)


def text_folder(
    *,
    path: str,
    tokeniser: Any = UNION,
    context: Any = PLACES,
    held_out: Any = None,
    field: Any = FIELD,
    overlap: Any = False,
) -> Dataset:
    """Contexts of `context` tokens. `held_out`: the share of documents, where folders do not say it. `field`: where
    lines and rows have their text. `overlap`: held-out documents may nearly stand among the others, where folders part
    them.

    Raises ConfigError for options that mean nothing, DataError for files that cannot be used.
    """
    wanted("field", field, str, "the name of the field of text, as text")
    places, own = checked_places(context), named(tokeniser)
    root = located(path)
    found = _listed(root, path)
    given = found.files[0][1] is not None
    if given and held_out is not None:
        raise ConfigError(f"dataset_options.held_out = {held_out!r}: {path} says by its folders what is held out")
    share = checked_share(SHARE if held_out is None else held_out)
    documents, told, empty = _read(found.files, root, path, field)
    if not documents:
        raise DataError(f"{path} has no documents: its {len(found.files)} files hold no text")
    if given:
        marks, how = as_told(documents, told, path, overlap), "as its folders say"
    else:
        marks, how = by_share(documents, share, path)
    passed = [f"{empty} empty documents"] * bool(empty)
    passed += [f"{count} files with {ending}" for ending, count in sorted(found.passed.items())]
    how += f"; passed over: {', '.join(passed)}" if passed else ""
    return text_dataset(path, documents, marks, how, own, places)


def _read(
    files: list[tuple[Path, bool | None]], root: Path, path: str, field: str
) -> tuple[list[Document], NDArray[np.bool_], int]:
    """The documents that hold something, which of them the folders hold out, and how many hold nothing."""
    documents, told, empty = [], [], 0
    for file, held_out in files:
        shown = (Path(path) / file.relative_to(root)).as_posix() if file != root else path
        for one in documents_in(file, shown, field):
            if not one.text.strip():
                empty += 1
                continue
            documents.append(one)
            told.append(bool(held_out))
    return documents, np.array(told, bool), empty


def _listed(root: Path, path: str) -> Found:
    """Every file of text, in order. Raises DataError where there is none, and for more than can be read."""
    if root.is_file():
        every: list[tuple[Path, bool | None]] = [(root, None)]
    else:
        folders, files = inside(root)
        names = {one.name.lower() for one in folders}
        parted = names <= {*TRAIN, *HELD_OUT} and names & {*TRAIN} and names & {*HELD_OUT}
        if parted and (beside := [file.name for file in files if file.suffix in ENDINGS]):
            raise DataError(f"{path} holds {beside[0]} beside {' and '.join(sorted(names))}; move it into one of them")
        if parted:
            above = (root.resolve(),)
            every = [(one, folder.name.lower() in HELD_OUT) for folder in folders for one in below(folder, above)]
        else:
            every = [(one, None) for one in below(root)]
    kept = [(file, mark) for file, mark in every if file.suffix in ENDINGS]
    if not kept:
        others = f", and {len(every)} other files" if every else ""
        raise DataError(f"{path} holds no text{others}; expected files that end in {', '.join(ENDINGS)}")
    size = sum(file.stat().st_size for file, _ in kept)
    if size > MOST_BYTES:
        raise DataError(f"{path} has {size:,} bytes of text, and at most {MOST_BYTES:,} are read; take a part of it")
    passed = Counter(file.suffix or "no ending" for file, _ in every if file.suffix not in ENDINGS)
    return Found(kept, passed)
