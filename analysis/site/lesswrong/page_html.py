"""A section's tree as plain HTML, for the round trip alone: one form in which Markdown and raw HTML are read alike.

Formulas, footnotes and tables of Markdown are `<x-math>`, `<x-note>` and `<table x-markdown>`. Written without the code
that makes the export, so that a mistake there is not made here again.
"""

from __future__ import annotations

from html import escape
from typing import Any

from analysis.site.lesswrong.sections import Ast

_BLOCKS = {"Para": "p", "Plain": "x-plain", "BlockQuote": "blockquote"}
_AROUND = ("<figcaption", "<div", "<summary", "<li", "<p", "</")
_SPACES = ("Space", "SoftBreak", "LineBreak")


def blocks(tree: list[Ast]) -> str:
    """The HTML of blocks."""
    return "".join(map(_block, tree))


def _block(block: Ast) -> str:
    kind: str = block["t"]
    content: Any = block.get("c")
    if kind == "RawBlock":
        return str(content[1])
    if kind in ("Para", "Plain"):
        # raw tags around words, such as those of a caption, are not in a paragraph
        raw = bool(content) and content[0]["t"] == "RawInline" and content[0]["c"][1].startswith(_AROUND)
        return inlines(content) if raw else f"<{_BLOCKS[kind]}>{inlines(content)}</{_BLOCKS[kind]}>"
    if kind == "BlockQuote":
        return f"<blockquote>{blocks(content)}</blockquote>"
    if kind == "Header":
        return f"<h{content[0]}>{inlines(content[2])}</h{content[0]}>"
    if kind == "CodeBlock":
        return f"<pre>{escape(content[1])}</pre>"
    if kind == "BulletList":
        return f"<ul>{''.join(f'<li>{blocks(item)}</li>' for item in content)}</ul>"
    if kind == "OrderedList":
        return f'<ol start="{content[0][0]}">{"".join(f"<li>{blocks(item)}</li>" for item in content[1])}</ol>'
    if kind == "DefinitionList":
        return "".join(
            f"<dt>{inlines(term)}</dt>{''.join(f'<dd>{blocks(one)}</dd>' for one in meanings)}"
            for term, meanings in content
        )
    if kind == "LineBlock":
        return f"<p>{' '.join(map(inlines, content))}</p>"
    if kind == "Table":
        return _table(content)
    if kind in ("Div", "Figure"):
        identifier, classes, pairs = content[0]
        named = [("id", identifier), ("class", " ".join(classes)), *pairs]
        attributes = "".join(f' {name}="{escape(value)}"' for name, value in named if value)
        return f"<div{attributes}>{blocks(content[-1])}</div>"
    return ""


def _table(content: list[Any]) -> str:
    _, caption, _, head, bodies, foot = content

    def rows(tree: list[Any], cell: str) -> str:
        made = []
        for _, cells in tree:
            spans = (f'<{cell} rowspan="{down}" colspan="{across}">{blocks(inside)}</{cell}>'
                     for _, _, down, across, inside in cells)  # fmt: skip
            made.append(f"<tr>{''.join(spans)}</tr>")
        return "".join(made)

    inside = "".join(f"<tbody>{rows(body[2], 'th')}{rows(body[3], 'td')}</tbody>" for body in bodies)
    return (
        f"<table x-markdown><caption>{blocks(caption[1])}</caption><thead>{rows(head[1], 'th')}</thead>"
        f"{inside}<tfoot>{rows(foot[1], 'td')}</tfoot></table>"
    )


def inlines(tree: list[Ast]) -> str:
    """The HTML of inline elements."""
    return "".join(map(_inline, tree))


def _inline(one: Ast) -> str:
    kind: str = one["t"]
    content: Any = one.get("c")
    if kind == "Str":
        return escape(content)
    if kind in _SPACES:
        return " "
    if kind == "RawInline":
        return str(content[1])
    if kind == "Code":
        return f"<code>{escape(content[1])}</code>"
    if kind == "Math":
        return f"<x-math>{escape(content[1].strip())}</x-math>"
    if kind == "Note":
        return f"<x-note>{blocks(content)}</x-note>"
    if kind == "Image":
        words = "".join(" " if word["t"] in _SPACES else str(word.get("c", "")) for word in content[1])
        return f'<img alt="{escape(words)}">'
    if kind == "Link":
        return f'<a href="{escape(content[2][0])}">{inlines(content[1])}</a>'
    if kind in ("Cite", "Span", "Quoted"):
        return f"<span>{inlines(content[1])}</span>"
    return f"<span>{inlines(content)}</span>" if isinstance(content, list) else ""
