"""The source of a section beside what is left of its export: nothing that a reader reads may be missing.

The source is walked here once more, from pandoc's tree, without the code that made the export.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from analysis.site.lesswrong.markup import Element, flat, names, parse
from analysis.site.lesswrong.reader import Survivors, read
from analysis.site.lesswrong.sections import Ast, Section

SHOWN_ROWS = 20
# Numbers with their sign and point, words, and signs that change a meaning; all else may be set in another way.
_TOKEN = re.compile(r"(?<!\w)-(?=\d)|\d+(?:\.\d+)*|[^\W\d_]+|[%−+±≤≥=×]")
_NUMBER = re.compile(r"(?:(?<!\w)-|−)?\d+(?:\.\d+)*%?")
# Drawn into a picture, or a control of the page's scripts: not text of a post.
_UNREAD = names(
    "chart depth-grid name-sample digits neuron-filters neuron-count nav-tabs tab-heading callout-icon-container"
)
_SILENT = names("script style svg template")
_PIECES = names("p li dt dd th td summary figcaption h1 h2 h3 h4 h5 h6 blockquote div section figure")


@dataclass
class Wanted:
    """What a section's source holds."""

    pieces: list[str] = field(default_factory=list)
    captions: list[str] = field(default_factory=list)
    """Words under figures: among the pieces too, but they must stay captions."""
    formulas: list[str] = field(default_factory=list)
    notes: list[list[str]] = field(default_factory=list)
    alts: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    cited: dict[str, None] = field(default_factory=dict)


def wanted(section: Section) -> Wanted:
    """Everything of a section's source that an export must hold."""
    found = Wanted()
    _blocks(section.blocks, found, found.pieces)
    for block in _entries(section, found.cited):
        _blocks([block], found, found.pieces)
    # the filter has no place for the alternative text of a figure with several images in it: it stands in the source
    text = section.page.source.text
    for name in _ids(section.blocks):
        stated = re.search(rf'#{re.escape(name)}(?![\w-])[^}}]*?fig-alt="((?:[^"\\]|\\.)*)"', text)
        found.alts += [re.sub(r"\\(.)", r"\1", stated[1])] if stated else []
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


def _blocks(tree: list[Ast], found: Wanted, pieces: list[str]) -> None:
    for block in tree:
        kind: str = block["t"]
        content: Any = block.get("c")
        if kind in ("Para", "Plain"):
            _inlines(content, found, pieces)
        elif kind == "Header":
            _inlines(content[2], found, pieces)
        elif kind == "CodeBlock":
            found.codes.append(content[1])
        elif kind == "RawBlock":
            _html(parse(content[1]), found, pieces)
        elif kind in ("BulletList", "OrderedList"):
            for item in content if kind == "BulletList" else content[1]:
                _blocks(item, found, pieces)
        elif kind == "DefinitionList":
            for term, definitions in content:
                _inlines(term, found, pieces)
                for definition in definitions:
                    _blocks(definition, found, pieces)
        elif kind == "LineBlock":
            for line in content:
                _inlines(line, found, pieces)
        elif kind == "Table":
            _table(content, found, pieces)
        elif kind == "BlockQuote":
            _blocks(content, found, pieces)
        elif kind in ("Div", "Figure"):
            _blocks(content[-1], found, pieces)


def _table(content: list[Any], found: Wanted, pieces: list[str]) -> None:
    _, caption, _, head, bodies, foot = content
    _blocks(caption[1], found, pieces)
    rows = [row for body in bodies for row in (*body[2], *body[3])]
    for row in (*head[1], *[*rows, *foot[1]][:SHOWN_ROWS]):
        for cell in row[1]:
            _blocks(cell[4], found, pieces)


def _inlines(tree: list[Ast], found: Wanted, pieces: list[str]) -> None:
    opening = str(tree[0]["c"][1]) if tree and tree[0]["t"] == "RawInline" else ""
    if opening.startswith('<li class="nav-item'):
        return  # a tab's title stands over its pane once more
    row: list[str] = []

    def flush() -> None:
        text = "".join(row)
        # a caption's number and its words are two things: the finding may stand between them
        label = re.match(r"(?:[^\W\d_]+\xa0\d+:|\([a-z]\)) ", text)
        end = label.end() if label else 0
        pieces.extend(part for part in (text[:end], text[end:]) if compressed(part))
        row.clear()

    def walk(nodes: list[Ast]) -> None:
        for one in nodes:
            kind: str = one["t"]
            content: Any = one.get("c")
            if kind == "Str":
                row.append(content)
            elif kind in ("Space", "SoftBreak", "LineBreak"):
                row.append(" ")
            elif kind == "Code":
                row.append(content[1])
            elif kind == "Math":
                flush()
                found.formulas.append(content[1].strip())
            elif kind == "Note":
                note: list[str] = []
                found.notes.append(note)
                _blocks(content, found, note)
            elif kind == "Image":
                flush()
                found.alts.append("".join(" " if w["t"] == "Space" else str(w.get("c", "")) for w in content[1]))
            elif kind == "RawInline":
                flush() if content[1].startswith(("</", "<fig", "<div")) else None
            elif kind == "Link":
                target = content[2][0]
                if target.startswith("#ref-"):
                    found.cited.setdefault(target.removeprefix("#ref-"))
                walk(content[1])
            elif kind in ("Cite", "Span", "Quoted"):
                walk(content[1])
            elif isinstance(content, list):
                walk(content)

    before = len(pieces)
    walk(tree)
    flush()
    if opening.startswith("<figcaption") and "-tbl" not in opening:
        found.captions += pieces[before:]


