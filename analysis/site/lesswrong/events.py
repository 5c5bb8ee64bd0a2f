"""Where something stands: what the two sides of the round trip compare.

A path names what is around a piece of a post, from outside in: `quote`, `details`, `title` (of what opens), `h3`,
`-2` (second item of a list with bullets), `7.` (the item of that number), `cell 2,3` (row, 0 for the head, and column,
from 1), `note 1`. Paragraphs, figures and divs are no part of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

# Numbers with their sign and point, words, and signs that change a meaning; all else may be set in another way.
_TOKEN = re.compile(r"(?<!\w)-(?=\d)|\d+(?:\.\d+)*|[^\W\d_]+|[%−+±≤≥=×]")


_WHAT = {"words": "words", "alt": "an alternative text", "mark": "the mark of footnote", "code": "code"}


@dataclass(frozen=True)
class Event:
    """A piece of a post: `kind` is words, formula, code, alt or mark (of a footnote)."""

    kind: str
    path: tuple[str, ...]
    text: str


def compressed(text: str) -> str:
    """A text as its words and numbers alone, so that spaces and punctuation may differ."""
    return "".join(_TOKEN.findall(text.replace("\u00ad", "")))


def misplaced(groups: Sequence[Sequence[Event]], left: Sequence[Event], lost: bool = False) -> list[str]:
    """What of a source does not stand where it stood: in the same list, cell, heading ..., and in the same order.

    `groups` are the pieces of the source in order; within a group (a figure with its caption) the order is free.
    What is nowhere in `left` is told with `lost`, else passed over.
    """
    rest = [_key(event) for event in left]
    faults, start = [], 0
    for group in groups:
        end = start
        for piece in sorted(group, key=lambda piece: -len(_key(piece))):
            wanted = _key(piece)
            if not wanted:
                continue
            holding = (
                at for at, one in enumerate(left) if one.kind == piece.kind and _holds(rest[at], wanted, piece.kind)
            )
            first = None
            place = None
            for at in holding:
                first = at if first is None else first
                if at >= start and left[at].path == piece.path:
                    place = at
                    break
            if place is not None:
                end = max(end, place)
                rest[place] = rest[place].replace(wanted, "\0", 1) if piece.kind == "words" else rest[place]
            elif first is not None:
                faults.append(_told(piece, left[first]))
            elif lost:
                faults.append(f"{_WHAT.get(piece.kind, piece.kind)} lost: {' '.join(piece.text.split())[:60]}")
        start = end
    return faults


def _key(event: Event) -> str:
    return compressed(event.text) if event.kind in ("words", "alt") else event.text


def _holds(text: str, wanted: str, kind: str) -> bool:
    return wanted in text if kind in ("words", "alt") else wanted == text


def _told(piece: Event, found: Event) -> str:
    what = _WHAT.get(piece.kind, f"a {piece.kind}")
    before, after = (", ".join(path) or "the text" for path in (piece.path, found.path))
    where = f"in {before} stand now in {after}" if before != after else f"in {before} stand in another order"
    return f"{what} {where}: {' '.join(piece.text.split())[:60]}"
