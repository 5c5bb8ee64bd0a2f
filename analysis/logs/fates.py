"""What became of next steps and questions: done, likely done, carried on, dropped, answered, or open.

Only the author makes a step *done* or *dropped*. *Likely done* is a guess, with the later work done that it rests on
and a score; *carried on* is what returns in a later log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from analysis.logs.items import Item, Log, Match, State
from analysis.logs.join import names
from analysis.logs.likeness import Likeness, terms
from analysis.logs.settings import Matching

_SHARED = 2


@dataclass(frozen=True)
class Order:
    """The logs one after another: which place each has."""

    places: dict[str, int]
    """File to its place, from 0."""

    @classmethod
    def of(cls, logs: Sequence[Log]) -> Order:
        """The order of logs that are sorted already."""
        return cls({log.file: place for place, log in enumerate(logs)})

    def first(self, item: Item) -> int:
        """The place of the log in which an item stands first."""
        return min(self.places[seen.file] for seen in item.seen)

    def last(self, item: Item) -> int:
        """The place of the log in which an item stands last."""
        return max(self.places[seen.file] for seen in item.seen)


def follow_up(items: Sequence[Item], order: Order, matching: Matching, answered: Mapping[str, str]) -> list[Item]:
    """The items with their states, and with what those rest on.

    `answered` gives for the ids of answered questions the log by which they were, or nothing.
    """
    items = [_stated(item, order, answered) for item in items]
    by_id = {item.id: item for item in items}
    # a nested item means what it does only below its parent
    likeness = Likeness([terms(item) + terms(by_id.get(item.parent or "", item)) for item in items])
    waiting = [number for number, item in enumerate(items) if item.state in ("open", "carried_on")]
    steps = [number for number in waiting if items[number].kind == "next_step"]
    reports = [number for number, item in enumerate(items) if item.kind in ("done", "learning")]
    best: dict[int, Match] = {}
    for step, report, score in likeness.contained(steps, reports, matching.likely_done):
        if (
            order.first(items[report]) > order.last(items[step])
            and names(items[step].text) <= names(items[report].text)
            and likeness.shared(step, report) >= _SHARED
        ):
            _keep(best, step, items[report], score)
    heard: dict[int, Match] = {}
    everything = range(len(items))
    for one, other, score in likeness.contained(waiting, everything, matching.mentioned):
        later = order.last(items[other]) > order.last(items[one])
        if one != other and later and likeness.shared(one, other) >= _SHARED:
            _keep(heard, one, items[other], score)
    for number, match in best.items():
        items[number] = replace(items[number], state="likely_done", match=match, closed=match.file)
    for number, match in heard.items():
        items[number] = replace(items[number], mentioned=match)
    return items


def _stated(item: Item, order: Order, answered: Mapping[str, str]) -> Item:
    if item.kind == "question" and item.id in answered:
        newest = max(order.places, key=lambda file: order.places[file])
        return replace(item, state="answered", closed=_known(answered[item.id], order) or newest)
    if item.state in ("done", "dropped"):
        state: State = "answered" if (item.kind, item.state) == ("question", "done") else item.state
        last = max(item.seen, key=lambda seen: order.places[seen.file]).file
        return replace(item, state=state, closed=_known(item.closed, order) or last)
    returned = item.state == "open" and order.last(item) > order.first(item)
    return replace(item, state="carried_on" if returned else item.state, closed="")


def _known(file: str, order: Order) -> str:
    return file if file in order.places else ""


def _keep(best: dict[int, Match], number: int, other: Item, score: float) -> None:
    old = best.get(number)
    if old is None or score > old.score:
        best[number] = Match(other.date, other.file, other.line, other.text, round(score, 3))
