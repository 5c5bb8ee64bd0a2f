"""A section's tree to a post: pandoc's blocks to nodes, raw HTML by `fragments.py`."""

from __future__ import annotations

from html import escape
from typing import Any

from analysis.site.lesswrong import floats, fragments, markup, tables
from analysis.site.lesswrong.context import Context
from analysis.site.lesswrong.inlines import inlines, paragraphs, trimmed, with_holders
from analysis.site.lesswrong.nodes import (
    Block,
    Blocks,
    Break,
    CodeBlock,
    Drafted,
    Heading,
    Inline,
    Inlines,
    Items,
    Link,
    Paragraph,
    Post,
    Quote,
    Rule,
    Styled,
    Table,
    Text,
    plain,
)  # fmt: skip
from analysis.site.lesswrong.sections import DRAFTED, Ast

MAX_LEVEL = 4


def post(context: Context) -> Post:
    """The section as a post, with the references it cites as paragraphs at its end."""
    section = context.section
    context.blocks = lambda tree: blocks(tree, context)
    made = blocks(section.blocks, context)
    cited = [key for key in section.page.references if key in context.cited]
    if cited:
        entries = (block for key in cited for block in context.blocks(section.page.references[key]))
        made = (*made, Paragraph((Styled("strong", (Text("References"),)),)), *entries)
    if section.drafted:
        made = (Drafted(model_name(section.drafted), made),)
    title = plain(trimmed(inlines(section.title, context)))
    return Post(
        section.slug, title, context.path, context.published(section.anchor), made,
        tuple(context.notes), tuple(dict.fromkeys(part for part in (section.part, *context.remarks) if part)),
    )  # fmt: skip


def belongs(context: Context) -> Blocks:
    """What a part that is torn from its page begins with: one line that says from which; nothing for a whole page."""
    if not context.section.alone:
        return ()
    page = (Text(plain(trimmed(inlines(context.section.page.title, context)))),)
    what = "A section of " if context.section.anchor else "The beginning of "
    link = Link(page, context.published())
    return (Paragraph((Styled("em", (Text(what), link, Text("."))),)),)


def model_name(value: str) -> str:
    """The name of the model in `drafted-by="NAME"`; the bare word `model` names none."""
    return "language model" if value in ("model", "true", "True") else value


def blocks(tree: list[Ast], context: Context) -> Blocks:
    """The nodes of blocks in a row; raw HTML that is left open takes in what follows up to its end."""
    made: list[Block] = []
    place = 0
    while place < len(tree):
        html = _as_html(tree[place], context)
        if html is None:
            made += _one(tree[place], context)
            place += 1
            continue
        place += 1
        while place < len(tree) and markup.balance(html) > 0:
            html += _as_html(tree[place], context) or context.hold(tree[place], "x-block")
            place += 1
        made += fragments.blocks(markup.parse(html), context)
    return tuple(made)


def _as_html(block: Ast, context: Context) -> str | None:
    """A block of raw HTML, or a line that opens or closes some; None for any other block."""
    if block["t"] == "RawBlock":
        return str(block["c"][1])
    if block["t"] in ("Plain", "Para") and block["c"] and block["c"][0]["t"] == "RawInline":
        opening = block["c"][0]["c"][1]
        # a caption, a callout's title, a tab: what the filter writes around inline content
        if opening.startswith(("<figcaption", "<div", "<summary", "<li", "<p ")):
            return with_holders(block["c"], context)
    return None


def _one(block: Ast, context: Context) -> Blocks:
    kind, content = block["t"], block.get("c")
    if kind == "HorizontalRule":
        return (Rule(),)
    if kind == "Null":
        return ()
    assert isinstance(content, list), f"pandoc gave a {kind} without content"
    if kind in ("Para", "Plain"):
        return paragraphs(inlines(content, context))
    if kind == "Header":
        level = min(max(content[0] - context.section.shift, 2), MAX_LEVEL)
        return (Heading(level, trimmed(inlines(content[2], context))),)
    if kind == "CodeBlock":
        return (CodeBlock(content[1], _language(content[0][1])),)
    if kind == "BulletList":
        return (Items(tuple(blocks(item, context) for item in content)),)
    if kind == "OrderedList":
        return (Items(tuple(blocks(item, context) for item in content[1]), content[0][0]),)
    if kind == "DefinitionList":
        return tuple(block for item in content for block in _definition(item, context))
    if kind == "BlockQuote":
        return (Quote(blocks(content, context)),)
    if kind == "LineBlock":
        return _lines(content, context)
    if kind == "Table":
        return _table(block, context)
    if kind == "Div":
        return _div(block, context)
    if kind == "Figure":
        return blocks(content[2], context)
    raise AssertionError(f"a block of pandoc that is not known: {kind}")


