"""The embedded text: 233 State of the Union addresses, 23 of them held out. See data/text/README.md."""

from __future__ import annotations

import hashlib
import json
import lzma
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.plan import paths
from analysis.run.datasets._dataset import Dataset
from analysis.run.datasets._documents import Document
from analysis.run.datasets._text import PLACES, UNION, named, text_dataset, with_tokeniser
from analysis.run.text.contexts import checked_places
from analysis.run.text.tokenisers import Tokeniser
from analysis.system.digests import digest
from sae.errors import DataError

AGAIN = "get it again with `git checkout data/text` or make it with `python data/text/make_sotu.py`"
ADDRESSES, HELD_OUT = 233, 23


def fingerprint(*, tokeniser: Any = UNION, **others: object) -> str:
    """The sha256 of the addresses, with that of the tokeniser. Raises DataError where there are no addresses."""
    path = _file()
    try:
        return with_tokeniser(digest(path)[:16], tokeniser)
    except OSError as error:
        raise DataError(f"{path}: {error}; {AGAIN}") from error


def sotu(*, tokeniser: Any = UNION, context: Any = PLACES) -> Dataset:
    """Contexts of `context` tokens; each document's facts are `year`, `president` and `party` ("" where none).

    The split is the file's, whatever the options. Raises DataError when the file is missing, altered or short.
    """
    places, own = checked_places(context), named(tokeniser)
    return _cut(_file(), _checked(), own, places)


def addresses() -> tuple[tuple[Document, ...], NDArray[np.bool_]]:
    """The addresses in order of time, and which are held out. Raises DataError."""
    return _unpacked(_file(), _checked())


def _file() -> Path:
    return paths.find().data / "text" / "sotu.jsonl.xz"


def _checked() -> str:
    """The sha256 of the file, which is what is kept beside it."""
    path = _file()
    try:
        raw = path.read_bytes()
        expected = path.with_name("sotu.sha256").read_text().split()[0]
    except (OSError, IndexError) as error:
        raise DataError(f"{path}: {error}; {AGAIN}") from error
    found = hashlib.sha256(raw).hexdigest()
    if found != expected:
        raise DataError(f"{path} ({len(raw)} bytes) has sha256 {found[:16]}..., expected {expected[:16]}...; {AGAIN}")
    return found


@lru_cache(maxsize=1)
def _unpacked(path: Path, sha256: str) -> tuple[tuple[Document, ...], NDArray[np.bool_]]:
    """Unpacked once in a process for a file that holds the same."""
    try:
        rows = [json.loads(line) for line in lzma.decompress(path.read_bytes()).decode().splitlines()]
        held_out = np.array([row.pop("held_out") for row in rows], bool)
        documents = tuple(Document(row.pop("text"), f"the address of {row['year']}", row) for row in rows)
    except (ValueError, KeyError, lzma.LZMAError) as error:
        raise DataError(f"{path} is not the file it should be: {error}; {AGAIN}") from error
    if len(documents) != ADDRESSES or int(held_out.sum()) != HELD_OUT:
        raise DataError(
            f"{path} holds {len(documents)} addresses, {int(held_out.sum())} held out; expected {ADDRESSES} and "
            f"{HELD_OUT}; {AGAIN}"
        )
    return documents, held_out


@lru_cache(maxsize=1)
def _cut(path: Path, sha256: str, own: Tokeniser, places: int) -> Dataset:
    """Cut once in a process: every stage asks, and it takes seconds."""
    documents, held_out = _unpacked(path, sha256)
    return text_dataset("sotu", documents, held_out, "a tenth by content", own, places)
