"""What runs through the logs: things that keep coming back, themes, and promises that were never heard of again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from analysis.logs.fates import Order
from analysis.logs.items import Item, Kind, Log, Sighting, natural
from analysis.logs.likeness import STOP_WORDS, stem, stems, target

LINK_LOGS = 3
"""An address that this many logs link to keeps coming back."""
SILENT_LOGS = 2
"""A step of which this many later logs say nothing was promised and not heard of again."""
FAR = 0.7
"""Mean cosine distance up to which items are one theme."""
THEME_ITEMS = 3
"""Fewer items are no theme."""
_THEMED: tuple[Kind, ...] = ("question", "next_step", "learning")
_MOST_ITEMS = 3000
_MOST_THEMES = 12


@dataclass(frozen=True)
class Thread:
    """One thing in several logs: an item in its wordings, or an address."""

    label: str
    """The item's words, or the address."""
    link: str
    """The address; empty for an item."""
    seen: tuple[Sighting, ...]
    """One place of each log, oldest first."""


@dataclass(frozen=True)
class Theme:
    """Items that share their rare words."""

    words: tuple[str, ...]
    """The words that weigh most in it."""
    items: tuple[Item, ...]


def returning(items: Sequence[Item]) -> list[Thread]:
    """Items that came up in several logs and addresses that many link to, what came most often first."""
    found = []
    for item in items:
        seen = _one_a_log(item.seen)
        if len(seen) > 1 and (
            item.kind != "resource" or len(stems(item.text)) > 1
        ):  # "code" comes back in every log, and says nothing
            found.append(Thread(item.text, "", seen))
    places: dict[str, list[Sighting]] = {}
    shown: dict[str, str] = {}
    for item in items:
        for link in item.links:
            if "://" in link:
                places.setdefault(target(link), []).extend(item.seen)
                # of several addresses the longest: a broken one is cut off
                shown[target(link)] = max(shown.get(target(link), ""), link, key=len)
    for name, all_seen in places.items():
        seen = _one_a_log(all_seen)
        if len(seen) >= LINK_LOGS:
            found.append(Thread(shown[name], shown[name], seen))
    return sorted(found, key=lambda thread: (-len(thread.seen), thread.seen[0].file, thread.label))


def _one_a_log(seen: Sequence[Sighting]) -> tuple[Sighting, ...]:
    ordered = sorted(seen, key=lambda place: (place.date or date.min, natural(place.file), place.line))
    return tuple({(place.date, place.file): place for place in reversed(ordered)}.values())[::-1]


def forgotten(items: Sequence[Item], order: Order) -> list[Item]:
    """Open next steps of which later logs, two at least, say nothing; oldest first.

    What is nested is left out, and so is what has no date where others have one: nobody knows what came later.
    """
    last = len(order.entries) - 1
    found = [
        item
        for item in items
        if item.kind == "next_step"
        and item.parent is None
        and (item.date or not order.dated)
        and item.state == "open"
        and item.mentioned is None
        and last - order.last(item) >= SILENT_LOGS
    ]
    return sorted(found, key=lambda item: (order.last(item), item.line))


def age(item: Item, logs: Sequence[Log], order: Order) -> str:
    """For how long an item has been open: days and logs (or a journal's days) since it came up, until the last."""
    first = order.first(item)
    asked, newest = order.entries[first][0], order.entries[-1][0]
    if order.dated and not asked:
        return "open, nobody knows since when"
    later = len(order.entries) - 1 - first
    logs_or_entries = ("log", "logs") if len(order.entries) == len(logs) else ("entry", "entries")
    counts = [((newest - asked).days if newest and asked else 0, ("day", "days")), (later, logs_or_entries)]
    parts = [f"{number} {words[number > 1]}" for number, words in counts if number]
    return f"open for {' and '.join(parts)}" if parts else "new in the last log"


def themes(items: Sequence[Item]) -> list[Theme]:
    """Questions, next steps and learnings in clusters of like words, the largest first; many items are in none.

    TF-IDF vectors, joined bottom up while their mean cosine distance is at most FAR: k-means, which has to put every
    item somewhere, gave heaps that shared words and hardly thoughts (LOG.md). Of very many items the newest are taken.
    """
    chosen = [item for item in items if item.kind in _THEMED and _words(item.text)][:_MOST_ITEMS]
    if len(chosen) < 2 * THEME_ITEMS:
        return []
    # not before: most commands read logs, and with few items none has to wait for it
    from sklearn.cluster import AgglomerativeClustering
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer=_words, min_df=2, sublinear_tf=True)
    try:
        vectors = vectorizer.fit_transform([item.text for item in chosen])
    except ValueError:  # no word stands in two items
        return []
    kept = np.flatnonzero(np.diff(vectors.indptr))
    if len(kept) < 2:
        return []
    kept_vectors = vectors[kept]
    # the vectors have length 1; as dense ones a product of their mostly empty rows would take minutes
    distances = np.clip(1 - (kept_vectors @ kept_vectors.T).toarray(), 0, None)
    joined = AgglomerativeClustering(n_clusters=None, distance_threshold=FAR, metric="precomputed", linkage="average")
    labels = joined.fit_predict(distances)
    terms = vectorizer.get_feature_names_out()
    found = []
    for label in range(int(labels.max()) + 1):
        rows = np.flatnonzero(labels == label)
        members = [chosen[kept[row]] for row in rows]
        if len(members) < THEME_ITEMS:
            continue
        centre = np.asarray(kept_vectors[rows].mean(axis=0)).ravel()
        heavy = [number for number in np.argsort(-centre, kind="stable")[:3] if centre[number]]
        found.append(Theme(tuple(_spoken(str(terms[number]), members) for number in heavy), tuple(members)))
    return sorted(found, key=lambda theme: (-len(theme.items), theme.words))[:_MOST_THEMES]


def _words(text: str) -> list[str]:
    return [word for word in stems(text) if len(word) > 2 and not word.isdigit()]


def _spoken(wanted: str, items: Sequence[Item]) -> str:
    """The commonest word of the items that has the stem."""
    words = Counter(
        word
        for item in items
        for word in item.text.casefold().replace("-", " ").split()
        if (bare := word.strip(".,;:!?()\"'`*_")) and bare not in STOP_WORDS and stem(bare) == wanted
    )
    return min(words, key=lambda word: (-words[word], len(word), word)).strip(".,;:!?()\"'`*_") if words else wanted
