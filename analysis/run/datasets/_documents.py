"""Documents, and which of them are held out: whole ones, by what they hold, none that nearly stands among the others.

A document nearly stands among others where a fifth or more of its runs of eight words do (letter case, marks and
spaces aside). Such a held-out document is trained on instead, since a model has read much of it.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.run.datasets._split import as_given, by_content
from sae.errors import DataError

SHARE = 0.1
RUN = 8
NEAR = 0.2
_WORD = re.compile(r"\w+")
_FACTORS = np.array([pow(0x9E3779B97F4A7C15, power, 2**64) for power in range(1, RUN + 1)], np.uint64)


@dataclass(frozen=True)
class Document:
    """A text with where it came from, and what is known of it: `{"year": 1867, "president": ...}`."""

    text: str
    place: str
    facts: Mapping[str, Any] = field(default_factory=dict)


def runs(text: str) -> NDArray[np.uint64]:
    """(runs,) a number for each different run of eight words, ascending; of a shorter text one for all of it."""
    words = np.array([zlib.crc32(word.encode()) for word in _WORD.findall(text.lower())], np.uint64)
    if len(words) < RUN:
        words = np.concatenate([words, np.zeros(RUN - len(words), np.uint64)])
    windows = np.lib.stride_tricks.sliding_window_view(words, RUN)
    mixed = windows * _FACTORS  # wraps around, which is meant
    return np.unique((mixed ^ (mixed >> np.uint64(29))).sum(1, dtype=np.uint64))


def shared(held_out: NDArray[np.uint64], trained: NDArray[np.uint64]) -> float:
    """The share of a document's runs that stand in `trained`."""
    return float(np.isin(held_out, trained, assume_unique=True).mean())


def apart(found: Sequence[NDArray[np.uint64]], held_out: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """`held_out` without the documents, given as their runs, that nearly stand among those that are trained on."""
    kept = held_out.copy()
    trained = np.unique(np.concatenate([found[row] for row in np.flatnonzero(~kept).tolist()]))
    near = [row for row in np.flatnonzero(kept).tolist() if shared(found[row], trained) >= NEAR]
    while near:  # each that is moved is trained on, and others may nearly stand in it
        kept[near] = False
        trained = np.unique(np.concatenate([trained, *(found[row] for row in near)]))
        near = [row for row in np.flatnonzero(kept).tolist() if shared(found[row], trained) >= NEAR]
    return kept


def parted(documents: Sequence[Document], share: float, name: str) -> tuple[NDArray[np.bool_], int]:
    """(documents,) True for what is held out, and how many were moved to training. Depends on what documents hold
    alone. Raises DataError where none can be held out."""
    wished = by_content(_contents(documents), None, share, name)
    kept = apart([runs(one.text) for one in documents], wished)
    if not kept.any():
        raise DataError(
            f"{name}: each of {int(wished.sum())} documents to hold out shares {NEAR:.0%} or more of its runs of {RUN} "
            f"words with the others ({documents[int(np.argmax(wished))].place} is one); add documents that differ"
        )
    return kept, int(wished.sum() - kept.sum())


def by_share(documents: Sequence[Document], share: float, name: str) -> tuple[NDArray[np.bool_], str]:
    """`parted`, and how that was done in words."""
    held_out, moved = parted(documents, share, name)
    verb = "stands" if moved == 1 else "stand"
    more = f" ({moved} more nearly {verb} among the others: trained on)" if moved else ""
    return held_out, f"{share:g} by content{more}"


def as_told(documents: Sequence[Document], held_out: NDArray[np.bool_], name: str, overlap: Any) -> NDArray[np.bool_]:
    """A split that files say. Raises DataError where one side has no document, or a held-out one nearly stands among
    the others, unless `overlap` allows that."""
    as_given(_contents(documents), held_out, name, overlap, lambda row: documents[row].place)
    found = [runs(one.text) for one in documents]
    near = np.flatnonzero(held_out & ~apart(found, held_out)).tolist()
    if near and not overlap:
        raise DataError(
            f"{name}: {len(near)} of {int(held_out.sum())} held-out documents nearly stand among those to train on "
            f"({documents[near[0]].place}: {NEAR:.0%} or more of its runs of {RUN} words do); remove them, or say "
            "`overlap = true`"
        )
    return held_out


def _contents(documents: Sequence[Document]) -> NDArray[Any]:
    contents = np.empty(len(documents), object)
    contents[:] = [np.frombuffer(one.text.encode(), np.uint8) for one in documents]
    return contents
