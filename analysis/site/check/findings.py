"""What a check found, and how findings are put together for a reader."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, in one place."""

    page: str
    """The page or file, relative to the site's folder."""
    kind: str
    """Which rule it breaks, in a few words that are the same on every page."""
    message: str
    """What and where, so that it can be mended."""
    note: bool = False
    """True for what is told and fails nothing."""


@dataclass(frozen=True)
class Group:
    """All findings of one kind."""

    kind: str
    pages: int
    """On how many pages."""
    places: int
    """How many findings."""
    lines: tuple[tuple[str, str, int], ...]
    """Page, message, and how often it stands there."""


def grouped(findings: Iterable[Finding]) -> list[Group]:
    """Findings by kind: first what is wrong on most pages, since one cause is most likely to mend it everywhere."""
    by_kind: dict[str, Counter[tuple[str, str]]] = {}
    for one in findings:
        by_kind.setdefault(one.kind, Counter())[one.page, one.message] += 1
    groups = []
    for kind, counted in by_kind.items():
        lines = tuple((page, message, count) for (page, message), count in sorted(counted.items()))
        groups.append(Group(kind, len({page for page, _ in counted}), counted.total(), lines))
    return sorted(groups, key=lambda group: (-group.pages, -group.places, group.kind))
