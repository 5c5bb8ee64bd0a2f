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
_NUMBER = re.compile(r"^[+\-−±]?[\d.,]+ ?%?(?: .*)?$|^$|^[–—-]$")


def html_table(element: Element, url: str, context: Context) -> Blocks:
    """An HTML table; images within cells are left out, with a remark."""
    url = url or context.addresses.page(context.path, context.section.anchor)
    heads = [row for part in element.all("thead") for row in part.all("tr")]
    rows = [row for row in element.all("tr") if row not in heads]
    pictured = sorted({at for row in rows for at, cell in enumerate(_places(row)) if cell and _pictures(cell)})
    cells = [tuple(_cell(cell, context) for cell in _places(row)) for row in rows]
    head = _head(heads, context) if heads else ()
    width = max([len(head), *(len(row) for row in cells)], default=0)
    head, *cells = [(*row, *[()] * (width - len(row))) for row in (head, *cells)]
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


def _places(row: Element) -> list[Element | None]:
    """The cells of a row by column; None where a wide cell goes on."""
    made: list[Element | None] = []
    for cell in row.elements:
        if cell.name in ("td", "th"):
            made += [cell, *[None] * (int(cell.attributes.get("colspan") or 1) - 1)]
    return made


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


def _head(rows: Sequence[Element], context: Context) -> tuple[Inlines, ...]:
    """The heads of the columns; the name of a group of columns goes in front of its first one."""
    *above, last = [_places(row) for row in rows]
    made = [_cell(cell, context) for cell in last]
    for row in above:
        for at, cell in enumerate(row[: len(made)]):
            name = flat(cell.text()) if cell else ""
            if name:
                made[at] = merged([Text(f"{name}: "), *made[at]])
    return tuple(made)
