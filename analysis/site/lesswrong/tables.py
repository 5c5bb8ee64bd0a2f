"""Tables: HTML ones to nodes, and every one cut to what a post can hold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from analysis.site.lesswrong.context import Context
from analysis.site.lesswrong.inlines import from_element, merged, trimmed
from analysis.site.lesswrong.markup import Element, flat
from analysis.site.lesswrong.nodes import (
    Block,
    Blocks,
    Break,
    Inline,
    Inlines,
    Inset,
    Link,
    Paragraph,
    Styled,
    Table,
    Text,
    plain,
)

MAX_ROWS = 20
MAX_COLUMNS = 1000
"""As many as a browser lets a cell span."""
_WHOLE = re.compile(r"[ \t\n\f\r]*\+?0*([0-9]{1,9})")
_NUMBER = re.compile(r"^[+\-−±]?[\d.,]+ ?%?(?: .*)?$|^$|^[–—-]$")


def html_table(element: Element, url: str, context: Context) -> Blocks:
    """An HTML table; images within cells are left out, with a remark, and a cell over several is repeated in each."""
    url = url or context.addresses.page(context.path, context.section.anchor)
    if element.all("table"):
        context.problems.append("a table within a cell of a table: cells hold words")
        return ()
    groups = _groups(element)
    heads = [row for part, rows in groups if part == "thead" for row in grid(rows, context)]
    rows = [row for part, rows in groups if part != "thead" for row in grid(rows, context)]
    width = max((len(row) for row in (*heads, *rows)), default=0)
    heads, rows = ([[*row, *[None] * (width - len(row))] for row in part] for part in (heads, rows))
    pictured = sorted({at for row in rows for at, cell in enumerate(row) if cell and _pictures(cell)})
    cells = [_row(row, context) for row in rows]
    head = _head(heads, context) if heads else ((),) * width
    empty = {at for at in pictured if not any(row[at] for row in cells)}
    if pictured:
        names = [plain(head[at]) for at in pictured if head[at]]
        context.remarks.append(f"images in cells of a table are left out: {', '.join(names) or 'unnamed columns'}")
    kept = [at for at in range(width) if at not in empty]
    cells = [tuple(row[at] for at in kept) for row in cells]
    right = frozenset(
        at for at in range(1, len(kept)) if all(_NUMBER.match(plain(row[at]).strip()) for row in cells)
    )  # fmt: skip
    table = Table(tuple(head[at] for at in kept), tuple(cells), len(cells), right)
    caption = [child for child in element.elements if child.name == "caption"]
    above: list[Block] = [Paragraph((Styled("strong", trimmed(from_element(one, context))),)) for one in caption]
    gone = [name for at in sorted(empty) if (name := plain(head[at]))]
    return (*above, *shortened(table, url, context), *(_note(gone, url) if pictured else ()))


def _note(columns: list[str], url: str) -> Blocks:
    """Where the images of a table are; names the columns that held nothing else and are gone."""
    named = f" ({', '.join(columns)})" if columns else ""
    said = (Text(f"The images in this table{named} are "), Link((Text("on the site"),), url), Text("."))
    return (Paragraph((Styled("em", said),)),)


def shortened(table: Table, url: str, context: Context) -> Blocks:
    """The table with its first rows, and where the others are."""
    url = url or context.addresses.page(context.path, context.section.anchor)
    table = replace(table, rows=tuple(tuple(one_line(cell) for cell in row) for row in table.rows[:MAX_ROWS]),
                    head=tuple(one_line(cell) for cell in table.head))  # fmt: skip
    if table.total <= MAX_ROWS:
        return (table,)
    context.remarks.append(f"a table of {table.total} rows is cut to {MAX_ROWS}")
    return (table, Paragraph((Link((Text(f"All {table.total} rows are on the site."),), url),)))


def one_line(cell: Inlines) -> Inlines:
    """A cell without breaks: what stood on lines of its own follows a comma."""
    made: list[Inline] = []
    for one in cell:
        if isinstance(one, Break):
            made.append(Text(", "))
        else:
            made.append(one)
    return trimmed(merged(made))


def without_pictures(cell: Inlines, context: Context) -> Inlines:
    """A cell of a pipe table without the pictures in it."""
    if any(isinstance(one, Inset) for one in cell):
        context.remarks.append("images in cells of a table are left out")
    return trimmed(tuple(one for one in cell if not isinstance(one, Inset)))


def _groups(table: Element) -> list[tuple[str, list[Element]]]:
    """The rows by the part of the table that they stand in, as a browser shows them: a cell ends with its part."""
    parts: list[tuple[str, list[Element]]] = []
    for child in table.elements:
        if child.name in ("thead", "tbody", "tfoot"):
            parts.append((child.name, [row for row in child.elements if row.name == "tr"]))
        elif child.name == "tr" and parts and parts[-1][0] == "":
            parts[-1][1].append(child)
        elif child.name == "tr":
            parts.append(("", [child]))
    return sorted(parts, key=lambda part: {"thead": 0, "tfoot": 2}.get(part[0], 1))


def grid(rows: Sequence[Element], context: Context) -> list[list[Element | None]]:
    """The cells by row and column: one over several stands in each of its places, None where there is none."""
    made: list[list[Element | None]] = [[] for _ in rows]
    taken: dict[tuple[int, int], Element] = {}
    for at, row in enumerate(rows):
        column = 0
        for cell in row.elements:
            if cell.name not in ("td", "th"):
                continue
            while (at, column) in taken:
                column += 1
            # what no browser takes for a number is one; a row span of 0 goes to the end
            across = min(_span(cell, "colspan") or 1, MAX_COLUMNS)
            down = min(_span(cell, "rowspan") or len(rows), len(rows) - at)
            places = [(at + y, column + x) for y in range(down) for x in range(across)]
            if any(place in taken for place in places):
                context.problems.append(f"cells of a table overlap at {flat(cell.text())[:40]!r}: it spans too much")
            taken |= dict.fromkeys(places, cell)
            column += across
    for (at, column), cell in taken.items():
        made[at] += [None] * (column + 1 - len(made[at]))
        made[at][column] = cell
    return made


def _span(cell: Element, name: str) -> int:
    """A whole number as HTML reads one: digits at the beginning, behind spaces and a plus; what follows is ignored."""
    found = _WHOLE.match(cell.attributes.get(name, "1"))
    return int(found[1]) if found else 1


def _row(row: Sequence[Element | None], context: Context) -> tuple[Inlines, ...]:
    """The words of a row; a single cell across all of it is the name of the rows below, said once."""
    alone = len(row) > 1 and len({id(cell) for cell in row}) == 1
    cells = [_cell(cell, context) if at == 0 or not alone else () for at, cell in enumerate(row)]
    return tuple(cells)


def _pictures(cell: Element) -> bool:
    return bool(cell.of_class("digits") or cell.all("img", "svg"))


def _cell(cell: Element | None, context: Context) -> Inlines:
    if cell is None:
        return ()
    content = trimmed(from_element(_wordy(cell), context))
    group = cell.attributes.get("scope") == "rowgroup"
    return (Styled("strong", content),) if group and content else content


def _wordy(cell: Element) -> Element:
    """The cell without pictures; blocks in it opened up, so that their words follow one another."""
    made = Element(cell.name, dict(cell.attributes))
    for child in cell.children:
        if isinstance(child, str):
            made.children.append(child)
        elif child.has("digits") or child.name in ("img", "svg", "script"):
            made.children.append(" ")
        elif child.name in ("div", "p", "button", "ul", "li"):
            made.children += [" ", *_wordy(child).children, " "]
        else:
            made.children.append(child)
    return made


def _head(rows: Sequence[Sequence[Element | None]], context: Context) -> tuple[Inlines, ...]:
    """The heads of the columns; the name of a group of columns goes in front of each of them."""
    *above, last = rows
    made = [_cell(cell, context) for cell in last]
    under = list(last)
    for row in reversed(above):
        for at, cell in enumerate(row):
            name = flat(cell.text()) if cell and cell is not under[at] else ""
            if name:
                made[at] = merged([Text(f"{name}: "), *made[at]]) if made[at] else (Text(name),)
            under[at] = cell
    return tuple(made)
