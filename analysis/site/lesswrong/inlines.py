"""Pandoc's inline elements to nodes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from analysis.site.lesswrong import figures, markup
from analysis.site.lesswrong.context import Context
from analysis.site.lesswrong.nodes import (
    Block,
    Blocks,
    Break,
    Code,
    Display,
    Inline,
    Inlines,
    Inset,
    Link,
    Mark,
    Math,
    Paragraph,
    Styled,
    Text,
)  # fmt: skip
from analysis.site.lesswrong.sections import Ast

_STYLES = {
    "Emph": "em", "Strong": "strong", "Superscript": "sup", "Subscript": "sub", "Strikeout": "s", "Underline": "u",
}  # fmt: skip
_TAGS = {
    "b": "strong", "strong": "strong", "i": "em", "em": "em", "cite": "em", "sup": "sup", "sub": "sub", "s": "s",
    "del": "s", "u": "u",
}  # fmt: skip
# HTML around words that are as good without it.
_BARE = frozenset(["span", "small", "mark", "abbr", "kbd", "time", "q", "var", "ins", "label", "data", "bdi"])
_QUOTES = {"DoubleQuote": ("“", "”"), "SingleQuote": ("‘", "’")}
CODE_TAGS = ("code", "samp", "tt")
DATA = "application/json"
"""The type of a script that runs nothing: what a chart or a slider of the page is made from."""


def inlines(tree: list[Ast], context: Context) -> Inlines:
    """The nodes of a row of inline elements."""
    made: list[Inline] = []
    place = 0
    while place < len(tree):
        one = tree[place]
        place += 1
        if one["t"] != "RawInline":
            made += _one(one, context)
            continue
        html = one["c"][1]
        while place < len(tree) and markup.balance(html) > 0:
            html += with_holders([tree[place]], context)
            place += 1
        made += from_element(markup.parse(html), context)
    return merged(made)


def with_holders(tree: list[Ast], context: Context) -> str:
    """Raw HTML as it is, with a place holder for all that stands between."""
    return "".join(one["c"][1] if one["t"] == "RawInline" else context.hold(one, "x-node") for one in tree)


def from_element(root: markup.Element, context: Context) -> Inlines:
    """The nodes of what stands within an HTML element."""
    made: list[Inline] = []
    for child in root.children:
        if isinstance(child, str):
            made.append(Text(re.sub(r"\s+", " ", child)))
            continue
        name = child.name
        if name == "x-node":
            made += _one(context.held[int(child.attributes["at"])], context)
        elif child.has("eq-number"):
            last = made[-1] if made else None
            if isinstance(last, Math):
                made[-1] = replace(last, number=child.text().strip("()"))
        elif name == "br":
            made.append(Break())
        elif name in ("wbr", "button", "input", "select") or "hidden" in child.attributes:
            continue
        elif name in _TAGS:
            made.append(Styled(_TAGS[name], from_element(child, context)))
        elif name in CODE_TAGS:
            made.append(Code(child.text()))
        elif name == "a" and child.attributes.get("href"):
            content = from_element(child, context)
            made.append(Link(content, context.resolve(child.attributes["href"])))
        elif name == "img":
            src, alt = (child.attributes.get(key, "") for key in ("src", "alt"))
            made.append(Inset(figures.of_picture(src, alt, (), context)))
        elif name in _BARE or name == "a":
            inside = [*from_element(child, context)]
            # an interval under its number, a gloss under a name: on one line it needs brackets
            aside = (child.has("between") or name == "small") and markup.flat(child.text())
            if aside and not aside.startswith("("):
                inside = [Text(" ("), *inside, Text(")")]
            elif aside:
                inside = [Text(" "), *inside]
            made += inside
        elif name == "script" and child.attributes.get("type") == DATA:
            continue
        else:
            context.problems.append(f"<{name}> in the text: a paste drops it")
    return merged(made)


def _one(one: Ast, context: Context) -> list[Inline]:
    kind, content = one["t"], one.get("c")
    if kind == "Str":
        return [Text(str(content))]
    if kind in ("Space", "SoftBreak"):
        return [Text(" ")]
    if kind == "LineBreak":
        return [Break()]
    if kind in _STYLES:
        assert isinstance(content, list)
        inside = inlines(content, context)
        return list(inside) if any(isinstance(part, Inset) for part in inside) else [Styled(_STYLES[kind], inside)]
    assert isinstance(content, list), f"pandoc gave a {kind} without content"
    if kind == "SmallCaps":
        return list(inlines(content, context))
    if kind == "Quoted":
        before, after = _QUOTES[content[0]["t"]]
        return [Text(before), *inlines(content[1], context), Text(after)]
    if kind in ("Cite", "Span"):
        return list(inlines(content[1], context))
    if kind == "Code":
        return [Code(content[1])]
    if kind == "Math":
        return [Math(content[1].strip(), content[0]["t"] == "DisplayMath")]
    if kind == "Note":
        return [Mark(context.note(content))]
    if kind == "Image":
        alt = "".join(_words(content[1]))
        return [Inset(figures.of_picture(content[2][0], alt, (), context))]
    if kind == "Link":
        return _link(content[1], content[2][0], context)
    raise AssertionError(f"an inline element of pandoc that is not known: {kind}")


def _link(content: list[Ast], target: str, context: Context) -> list[Inline]:
    inside = inlines(content, context)
    if any(isinstance(one, Inset) for one in inside):
        return list(inside)  # a link around a picture would cost the picture its caption
    if target.startswith("#ref-"):
        return [Link(inside, context.cite(target.removeprefix("#ref-")))]
    return [Link(inside, context.resolve(target))]


def _words(tree: list[Ast]) -> list[str]:
    return [" " if one["t"] in ("Space", "SoftBreak") else str(one.get("c", "")) for one in tree]


def merged(made: Sequence[Inline]) -> Inlines:
    """Neighbouring words as one, single spaces, none at both ends."""
    out: list[Inline] = []
    for one in made:
        last = out[-1] if out else None
        if isinstance(one, Text) and isinstance(last, Text):
            out[-1] = Text(re.sub(r" +", " ", last.text + one.text))
        else:
            out.append(one)
    return tuple(one for one in out if one != Text(""))


def trimmed(made: Inlines) -> Inlines:
    """Without the spaces at both ends."""
    parts = list(made)
    if parts and isinstance(parts[0], Text):
        parts[0] = Text(parts[0].text.lstrip(" "))
    if parts and isinstance(parts[-1], Text):
        parts[-1] = Text(parts[-1].text.rstrip(" "))
    return tuple(one for one in parts if one != Text(""))


def paragraphs(content: Inlines) -> Blocks:
    """A paragraph, parted where a displayed formula or a picture stands in it."""
    out: list[Block] = []
    row: list[Inline] = []

    def flush() -> None:
        kept = trimmed(tuple(row))
        if kept:
            out.append(Paragraph(kept))
        row.clear()

    for one in content:
        if isinstance(one, Math) and one.display:
            flush()
            out.append(Display(one))
        elif isinstance(one, Inset):
            flush()
            out.append(one.figure)
        else:
            row.append(one)
    flush()
    return tuple(out)
