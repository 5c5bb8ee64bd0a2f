"""The records of the log compiler: frozen, without behaviour except what follows from their fields.

A `Log` is one file as read. An `Item` is one thing that a log says, with its kind and its place. A
`Compilation` is what several logs say together, each thing once.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Literal, NamedTuple

Kind = Literal["question", "next_step", "learning", "done", "resource", "background", "unsorted"]
State = Literal["open", "done", "likely_done", "carried_on", "dropped", "answered"]

Day = date
"""A day; records with a field called `date` need another name for the type."""

KINDS: tuple[Kind, ...] = ("question", "next_step", "learning", "done", "resource", "background", "unsorted")
"""Every kind, in the order in which lists are sorted."""

MAYBE_BELOW = 0.5
"""An item that is less sure of its kind than this is shown as "maybe"."""

ENUMERATOR = re.compile(r"^\s*\(?(?:\d{1,3}|[a-z])[.)]\s+", re.IGNORECASE)
_WORD = re.compile(r"\w+")


class Sighting(NamedTuple):
    """One place where an item stands, in the words that it has there."""

    date: date | None
    file: str
    line: int
    text: str


class Match(NamedTuple):
    """Where another log says the same, and how much of it (0 to 1)."""

    date: date | None
    file: str
    line: int
    text: str
    score: float


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something in a log that could not be read as it was meant; the rest is compiled all the same."""

    file: str
    line: int
    """1-based; 1 also when the file as a whole is meant."""
    message: str
    skipped: bool = False
    """Whether the whole file was left out."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """One question, next step, learning, ... of a log."""

    id: str
    """Short hash of kind, normalised text and, for a nested item, its parent: no line number goes in."""
    kind: Kind
    text: str
    """Plain text on one line: links are only their words."""
    markdown: str
    """The same as Markdown on one line. All that could be HTML, an attribute or a command is escaped."""
    file: str
    """Name relative to the folder that was compiled."""
    line: int
    """First line of the item, 1-based."""
    end_line: int
    """Last line of the item's own text (nested items have their own)."""
    date: date | None
    """The day it was written; None where the log does not say."""
    confidence: float
    """How sure the kind is: the share of such items that is right (`calibration.py`); 1.0 by its author's word."""
    state: State | None
    """For next steps and questions; None for all other kinds. One log says "open", "done" (ticked) or "dropped";
    several logs together, and what they were answered with, say the rest."""
    depth: int
    """0 at top level, 1 for an item below another, and so on."""
    parent: str | None
    """Id of the item that this one is nested in."""
    seen: tuple[Sighting, ...]
    """All places where it stands, oldest first; the only one before logs are joined."""
    links: tuple[str, ...] = ()
    """Addresses that its text links to."""
    images: tuple[str, ...] = ()
    """Those of them that are shown as pictures."""
    note: str = ""
    """Why it was dropped or corrected, in the author's words."""
    match: Match | None = None
    """What makes a next step "likely done"."""
    mentioned: Match | None = None
    """The place of a later log that speaks most clearly of an open item."""
    closed: str = ""
    """The log by which it was done, dropped or answered; empty while it is not."""
    closed_on: Day | None = None
    """The day of that log, or of the entry in it."""
    when: str = ""
    """Month and day of its entry, as `06-23`, where no year is known."""
    block: str = ""
    """The lines of a block of code, as they stand in the log."""


@dataclass(frozen=True, kw_only=True)
class Log:
    """One file as read."""

    file: str
    title: str
    """From the front matter, else the first heading, else the file name."""
    date: date | None
    category: str
    """Empty when the front matter names none."""
    items: tuple[Item, ...]
    """In the order of the file."""
    structure: frozenset[int]
    """Lines (1-based) that carry no item: front matter, headings, breaks, fences, empty bullets."""
    problems: tuple[Problem, ...]

    def lost_lines(self, text: str) -> list[int]:
        """Lines of the file's `text` that are not blank, in no item and no structure: always none."""
        covered = set(self.structure)
        for item in self.items:
            covered.update(range(item.line, item.end_line + 1))
        return [n for n, line in enumerate(split_lines(text), 1) if line.strip() and n not in covered]


@dataclass(frozen=True, kw_only=True)
class Compilation:
    """What several logs say together."""

    items: tuple[Item, ...]
    """Each thing once, by kind, newest first."""
    logs: tuple[Log, ...]
    problems: tuple[Problem, ...]
    unread: tuple[str, ...] = ()
    """Files of the folders that are no logs by their names."""
    copies: tuple[tuple[str, str], ...] = ()
    """Files that say the same as a log, with its name: they are left out."""


def split_lines(text: str) -> list[str]:
    """Lines as editors count them: only LF, CRLF and CR end one (not U+2028, as in `splitlines`)."""
    return re.split(r"\r\n|\r|\n", text)


def normalise(text: str) -> str:
    """Text without case, punctuation and a leading `(1)`. Symbols alone are kept."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    words = _WORD.findall(ENUMERATOR.sub("", folded))
    return " ".join(words) or " ".join(folded.split())


def item_id(kind: Kind, text: str, parent: str | None) -> str:
    """Ten hex digits. The parent counts, else `MNIST` under "train" and under "measure" would be one item."""
    raw = "\0".join((kind, normalise(text), parent or ""))
    return hashlib.sha256(raw.encode("utf-8", "replace")).hexdigest()[:10]


@lru_cache(maxsize=10_000)
def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key under which `log-3` comes before `log-11`."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    key = [(0, int(part), "") if part.isdigit() and len(part) < 19 else (1, 0, part) for part in parts]
    return (*key, (2, 0, name))  # log-01 and log-1 count alike


def newest_first(item: Item) -> tuple[object, ...]:
    """Sort key: by kind, newest day first (no day last), then by place; ties keep their order."""
    day = item.date.toordinal() if item.date else 0
    return (KINDS.index(item.kind), -day, natural(item.file), item.line)
