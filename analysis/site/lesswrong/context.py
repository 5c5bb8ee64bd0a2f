"""What the steps from a section's tree to its post share while they work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from analysis.site.lesswrong.addresses import Addresses
from analysis.site.lesswrong.names import short_hash
from analysis.site.lesswrong.nodes import Block, Blocks, Note
from analysis.site.lesswrong.pictures import Pictures
from analysis.site.lesswrong.sections import Ast, Section


@dataclass
class Context:
    """One section on its way: where links lead, where pictures go, and what was found on the way."""

    section: Section
    addresses: Addresses
    pictures: Pictures
    widgets: bool = False
    notes: list[Note] = field(default_factory=list)
    cited: dict[str, None] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    """What no post can hold; each fails the export."""
    remarks: list[str] = field(default_factory=list)
    """What the checklist says about how the section was changed."""
    held: list[Ast] = field(default_factory=list)
    """Elements of pandoc that stand within raw HTML, by the number of their place holder."""
    blocks: Callable[[list[Ast]], Blocks] = lambda tree: ()
    """Blocks of a tree: set by `compose.py`, for footnotes and for HTML that holds blocks."""

    @property
    def path(self) -> str:
        """The page's source."""
        return self.section.page.path

    def resolve(self, target: str) -> str:
        """An address on this page, made absolute; a figure of a post is on the page that shows it."""
        anchor = target.removeprefix("#") if target.startswith("#") else ""
        return self.addresses.resolve(target, self.section.stands_on(anchor) if anchor else self.path)

    def published(self, anchor: str = "") -> str:
        """Where the site has this page, or an id of it."""
        page, shown_on = self.section.stands_on(anchor), self.section.shown_on
        return self.addresses.page(page, anchor if shown_on is None or anchor in shown_on else "")

    def hold(self, tree: Ast, name: str) -> str:
        """A place holder (`x-node`, `x-block`) for an element of pandoc within raw HTML."""
        self.held.append(tree)
        return f'<{name} at="{len(self.held) - 1}"></{name}>'

    def note(self, tree: list[Ast]) -> int:
        """Take a footnote in; gives its number."""
        place = len(self.notes)
        self.notes.append(Note(place + 1, "", ()))  # notes within notes come later
        blocks: tuple[Block, ...] = self.blocks(tree)
        seed = f"{self.path}#{self.section.slug} {place} {tree!r}"
        self.notes[place] = Note(place + 1, short_hash(seed, 11), blocks)
        return place + 1

    def cite(self, key: str) -> str:
        """Where a citation leads: to the work itself if its entry links to it, else to the entry on the site."""
        self.cited.setdefault(key)
        for target in _links(self.section.page.references.get(key, [])):
            if target.startswith(("https:", "http:")):
                return target
        return self.published(f"ref-{key}")


def _links(tree: Any) -> list[str]:
    if isinstance(tree, list):
        return [target for value in tree for target in _links(value)]
    if not isinstance(tree, dict):
        return []
    own = [str(tree["c"][2][0])] if tree.get("t") == "Link" else []
    return own + _links(list(tree.values()))
