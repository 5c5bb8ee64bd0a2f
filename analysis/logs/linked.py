"""What the logs link to: each public address once, in the words that link to it, with the places where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from analysis.logs.items import Item, Sighting
from analysis.logs.likeness import target
from analysis.logs.write import escape

_LABEL = r"(?:\\.|[^\[\]\\])*"


@dataclass(frozen=True)
class Source:
    """A public address of the logs."""

    address: str
    markdown: str
    """A link in the words of the item that says most about it."""
    items: tuple[Item, ...]
    """Those that link to it."""

    @property
    def words(self) -> str:
        """The words of the link; nothing where only its address stands there."""
        return re.sub(r"\\(.)", r"\1", _said(self.markdown))

    @property
    def places(self) -> tuple[Sighting, ...]:
        """Where it stands, one place a line."""
        found = {(seen.file, seen.line): seen for item in self.items for seen in item.seen}
        return tuple(found.values())


def sources(items: Iterable[Item]) -> list[Source]:
    """The http(s) addresses of the items, in the order in which they come; two addresses of one paper are one."""
    found: dict[str, list[tuple[str, Item]]] = {}
    for item in items:
        for address in item.links:
            if address.startswith(("http://", "https://")):
                found.setdefault(target(address), []).append((address, item))
    return [_source(uses) for uses in found.values()]


def _source(uses: Sequence[tuple[str, Item]]) -> Source:
    # a bare address says nothing of what it leads to, and "code" little
    address, markdown = max(((a, _linked(a, item)) for a, item in uses), key=lambda use: len(_said(use[1])))
    return Source(address, markdown, tuple({item.id: item for _, item in uses}.values()))


def _linked(address: str, item: Item) -> str:
    """The link as it stands in the item's Markdown; the address as its own words where it stands bare or is cut."""
    match = re.search(rf"(?<!!)\[({_LABEL})\]\({re.escape(address)}\)", item.markdown)
    return (
        f"[{match.group(1)}]({address})" if match and match.group(1) else f"[{escape(address, links=False)}]({address})"
    )


def _said(markdown: str) -> str:
    """The words of the link; nothing for an address."""
    words = markdown[1:].partition("](")[0].strip("* ")
    return "" if re.match(r"https?:", words) else words