def _html(element: Element, found: Wanted, pieces: list[str]) -> None:
    """The words of raw HTML that a reader of a post has to get: of tables the rows that are shown."""
    row: list[str] = []
    for child in element.children:
        if isinstance(child, str):
            row.append(child)
        elif child.name in _SILENT or _UNREAD & set(child.classes) or "hidden" in child.attributes:
            row.append(" ")
        elif child.name == "img":
            found.alts += [child.attributes.get("alt", "")] if not child.within("td", "th") else []
        elif child.name == "table":
            _rows(child, found, pieces)
        elif child.name == "pre":
            found.codes.append(child.text().strip("\n"))
        elif child.name in _PIECES or child.name in ("ul", "ol", "dl", "details"):
            _html(child, found, pieces)
        elif child.name not in ("button", "select", "input") or child.within("th"):
            inner: list[str] = []
            _html(child, found, inner)
            row += [*inner, " "]
    if compressed("".join(row)):
        pieces.append("".join(row))


def _rows(table: Element, found: Wanted, pieces: list[str]) -> None:
    rows = table.all("tr")
    body = [row for row in rows if not row.within("thead")]
    for line in [*(row for row in rows if row.within("thead")), *body[:SHOWN_ROWS]]:
        for cell in line.elements:
            _html(cell, found, pieces)


def compressed(text: str) -> str:
    """A text as its words and numbers alone, so that spaces and punctuation may differ."""
    return "".join(_TOKEN.findall(text.replace("\u00ad", "")))


def lost(section: Section, html: str) -> list[str]:
    """What of a section's source is not left in its exported HTML, in words."""
    return missing(wanted(section), read(html))


def missing(source: Wanted, left: Survivors) -> list[str]:
    """What of the source is not among the survivors."""
    faults = []
    for piece in unmatched(source.pieces, left.texts):
        numbers = _NUMBER.findall(piece)
        told = f" (with the numbers {', '.join(numbers)})" if numbers else ""
        faults.append(f"words get lost{told}: {flat(piece)[:80]}")
    # under a live chart there is a paragraph: a frame has no caption
    under = left.texts if left.widgets else left.captions
    faults += [f"a caption gets lost: {flat(piece)[:80]}" for piece in unmatched(source.captions, under)]
    notes = [text for note in left.notes.values() for text in note]
    pieces = [piece for note in source.notes for piece in note]
    faults += [f"a footnote gets lost: {flat(piece)[:80]}" for piece in unmatched(pieces, notes)]
    if not len(source.notes) == len(left.notes) == len(left.marks):
        faults.append(f"{len(source.notes)} footnotes, of which {len(left.marks)} are called, {len(left.notes)} there")
    formulas = [" ".join(re.sub(r" ?\\tag\{\d+\}$", "", formula).split()) for formula in left.formulas]
    for formula in source.formulas:
        if " ".join(formula.split()) in formulas:
            formulas.remove(" ".join(formula.split()))
        else:
            faults.append(f"a formula gets lost: {formula[:60]}")
    alts = unmatched(list(dict.fromkeys(source.alts)), left.alts)
    faults += [f"an alternative text gets lost: {alt[:60]}" for alt in alts]
    faults += [f"code gets lost: {code[:60]}" for code in source.codes if code not in left.codes]
    return faults


def unmatched(pieces: list[str], texts: list[str]) -> list[str]:
    """The pieces that no text holds; a place that holds one holds no other. The longest look for theirs first."""
    whole = "\0".join(compressed(text) for text in texts)
    gone = []
    for piece in sorted(pieces, key=lambda piece: -len(compressed(piece))):
        wanted = compressed(piece)
        if wanted in whole:
            whole = whole.replace(wanted, "\1", 1)
        else:
            gone.append(piece)
    return gone
