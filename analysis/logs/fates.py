"""What became of next steps and questions: done, likely done, carried on, dropped, answered, or open.

Only the author makes a step *done* or *dropped*. *Likely done* is a guess, with the later work done that it rests on
and a score; *carried on* is what returns in a later log.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

import numpy as np

from analysis.logs.items import Item, Log, Match, State, natural
from analysis.logs.join import names
from analysis.logs.likeness import COMPARED, GENERIC, Likeness, stems, target, terms
from analysis.logs.settings import Matching

_SHARED = 2


WAITING: tuple[State, ...] = ("open", "carried_on", "likely_done")
"""States of what is not closed by its author's word."""
# Work that is only begun, or still to come, closes nothing.
_BEGUN = re.compile(
    r"\b(?:start(?:ed|ing)?|began|begun|begin|beginning|continu\w+|half[- ]?way|partly|partially|preliminary"
    r"|first (?:look|pass|steps?)"
    r"|work in progress|wip|in progress|ongoing|attempt(?:ed)?|tried to|trying to|looking into|looked into)\b"
    r"|\b(?:will|shall|going to|plan(?:s|ned|ning)? to|want(?:ed)? to|need(?:ed)? to|should|must|might|could|would"
    r"|hope to|intend\w* to"
    r"|next (?:week|time|month|up)|tomorrow|todo|to do|to be \w+ed|soon|later)\b",
    re.IGNORECASE,
)
# "Did not manage to sweep" reports no sweep.
_FAILED = re.compile(
    r"\b(?:not|never|no|fail(?:ed|s)?|unable|without|cannot|couldn'?t|didn'?t|can'?t|gave up|instead of)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Order:
    """The entries one after another: a log, or a day of a journal."""

    entries: tuple[tuple[date | None, str], ...]
    """Day and file of each; what has no day stands first."""

    @classmethod
    def of(cls, logs: Sequence[Log]) -> Order:
        """The entries of the logs, by day and then by file."""
        found = {(item.date, item.file) for log in logs for item in log.items}
        found |= {(log.date, log.file) for log in logs if not log.items}
        return cls(tuple(sorted(found, key=lambda entry: (entry[0] or date.min, natural(entry[1])))))

    @cached_property
    def _places(self) -> dict[tuple[date | None, str], int]:
        return {entry: place for place, entry in enumerate(self.entries)}

    @cached_property
    def dated(self) -> bool:
        """Whether some entry has a day: then nobody knows when those without one were written."""
        return any(day for day, _ in self.entries)

    def at(self, day: date | None, file: str) -> int:
        """The place of an entry, from 0."""
        return self._places[day, file]

    def last_of(self, file: str) -> int:
        """The place of a file's last entry; -1 when there is no such file."""
        return max((place for (_, name), place in self._places.items() if name == file), default=-1)

    def first(self, item: Item) -> int:
        """The place where an item stands first."""
        return min(self._places[seen.date, seen.file] for seen in item.seen)

    def last(self, item: Item) -> int:
        """The place where an item stands last."""
        return max(self._places[seen.date, seen.file] for seen in item.seen)

    def after(self, later: int, earlier: int) -> bool:
        """Whether one place is surely later than another: not where either has no day and others have one."""
        known = not self.dated or bool(self.entries[later][0] and self.entries[earlier][0])
        return known and later > earlier


def follow_up(items: Sequence[Item], order: Order, matching: Matching, answered: Mapping[str, str]) -> list[Item]:
    """The items with their states, and with what those rest on.

    `answered` gives for the ids of answered questions the log by which they were, or nothing.
    """
    items = [_stated(item, order, answered) for item in items]
    by_id = {item.id: item for item in items}
    lasts = [order.last(item) for item in items]
    newest = sorted(range(len(items)), key=lambda number: (lasts[number], number))[-COMPARED:]
    compared = sorted(newest)
    chosen = [items[number] for number in compared]
    # a nested item means what it does only below its parent
    likeness = Likeness([terms(item) + terms(by_id.get(item.parent or "", item)) for item in chosen])
    first, last = np.array([order.first(item) for item in chosen]), np.array([lasts[number] for number in compared])
    waiting = [row for row, item in enumerate(chosen) if item.state in ("open", "carried_on")]
    steps = [row for row in waiting if chosen[row].kind == "next_step"]
    reports = [row for row, item in enumerate(chosen) if item.kind == "done"]
    best: dict[int, Match] = {}
    for step, report, score in likeness.contained(
        steps, reports, matching.likely_done, lambda one, other: first[other] > last[one]
    ):
        one, other = chosen[step], chosen[report]
        if (
            order.after(order.first(other), order.last(one))
            and not (_FAILED.search(other.text) and not _FAILED.search(one.text))
            and not (_BEGUN.search(other.text) and not _BEGUN.search(one.text))
            and names(one.text) <= names(other.text)
            and likeness.shared(step, report) >= _SHARED
            and _telling(one, other)
        ):
            _keep(best, compared[step], other, score)
    heard: dict[int, Match] = {}
    for row, later, score in likeness.contained(
        waiting, range(len(chosen)), matching.mentioned, lambda one, other: last[other] > last[one]
    ):
        after = order.after(order.last(chosen[later]), order.last(chosen[row]))
        if after and likeness.shared(row, later) >= _SHARED:
            _keep(heard, compared[row], chosen[later], score)
    for number, match in best.items():
        items[number] = replace(
            items[number], state="likely_done", match=match, closed=match.file, closed_on=match.date
        )
    for number, match in heard.items():
        items[number] = replace(items[number], mentioned=match)
    return items


def _telling(step: Item, report: Item) -> bool:
    """Whether they share what the step is about: two words at least that are not in every log, or all that it has."""
    own = set(stems(step.text)) - GENERIC
    shared = own & set(stems(report.text))
    return bool(shared) and (len(shared) >= _SHARED or shared == own or bool(_targets(step) & _targets(report)))


def _targets(item: Item) -> set[str]:
    return {target(link) for link in item.links if "://" in link}


def _stated(item: Item, order: Order, answered: Mapping[str, str]) -> Item:
    if item.kind == "question" and item.id in answered:
        place = order.last_of(answered[item.id])
        return _closed(item, "answered", order, place if place >= 0 else len(order.entries) - 1)
    if item.state in ("done", "dropped"):
        state: State = "answered" if (item.kind, item.state) == ("question", "done") else item.state
        place = order.last_of(item.closed)
        return _closed(item, state, order, place if place >= 0 else order.last(item))
    returned = item.state == "open" and order.last(item) > order.first(item)
    return replace(item, state="carried_on" if returned else item.state, closed="", closed_on=None)


def _closed(item: Item, state: State, order: Order, place: int) -> Item:
    day, file = order.entries[place]
    return replace(item, state=state, closed=file, closed_on=day)


def _keep(best: dict[int, Match], number: int, other: Item, score: float) -> None:
    old = best.get(number)
    if old is None or round(score, 3) > old.score:  # the first of several that are as near
        best[number] = Match(other.date, other.file, other.line, other.text, round(score, 3))
