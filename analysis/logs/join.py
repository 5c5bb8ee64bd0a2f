"""What several logs say, each thing once.

Equal texts are one thing. So are near ones in different logs: nearly the same words in the same order, or most of the
words that count. Numbers, names in capitals and negations may never differ: MNIST is not EMNIST.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from difflib import SequenceMatcher
from functools import lru_cache

import numpy as np

from analysis.logs.items import ENUMERATOR, Item, Sighting, item_id, natural, newest_first, normalise
from analysis.logs.likeness import COMPARED, Likeness, terms

NEAR = 0.85
"""Two texts are one when this share of their words is the same, in the same order."""
ORDER = 0.65
"""Of words that count, this share must stand in the same order: "A on B" is not "B on A"."""
_SHARED = 3
_NEGATIONS = frozenset(("not", "no", "never", "without", "cannot", "dont", "doesnt", "isnt", "wont"))


@dataclass
class _Group:
    id: str
    parent: str | None
    first: int
    items: list[Item]


def join(items: Iterable[Item], returns: float) -> tuple[list[Item], dict[str, str]]:
    """Each thing once, and for the id that an item has in its log the id of the thing.

    It keeps the id of its first sighting and shows wording, place and state of its last.
    `returns` is the cosine of weighted terms from which another wording is the same thing. Within one day of one log
    only equal texts are one thing: who writes two similar lines there means two.
    """
    ordered = sorted(items, key=lambda item: (item.date or date.min, natural(item.file), item.line))
    earlier = _candidates(ordered, returns)
    groups: dict[str, _Group] = {}
    by_first: dict[int, _Group] = {}
    now: dict[str, str] = {}  # id in its log -> id of its group
    for number, item in enumerate(ordered):
        parent = now.get(item.parent, item.parent) if item.parent else None
        key = item.id if parent == item.parent else item_id(item.kind, item.text, parent)
        group = groups.get(now.get(key, key))
        if group is None:
            group = next(
                (
                    found
                    for first, cosine in earlier.get(number, ())
                    if (found := by_first.get(first))
                    and found.parent == parent
                    and all((item.date, item.file) != (seen.date, seen.file) for seen in found.items)
                    and _same(item, ordered[first], cosine, returns)
                ),
                None,
            )
        if group is None:
            group = groups[key] = by_first[number] = _Group(key, parent, number, [])
        group.items.append(item)
        now[item.id] = now[key] = group.id
    return sorted((_joined(group) for group in groups.values()), key=newest_first), now


def _candidates(ordered: Sequence[Item], returns: float) -> dict[int, list[tuple[int, float]]]:
    """For each item the earlier ones of its kind that may be the same thing, most alike first."""
    firsts: dict[str, int] = {}
    for number, item in enumerate(ordered):
        firsts.setdefault(item.id, number)
    chosen = sorted(firsts.values())[-COMPARED:]
    likeness = Likeness([terms(ordered[number]) for number in chosen])
    # within one day of one log only equal texts are one thing
    numbers: dict[tuple[date | None, str], int] = {}
    entries = np.array([numbers.setdefault((ordered[n].date, ordered[n].file), len(numbers)) for n in chosen])
    found: dict[int, list[tuple[int, float]]] = {}
    if len(numbers) < 2:
        return found
    for kind in sorted({item.kind for item in ordered}):
        rows = [row for row, number in enumerate(chosen) if ordered[number].kind == kind]
        for later, first, cosine in likeness.cosines(
            rows, min(returns, NEAR) - 0.1, lambda one, other: entries[one] != entries[other]
        ):
            found.setdefault(chosen[later], []).append((chosen[first], cosine))
    for pairs in found.values():
        pairs.sort(key=lambda pair: (-pair[1], pair[0]))
    return found


def _same(item: Item, first: Item, cosine: float, returns: float) -> bool:
    if names(item.text) != names(first.text):
        return False
    if cosine >= returns:
        one, other = terms(item), terms(first)
        shared = len(set(one) & set(other))
        if shared >= _SHARED and SequenceMatcher(None, one, other, autojunk=False).ratio() >= ORDER:
            return True
    one, other = normalise(item.text).split(), normalise(first.text).split()
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    # the two quick ones are upper bounds
    return all(bound() >= NEAR for bound in (matcher.real_quick_ratio, matcher.quick_ratio, matcher.ratio))


@lru_cache(maxsize=100_000)
def names(text: str) -> frozenset[str]:
    """Words that may not differ: numbers, names with capitals inside (MNIST is not EMNIST), negations.

    What stands in brackets is an aside, but for a number alone: part (2) is not part (1).
    """
    bare = re.sub(r"['\u2019]|\((?!\s*#?\d+\s*\))[^()]*\)", "", ENUMERATOR.sub("", text))
    words = re.findall(r"\w+", bare)
    return frozenset(
        word.casefold()
        for word in words
        if any(char.isdigit() for char in word)
        or sum(char.isupper() for char in word) > 1
        or word.casefold() in _NEGATIONS
    )


def _joined(group: _Group) -> Item:
    last = group.items[-1]
    seen = sorted(
        {Sighting(item.date, item.file, item.line, item.text) for item in group.items},
        key=lambda place: (place.date or date.min, natural(place.file), place.line),
    )
    confidence = max(item.confidence for item in group.items)
    links = dict.fromkeys(link for item in group.items for link in item.links)
    return replace(last, id=group.id, parent=group.parent, seen=tuple(seen), confidence=confidence, links=tuple(links))
