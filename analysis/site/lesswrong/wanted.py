"""What a section's source holds, piece by piece with its place: what an export has to hold as well.

The source is walked here once more, from pandoc's tree, without the code that made the export.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from analysis.site.lesswrong import page_html
from analysis.site.lesswrong.events import Event, compressed
from analysis.site.lesswrong.markup import Element, names, parse
from analysis.site.lesswrong.sections import Ast, Section

SHOWN_ROWS = 20
# Drawn into a picture, or a control of the page's scripts: not text of a post.
_UNREAD = names("chart depth-grid name-sample digits neuron-filters neuron-count nav-tabs callout-icon-container")
_SILENT = names("script style svg template")
_CONTROLS = names("button select input")
_PICTURES = names("img svg")
_BLOCKS = names(
    "p li ul ol dl dt dd summary details figcaption figure h1 h2 h3 h4 h5 h6 blockquote div section x-plain caption"
)
# One thing of which a post may turn the parts round, such as a caption and what it stands under.
_WHOLE = names("figure table")
Path = tuple[str, ...]


@dataclass
class Wanted:
    """What a section's source holds."""

    groups: list[list[Event]] = field(default_factory=list)
    """All of it with its places, in order; the parts of one group may be turned round."""
    captions: list[str] = field(default_factory=list)
    """Words under figures: among the pieces too, but they must stay captions."""
    notes: list[list[list[Event]]] = field(default_factory=list)
    """The groups of each footnote."""
    stated: list[str] = field(default_factory=list)
    """Alternative texts that stand in the source only."""
    cited: dict[str, None] = field(default_factory=dict)

    @property
    def all_groups(self) -> list[list[Event]]:
        """The groups of the text, then those of the footnotes."""
        return [*self.groups, *(group for note in self.notes for group in note)]

    def of(self, kind: str) -> list[str]:
        """The texts of one kind outside the footnotes."""
        return [event.text for group in self.groups for event in group if event.kind == kind]

    def everywhere(self, kind: str) -> list[str]:
        """The texts of one kind, those of footnotes too."""
        notes = (event.text for note in self.notes for group in note for event in group if event.kind == kind)
        return [*self.of(kind), *notes]


def wanted(section: Section) -> Wanted:
    """Everything of a section's source that an export must hold."""
    found = Wanted()
    walker = _Walker(found, section.shift)
    walker.blocks(parse(page_html.blocks(section.blocks)), (), found.groups)
    # the list of references has an order of its own
    entries: list[list[Event]] = []
    for block in _entries(section, found.cited):
        walker.blocks(parse(page_html.blocks([block])), (), entries)
    found.groups.append([event for group in entries for event in group])
    # the filter has no place for the alternative text of a figure with several images in it: it stands in the source
    text = section.page.source.text
    for name in _ids(section.blocks):
        stated = re.search(rf'#{re.escape(name)}(?![\w-])[^}}]*?fig-alt="((?:[^"\\]|\\.)*)"', text)
        found.stated += [re.sub(r"\\(.)", r"\1", stated[1])] if stated else []
    return found


def wanted_of(tree: list[Ast]) -> Wanted:
    """The same of any tree of pandoc's, its headings as they are."""
    found = Wanted()
    _Walker(found, 0).blocks(parse(page_html.blocks(tree)), (), found.groups)
    return found


def _entries(section: Section, cited: dict[str, None]) -> Iterator[Ast]:
    for key in cited:
        yield from section.page.references.get(key, [])


