"""What may help to answer an open question or to take a step: whatever shares its rare words. Proposed, never asserted.

Candidates are texts with a place: learnings and reports of work of all logs, addresses that the logs link to, and what
a project adds of its results. They are compared as TF-IDF vectors of stemmed words and of shared addresses.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from analysis.logs.fates import WAITING
from analysis.logs.items import MAYBE_BELOW, Item
from analysis.logs.likeness import GENERIC, stems, target
from analysis.logs.linked import Source

FLOOR = 0.27
"""Least cosine. Chosen by reading what is nearest to the open questions and steps of the seven sample logs and of this
project's own: of the pairs from here up that share two telling words, about three in four say something on the matter;
between .2 and here it is one in three, and below hardly any. Rather nothing than those."""
FLOORS = {"section": 0.32, "number": 0.32}
"""Of a thousand sentences of pages, or names of numbers, some share two words with anything."""
_SHARED = 2
"""So many telling words must be shared, or an address: one word alone is chance."""
_LONG = 2_000
MOST = {"log": 3, "source": 2, "figure": 2, "section": 2, "number": 1}
"""Of each sort so many at most are proposed, and IN_ALL together."""
IN_ALL = 6


@dataclass(frozen=True)
class Candidate:
    """Something that may help."""

    sort: str
    """`log`, `source`, `figure`, `section` or `number`."""
    words: str
    """What it is compared by."""
    markdown: str
    """What a page shows of it."""
    plain: str
    """What a terminal shows of it."""
    link: str = ""
    """How an answer links to it; empty for what stands in logs only."""
    day: date | None = None
    file: str = ""
    line: int = 0
    """Its place, for what stands in logs."""
    items: frozenset[str] = frozenset()
    """Ids of items that hold it: nothing is proposed to itself."""
    addresses: tuple[str, ...] = ()


def waiting(items: Iterable[Item]) -> list[Item]:
    """Open questions and steps that stand on their own, in their order: what is nested belongs to what it stands in."""
    return [
        item
        for item in items
        if item.kind in ("question", "next_step") and item.parent is None and item.state in WAITING
    ]


def from_logs(items: Sequence[Item], found: Iterable[Source]) -> list[Candidate]:
    """Learnings, reports of work and linked addresses. What an item holds below it stands there already: it is not
    proposed to it."""
    by_id = {item.id: item for item in items}
    candidates = [
        Candidate(
            "log",
            item.text,
            item.markdown,
            item.text,
            day=item.date,
            file=item.file,
            line=item.line,
            items=_around(item, by_id),
            addresses=item.links,
        )
        for item in items
        if item.kind in ("learning", "done") and item.confidence >= MAYBE_BELOW
    ]
    for source in found:
        held = frozenset().union(*(_around(item, by_id) for item in source.items))
        words = " ".join(dict.fromkeys(by_id[name].text for name in sorted(held) if name in by_id))
        place = source.places[-1]
        candidates.append(
            Candidate(
                "source",
                words[:_LONG],
                source.markdown,
                f"{source.words} {source.address}".strip(),
                day=place.date,
                file=place.file,
                line=place.line,
                items=held,
                addresses=(source.address,),
            )
        )
    return candidates


def _around(item: Item, by_id: dict[str, Item]) -> frozenset[str]:
    """The item and all that it stands in."""
    found: list[str] = []
    above: Item | None = item
    while above is not None and above.id not in found:
        found.append(above.id)
        above = by_id.get(above.parent or "")
    return frozenset(found)


def _terms(words: str, links: Iterable[str]) -> list[str]:
    return [*stems(words), *(f"link {target(link)}" for link in links if "://" in link)]


class Nearest:
    """Candidates, and those of the items asked about that they may help with."""

    def __init__(self, candidates: Sequence[Candidate], asked: Sequence[Item]) -> None:
        self._found: dict[str, tuple[Candidate, ...]] = {}
        if not candidates or not asked:
            return
        # not before: loading it takes a second
        from sklearn.feature_extraction.text import TfidfVectorizer

        ours = [_terms(item.text, item.links) for item in asked]
        theirs = [_terms(candidate.words, candidate.addresses) for candidate in candidates]
        if not any(ours) and not any(theirs):
            return
        vectorizer = TfidfVectorizer(analyzer=list, sublinear_tf=True).fit([*ours, *theirs])
        rows, columns = vectorizer.transform(ours), vectorizer.transform(theirs).T.tocsc()
        floors = [FLOORS.get(candidate.sort, FLOOR) for candidate in candidates]
        for number, item in enumerate(asked):
            near = (rows[number] @ columns).tocoo()
            pairs = zip(near.coords[1].tolist(), near.data.tolist(), strict=True)
            ordered = sorted((-round(cosine, 9), column) for column, cosine in pairs if cosine >= floors[column])
            own = frozenset(ours[number])
            chosen = [candidates[c] for _, c in ordered if _telling(own, theirs[c]) and _new(item, candidates[c])]
            self._found[item.id] = _few(chosen)

    def of(self, item: Item) -> tuple[Candidate, ...]:
        """What may help with the item, the nearest first; empty where nothing is near."""
        return self._found.get(item.id, ())


def _telling(own: frozenset[str], others: Sequence[str]) -> bool:
    shared = (own - GENERIC).intersection(others)
    return len(shared) >= _SHARED or any(term.startswith("link ") for term in shared)


def _new(item: Item, candidate: Candidate) -> bool:
    """Whether the page does not say so already: what stands in the item, and what it is held to be done by."""
    said = item.match and (item.match.file, item.match.line) == (candidate.file, candidate.line)
    return item.id not in candidate.items and not said


def _few(ordered: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """At most so many, the nearest of each sort among them, in their order."""
    left, shown = dict(MOST), dict[str, Candidate]()
    for candidate in ordered:
        thing = candidate.link or candidate.markdown  # of a section the nearest sentence
        if left[candidate.sort] and thing not in shown:
            left[candidate.sort] -= 1
            shown[thing] = candidate
    firsts = {candidate.sort: candidate for candidate in reversed(shown.values())}.values()
    kept = [*firsts, *(candidate for candidate in shown.values() if candidate not in firsts)][:IN_ALL]
    return tuple(candidate for candidate in shown.values() if candidate in kept)
