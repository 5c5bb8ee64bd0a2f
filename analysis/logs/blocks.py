"""A log's text as a tree of Markdown blocks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.token import Token

MAX_LINE = 20_000
"""Longer lines and paragraphs (characters) are taken as plain words, not as Markdown."""

MAX_MARKS = 1_000
"""So are paragraphs with more characters than this that open something: no end is looked for again and again."""

_MARKS = re.compile(r"[\[*_~`<&]")
_OPENING = re.compile(r"[\[\]*_~`<>&\\!]")


def _parser() -> MarkdownIt:
    """CommonMark without HTML and without indented code: in a log, four spaces are a nested thought.

    Blocks only; `_inline` reads the words within them.
    """
    # Depth is bounded because the parser recurses; deeper lines are taken up as they are.
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": 60})
    return parser.enable(["strikethrough", "table"]).disable(["code", "inline", "text_join"])


_PARSER = _parser()


@dataclass
class Node:
    """A block with the blocks in it; its words stay a flat list of tokens (`inline`)."""

    token: Token
    children: list[Node] = field(default_factory=list)
    inline: list[Token] = field(default_factory=list)

    @property
    def span(self) -> range:
        """Its lines, 1-based."""
        start, stop = self.token.map or (0, 1)
        return range(start + 1, max(stop, start + 1) + 1)


def blocks(lines: Sequence[str], numbers: Sequence[int]) -> Node:
    """The blocks of a text below one root; `numbers` are the lines of the file (1-based) that its lines stand on."""
    links: dict[str, object] = {}
    tokens = _PARSER.parse("\n".join(lines), links)
    root = Node(Token("root", "", 0))
    stack = [root]
    for token in tokens:
        if token.type == "inline":
            stack[-1].inline = _inline(token.content, links)
        elif token.nesting == -1:
            stack.pop()
        else:
            if token.map:
                first, last = token.map[0], max(token.map[1] - 1, token.map[0])
                while last > first and not lines[last].strip():
                    last -= 1  # a blank line that was put in has the number of the line below it
                token.map = [numbers[first] - 1, numbers[last]]
            node = Node(token)
            stack[-1].children.append(node)
            if token.nesting == 1:
                token.type = token.type.removesuffix("_open")
                stack.append(node)
    return root


def _inline(text: str, links: dict[str, object]) -> list[Token]:
    tokens: list[Token] = []
    if not _OPENING.search(text) and "  \n" not in text:
        # the parser would find nothing in it, and takes ten times as long
        for number, line in enumerate(text.split("\n")):
            tokens += [Token("softbreak", "br", 0)] if number else []
            tokens.append(Token("text", "", 0, content=line.strip(" ") if number else line.rstrip(" ")))
        return tokens
    if len(text) <= MAX_LINE and len(_MARKS.findall(text)) <= MAX_MARKS:
        _PARSER.inline.parse(text, _PARSER, links, tokens)
        return tokens
    # Brackets without end cost the parser time that grows with the square of their number.
    for number, line in enumerate(text.split("\n")):
        tokens += [Token("softbreak", "br", 0)] if number else []
        tokens.append(Token("text", "", 0, content=line))
    return tokens