def _ids(tree: Any) -> Iterator[str]:
    if isinstance(tree, dict):
        if tree.get("t") == "Div" and tree["c"][0][0].startswith("fig-"):
            yield tree["c"][0][0]
        for value in tree.values():
            yield from _ids(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _ids(value)


class _Walker:
    """Reads the plain HTML of a section piece by piece."""

    def __init__(self, found: Wanted, shift: int) -> None:
        self.found, self.shift = found, shift

    def blocks(self, element: Element, path: Path, groups: list[list[Event]], whole: bool = False) -> None:
        """What stands in an element, as groups; within a `whole` all goes into the last one."""
        row: list[str] = []

        def add(event: Event) -> None:
            if not whole or not groups:
                groups.append([])
            groups[-1].append(event)

        def flush() -> None:
            text = "".join(row)
            # a caption's number and its words are two things: the finding may stand between them
            label = re.match(r"\s*(?:[^\W\d_]+\xa0\d+:|\([a-z]\)) ", text)
            end = label.end() if label else 0
            for part in (text[:end], text[end:]):
                if compressed(part):
                    add(Event("words", path, part))
            row.clear()

        def inside(parent: Element) -> None:
            for child in parent.children:
                if isinstance(child, str):
                    row.append(child)
                elif child.name in _SILENT or _UNREAD & set(child.classes) or "hidden" in child.attributes:
                    row.append(" ")
                elif child.name in _BLOCKS or child.name in ("table", "pre", "img", "x-math", "x-note"):
                    flush()
                    self.block(child, path, groups, whole, add)
                elif child.has("eq-number"):
                    self.number(child, groups)
                elif child.name not in _CONTROLS or child.within("th"):
                    if child.name == "a" and child.attributes.get("href", "").startswith("#ref-"):
                        self.found.cited.setdefault(child.attributes["href"].removeprefix("#ref-"))
                    inside(child)
                    # what is set apart on the page, such as an interval under its number
                    row.append(" " if child.name == "br" or child.has("between") else "")

        inside(element)
        flush()

    def block(self, child: Element, path: Path, groups: list[list[Event]], whole: bool, add: Any) -> None:
        """What is no run of words."""
        name = child.name
        if name == "pre":
            add(Event("code", path, child.text().strip("\n") if child.elements else child.text()))
        elif name == "x-math":
            add(Event("formula", path, " ".join(child.text().split())))
        elif name == "img":
            if not child.within("td", "th"):
                add(Event("alt", path, child.attributes.get("alt", "")))
        elif name == "x-note":
            note: list[list[Event]] = []
            self.found.notes.append(note)
            add(Event("mark", path, str(len(self.found.notes))))
            self.blocks(child, (f"note {len(self.found.notes)}",), note)
        else:
            if not whole and (name in _WHOLE or child.has("quarto-float")):
                groups.append([])
                whole = True
            if name == "table":
                self.table(child, path, groups)
            else:
                before = sum(map(len, groups))
                self.blocks(child, (*path, *self.step(child, path)), groups, whole)
                # the captions of tables and listings stand above them, as paragraphs
                above = {"quarto-float-tbl", "quarto-float-lst"} & set(child.classes)
                if name == "figcaption" and not above and child.within("figure"):
                    pieces = [event for group in groups for event in group][before:]
                    self.found.captions += [event.text for event in pieces if event.kind == "words"]

    def step(self, child: Element, path: Path) -> Path:
        """What an element adds to the path; in a cell nothing does."""
        name = child.name
        if any(step.startswith("cell") for step in path):
            return ()
        if name == "li":
            items = [one for one in child.parent.elements if one.name == "li"] if child.parent else [child]
            place = items.index(child)
            if child.parent is not None and child.parent.name == "ol":
                return (f"{int(child.parent.attributes.get('start') or 1) + place}.",)
            return (f"-{place + 1}",)
        if re.fullmatch("h[1-6]", name):
            return (f"h{min(max(int(name[1]) - self.shift, 2), 4)}",)
        if name == "details" or child.has("tab-pane"):
            return ("details",)
        if name == "summary" or child.has("tab-heading"):
            return ("title",)
        return ("quote",) if name == "blockquote" or child.has("callout") else ()

    def number(self, child: Element, groups: list[list[Event]]) -> None:
        """The number of the formula before it."""
        last = groups[-1].pop()
        groups[-1].append(Event(last.kind, last.path, f"{last.text} \\tag{{{child.text().strip('()')}}}"))

    def table(self, table: Element, path: Path, groups: list[list[Event]]) -> None:
        """The cells by row and column: one that goes over several is wanted in each of its places."""
        for caption in table.elements:
            if caption.name == "caption":
                self.blocks(caption, path, groups, True)
        rows = [row for row in table.all("tr") if row.elements]
        heads = _places([row for row in rows if row.within("thead")])
        foot = [row for row in rows if row.within("tfoot")]
        body = [*_places([row for row in rows if not row.within("thead", "tfoot")]), *_places(foot)]
        words = {id(cell): self.cell(cell, (), groups) for row in (*heads, *body) for cell in row if cell}
        gone = set()
        if "x-markdown" not in table.attributes:
            columns = range(max(map(len, body), default=0))
            inside = {at: [cell for row in body if at < len(row) and (cell := row[at])] for at in columns}
            drawn = {at for at in columns if any(one.of_class("digits") or one.all(*_PICTURES) for one in inside[at])}
            gone = {at for at in drawn if not any(words[id(one)] for one in inside[at])}
        kept = [at for at in range(max(map(len, (*heads, *body)), default=0)) if at not in gone]
        for place, row in [*((0, row) for row in heads), *enumerate(body[:SHOWN_ROWS], start=1)]:
            alone = place > 0 and len(row) > 1 and len({id(cell) for cell in row}) == 1
            for at, cell in enumerate(row):
                seen = place == 0 and any(at < len(other) and other[at] is cell for other in heads[: heads.index(row)])
                if at in kept and cell and not seen and not (alone and at):
                    where = (*path, f"cell {place},{kept.index(at) + 1}")
                    groups[-1] += [Event(one.kind, where, one.text) for one in words[id(cell)]]

    def cell(self, cell: Element, path: Path, groups: list[list[Event]]) -> list[Event]:
        """The pieces of a cell, without their place."""
        inside: list[list[Event]] = [[]]
        self.blocks(cell, ("cell",), inside, True)
        return inside[0]


def _places(rows: list[Element]) -> list[list[Element | None]]:
    """The rows of one part of a table as a grid."""
    made: list[list[Element | None]] = []
    open_cells: dict[int, tuple[Element, int]] = {}  # column -> what comes down into it, for how many rows more
    for at, row in enumerate(rows):
        line: list[Element | None] = []
        cells = [cell for cell in row.elements if cell.name in ("td", "th")]
        while cells or len(line) in open_cells:
            column = len(line)
            if column in open_cells:
                cell, more = open_cells.pop(column)
                line.append(cell)
                if more > 1:
                    open_cells[column] = (cell, more - 1)
                continue
            cell = cells.pop(0)
            # HTML reads the digits at the beginning, and ignores what follows them
            spans = [re.match(r"[ \t\n\f\r]*\+?0*(\d{1,9})", cell.attributes.get(name, "1"), re.ASCII)
                     for name in ("colspan", "rowspan")]  # fmt: skip
            across, down = (int(found[1]) if found else 1 for found in spans)
            down = (down or len(rows)) - 1
            for _ in range(max(across, 1)):
                if down and at + 1 < len(rows):
                    open_cells[len(line)] = (cell, down)
                line.append(cell)
        # what comes down beyond a gap
        for column in sorted(open_cells):
            if column > len(line) and open_cells[column][0] not in cells:
                break
        made.append(line)
    return made
