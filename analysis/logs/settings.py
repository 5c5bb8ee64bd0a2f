"""What stands beside the logs: `logs.toml`, with thresholds and with corrections of single items.

[matching]
likely_done = 0.6

[corrections.3f2a90c1de]
kind = "learning"                     # or: question, next_step, done, resource, background, unsorted
state = "dropped"                     # or: open, done
reason = "two cores are not enough"

[corrections.643ef6d023]
aside = true                          # about the tools: on the page of the logs, not in the write-up
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from analysis.logs.items import KINDS, Item, Problem
from analysis.logs.remarks import STATES
from analysis.logs.toml import read_beside
from sae.errors import ConfigError

FILE = "logs.toml"


@dataclass(frozen=True, kw_only=True)
class Matching:
    """From which likeness on two items of different logs belong together; all between 0 and 1."""

    returns: float = 0.62
    """Cosine of weighted terms from which an item of a later log is the same thing coming back."""
    likely_done: float = 0.55
    """Share of a next step's weighted terms that a later work done must hold."""
    mentioned: float = 0.5
    """Share of an open item's weighted terms that a later item must hold to count as a mention of it."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0 < value <= 1:
                raise ConfigError(f"matching.{name} = {value}: must be above 0 and at most 1")


@dataclass(frozen=True, kw_only=True)
class Correction:
    """What the author says of one item; an empty field leaves what was read."""

    kind: str = ""
    state: str = ""
    reason: str = ""
    log: str = ""
    aside: bool = False

    def __post_init__(self) -> None:
        for name, value, known in (("kind", self.kind, KINDS), ("state", self.state, STATES)):
            if value and value not in known:
                raise ConfigError(f"{name} = {value!r}; known: {', '.join(known)}")
        if not self.kind and not self.state and not self.aside:
            raise ConfigError("a correction needs a kind, a state or `aside = true`")

    def apply(self, item: Item) -> Item:
        """The item as its author wants it; its id stays."""
        if not self.kind and not self.state:
            return item
        kind = self.kind or item.kind
        state = (self.state or item.state or "open") if kind in ("question", "next_step") else None
        return replace(item, kind=kind, state=state, confidence=1.0, note=self.reason, closed=self.log)  # type: ignore[arg-type]  # checked


@dataclass(frozen=True, kw_only=True)
class LogSettings:
    """The content of a `logs.toml`."""

    matching: Matching = field(default_factory=Matching)
    corrections: dict[str, Correction] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    """The line on which each correction begins."""

    @property
    def asides(self) -> frozenset[str]:
        """Ids of items that are no matter of the write-up."""
        return frozenset(name for name, correction in self.corrections.items() if correction.aside)

    def corrected(self, items: Iterable[Item], ids: Mapping[str, str]) -> list[Item]:
        """The joined items, those with a correction as their author wants them; `ids` as `join` gives them."""
        by_id = {ids.get(name, name): correction for name, correction in self.corrections.items()}
        return [by_id[item.id].apply(item) if item.id in by_id else item for item in items]


def load_settings(folders: list[Path]) -> LogSettings:
    """The settings of the folders' `logs.toml`; of two thresholds the last counts. Raises ConfigError."""
    matching: dict[str, Any] = {}
    corrections: dict[str, Correction] = {}
    lines: dict[str, int] = {}
    for folder in folders:
        file = read_beside(folder, FILE)
        if file is None:
            continue
        for name, table in file.table.items():
            at = file.line(rf"^\s*\[*\s*[\"']?{re.escape(name)}")
            if name not in ("matching", "corrections"):
                raise file.error(at, f"unknown table {name!r}; known: matching, corrections")
            if not isinstance(table, dict):
                raise file.error(at, f"{name} = {table!r:.80}: must be a table")
        given = file.table.get("matching", {})
        file.record(Matching, given, "matching", file.line(r"^\s*\[?\s*matching\b"))
        matching |= given
        for name, one in file.table.get("corrections", {}).items():
            lines[name] = file.line(rf"(?<!\w){re.escape(name)}(?!\w)")
            corrections[name] = file.record(Correction, one, f"corrections.{name}", lines[name])
    return LogSettings(matching=Matching(**matching), corrections=corrections, lines=lines)


def unused(settings: LogSettings, ids: Mapping[str, str], files: Collection[str]) -> list[Problem]:
    """A problem for each correction that no item answers to, or that names a log that is not there."""
    found = []
    for name, correction in settings.corrections.items():
        if name not in ids:
            found.append(Problem(file=FILE, line=settings.lines[name], message=f"no item has the id {name!r}"))
        elif correction.log and correction.log not in files:
            found.append(Problem(file=FILE, line=settings.lines[name], message=f"no log is called {correction.log!r}"))
    return found
