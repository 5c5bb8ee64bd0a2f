"""A post as Markdown: LessWrong's dialect, which shows raw HTML as text, or GitHub's."""

from __future__ import annotations

import re
from collections.abc import Sequence

from analysis.site.lesswrong.nodes import (
    Block,
    Break,
    Code,
    CodeBlock,
    Collapsible,
    Display,
    Drafted,
    Figure,
    Heading,
    Inline,
    Inlines,
    Items,
    Link,
    Mark,
    Math,
    Note,
    Paragraph,
    Post,
    Quote,
    Rule,
    Styled,
    Table,
    Text,
    plain,
)  # fmt: skip
from analysis.site.lesswrong.rich import tagged

_MARKS = {"em": "*", "strong": "**", "s": "~~"}
_RAISED = str.maketrans("0123456789+-=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿ")
_LOWERED = str.maketrans("0123456789+-=()", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎")
_SIGNS = re.compile(r"[\\`*\[\]<$]|~~|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)")
_AT_START = re.compile(r"^(\s*)([#>+\-]|\d+(?=[.)]))")


class Dialect:
    """Writes one post; `github` chooses between the two kinds of Markdown."""

    def __init__(self, github: bool) -> None:
        self.github = github

    def blocks(self, blocks: Sequence[Block], within: bool = False) -> str:
        """Blocks with a blank line between; `within` says that something collapsible is around them."""
        made = []
        before: Block | None = None
        other = False
        for block in blocks:
            if isinstance(block, Items):
                # two lists in a row are one, unless their marks differ
                alike = isinstance(before, Items) and (block.start is None) == (before.start is None)
                other = alike and not other
                made.append(self.items(block, within, other))
            else:
                made.append(self.block(block, within))
            before = block
        return "\n\n".join(made)

    def block(self, block: Block, within: bool) -> str:
        """One block."""
        if isinstance(block, Paragraph):
            return at_start(self.inlines(block.content))
        if isinstance(block, Heading):
            return f"{'#' * block.level} {self.inlines(block.content)}"
        if isinstance(block, Display):
            return f"$$\n{tagged(block.math)}\n$$"
        if isinstance(block, Items):
            return self.items(block, within)
        if isinstance(block, Quote):
            return indented(self.blocks(block.blocks, within), "> ", "> ")
        if isinstance(block, CodeBlock):
            fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`{3,}", block.text))])
            return f"{fence}{block.language}\n{block.text}\n{fence}"
        if isinstance(block, Figure):
            picture = f"![{escaped(block.alt)}]({address(block.src)})"
            return picture + (f"\n\n{at_start(self.inlines(block.caption))}" if block.caption else "")
        if isinstance(block, Table):
            return self.table(block)
        if isinstance(block, Collapsible):
            return self.collapsible(block, within)
        if isinstance(block, Drafted):
            return f"> **Drafted by a language model ({escaped(block.model)}).**\n\n{self.blocks(block.blocks, within)}"
        assert isinstance(block, Rule)
        return "---"

    def items(self, items: Items, within: bool, other: bool = False) -> str:
        """A list; tight where every item is one paragraph. `other` takes the other marks that a list may have."""
        bullet, stop = ("*", ")") if other else ("-", ".")
        made = []
        for place, item in enumerate(items.items):
            lead = f"{bullet} " if items.start is None else f"{items.start + place}{stop} "
            made.append(indented(self.blocks(item, within), lead, " " * len(lead)))
        return ("\n" if all(len(item) == 1 for item in items.items) else "\n\n").join(made)

    def collapsible(self, block: Collapsible, within: bool) -> str:
        """What opens and closes; one within another is opened, since the dialect cannot tell their ends apart."""
        if self.github:
            return (
                f"<details>\n<summary>{escaped_html(plain(block.title))}</summary>\n\n"
                f"{self.blocks(block.blocks, True)}\n\n</details>"
            )
        if within:
            return f"**{escaped(plain(block.title))}**\n\n{self.blocks(block.blocks, True)}"
        return f"+++ {escaped(plain(block.title))}\n\n{self.blocks(block.blocks, True)}\n\n+++"

    def table(self, table: Table) -> str:
        """A pipe table."""
        width = len(table.head)
        rows = [
            self.row(table.head),
            "|" + "|".join("--:" if at in table.right else "---" for at in range(width)) + "|",
        ]
        return "\n".join([*rows, *(self.row(row) for row in table.rows)])

    def row(self, cells: Sequence[Inlines]) -> str:
        """A row of a pipe table; within it a bar would end the cell."""
        made = []
        for cell in cells:
            safe = tuple(
                Math(one.tex.replace("\\|", "\\Vert{}").replace("|", "\\vert{}")) if isinstance(one, Math) else one
                for one in cell
            )
            made.append(self.inlines(safe).replace("|", "\\|").replace("\n", " "))
        return "| " + " | ".join(made) + " |"

    def inlines(self, content: Inlines) -> str:
        """Inline content."""
        return "".join(self.inline(one) for one in content)

    def inline(self, one: Inline) -> str:
        """One inline node."""
        if isinstance(one, Text):
            return escaped(one.text)
        if isinstance(one, Styled):
            return self.styled(one)
        if isinstance(one, Code):
            return code(one.text)
        if isinstance(one, Math):
            return f"${one.tex}$"
        if isinstance(one, Link):
            return f"[{self.inlines(one.content)}]({address(one.href)})"
        if isinstance(one, Break):
            return "  \n"
        if isinstance(one, Mark):
            return f"[^{one.index}]"
        return f"![{escaped(one.figure.alt)}]({address(one.figure.src)})"

    def styled(self, one: Styled) -> str:
        """Words in a manner; spaces at their ends go outside, where a mark would not be read as one."""
        inside = self.inlines(one.content)
        if one.tag in ("sup", "sub"):
            words = plain(one.content)
            table = _RAISED if one.tag == "sup" else _LOWERED
            if self.github:
                return f"<{one.tag}>{inside}</{one.tag}>"
            if all(ord(sign) in table for sign in words):
                return words.translate(table)
            return f"{'^' if one.tag == 'sup' else ''}({inside})"
        mark = _MARKS.get(one.tag, "")
        core = inside.strip(" ")
        if not core:
            return inside
        before, after = inside[: len(inside) - len(inside.lstrip(" "))], inside[len(inside.rstrip(" ")) :]
        return f"{before}{mark}{core}{mark}{after}"

    def notes(self, notes: Sequence[Note]) -> str:
        """The footnotes of a post."""
        return "\n\n".join(indented(self.blocks(note.blocks), f"[^{note.index}]: ", "    ") for note in notes)


def escaped(text: str) -> str:
    """Words that no reader of Markdown takes for marks."""
    return _SIGNS.sub(lambda found: "".join("\\" + sign for sign in found[0]), text)


def escaped_html(text: str) -> str:
    """Words within an HTML element of GitHub's Markdown."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def at_start(text: str) -> str:
    """A paragraph whose first sign would begin a list, a heading or a quotation."""
    found = _AT_START.match(text)
    if not found:
        return text
    if found[2].isdigit():
        return f"{text[: found.end()]}\\{text[found.end() :]}"
    return f"{found[1]}\\{text[found.start(2) :]}"


def code(text: str) -> str:
    """Inline code, in more backticks than it holds."""
    fence = "`" * (max([0, *(len(run) for run in re.findall("`+", text))]) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def address(href: str) -> str:
    """An address that ends where it should."""
    return href.replace(" ", "%20").replace("(", "%28").replace(")", "%29").replace("<", "%3C").replace(">", "%3E")


def indented(text: str, first: str, rest: str) -> str:
    """Lines with something in front of the first and of each of the others; blank ones get none of its spaces."""
    head, *tail = text.split("\n")
    return "\n".join([first + head, *((rest + line if line else rest.rstrip()) for line in tail)])


def markdown(post: Post, github: bool = False) -> str:
    """The whole post as Markdown; only GitHub's has its title, since LessWrong's has a field of its own."""
    writer = Dialect(github)
    title = f"# {escaped(post.title)}" if github else ""
    parts = [title, writer.blocks(post.blocks), writer.notes(post.notes)]
    return "\n\n".join(part for part in parts if part) + "\n"