def _language(classes: list[str]) -> str:
    return next((name for name in classes if name not in ("output", "sourceCode", "text")), "")


def _definition(item: list[Any], context: Context) -> Blocks:
    term = Paragraph((Styled("strong", trimmed(inlines(item[0], context))),))
    return (term, *(block for definition in item[1] for block in blocks(definition, context)))


def _lines(content: list[list[Ast]], context: Context) -> Blocks:
    row: list[Inline] = []
    for line in content:
        row += [*([Break()] if row else []), *inlines(line, context)]
    return (Paragraph(tuple(row)),)


def _div(block: Ast, context: Context) -> Blocks:
    (anchor, classes, pairs), inside = block["c"]
    attributes = dict(pairs)
    drafted = attributes.get(DRAFTED) or attributes.get(f"data-{DRAFTED}")
    if drafted and not context.section.drafted:
        return (Drafted(model_name(drafted), blocks(inside, context)),)
    if "quarto-float" in classes:
        return floats.numbered(markup.parse(_float_html(inside, context)), anchor, context)
    if "panel-tabset" in classes:
        # those of this one: a pane may hold another
        panes = [pane for part in inside if part["t"] == "Div" for pane in part["c"][1] if pane["t"] == "Div"]
        return tuple(_pane(pane["c"][1], context) for pane in panes)
    return blocks(inside, context)


def _pane(inside: list[Ast], context: Context) -> Block:
    title = [one for one in inside[0]["c"] if one["t"] != "RawInline"]
    return fragments.collapsible(trimmed(inlines(title, context)), blocks(inside[1:], context))


def _float_html(inside: list[Ast], context: Context) -> str:
    """The content of a numbered thing as HTML, its plain divs opened up: charts and grids stand in them."""
    made = []
    for block in inside:
        html = _as_html(block, context)
        if html is not None:
            made.append(html)
        elif image := _image(block):
            _, words, (src, _) = image["c"]
            alt = plain(inlines(words, context))
            made.append(f'<img src="{escape(src)}" alt="{escape(alt)}">')
        elif block["t"] == "Div":
            attributes = fragments.written(block["c"][0])
            made.append(f"<div{attributes}>{_float_html(block['c'][1], context)}</div>")
        else:
            made.append(context.hold(block, "x-block"))
    return "".join(made)


def _image(block: Ast) -> Ast | None:
    """The image that is alone in a block; a link around it would cost it its caption."""
    inside = block["c"] if block["t"] in ("Plain", "Para") else []
    if [one["t"] for one in inside] == ["Link"]:
        inside = inside[0]["c"][1]
    return inside[0] if [one["t"] for one in inside] == ["Image"] else None


def _table(block: Ast, context: Context) -> Blocks:
    _, caption, columns, head, bodies, foot = block["c"]
    heads = [_cells(row, context) for row in head[1]]
    rows = [_cells(row, context) for body in bodies for row in (*body[2], *body[3])]
    rows += [_cells(row, context) for row in foot[1]]
    width = len(columns)
    right = frozenset(at for at, column in enumerate(columns) if column[0]["t"] == "AlignRight")
    title = inlines([one for part in caption[1] for one in part.get("c", [])], context)
    made: list[Block] = [Paragraph((Styled("strong", trimmed(title)),))] if title else []
    table = Table(heads[-1] if heads else ((),) * width, tuple(rows), len(rows), right)
    return (*made, *tables.shortened(table, "", context))


def _cells(row: list[Any], context: Context) -> tuple[Inlines, ...]:
    cells: list[Inlines] = []
    for _, _, down, across, content in row[1]:
        if down > 1:
            context.problems.append("a cell over several rows: write it in each of them")
        words: list[Inline] = []
        for part in content:
            if part["t"] not in ("Plain", "Para"):
                context.problems.append("a block within a cell of a table: cells hold words")
                continue
            words += [*([Text(" ")] if words else []), *inlines(part["c"], context)]
        cells += [tables.without_pictures(tuple(words), context), *([()] * (across - 1))]
    return tuple(cells)
