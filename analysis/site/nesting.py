"""Refuses text over which pandoc would sit for minutes: brackets and spans that stand open in one another.

Pandoc tries every reading of an open `[` (a link, an image, a note, a span, a citation, a bare bracket), and each of
them again for every one inside: time doubles with each. Twenty take a minute, a hundred never end. `pandoc_program` has
limits for all else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from analysis.site.lines import Line
from sae.errors import RenderError

MOST = 14
"""So many may stand open at once: some seconds of pandoc's time. The borders of ten bins, `[0, 1)`, are ten."""
# What stands in code, in a formula or behind a backslash opens nothing.
_TOKENS = re.compile(
    r"\\.|(?<!`)(?P<ticks>`+)(?!`).*?(?<!`)(?P=ticks)(?!`)|\$(?=\S)[^$\n]*?\S\$|(?P<open>\[|<span\b)|(?P<close>\]|</span\s*>)",
    re.IGNORECASE,
)
_ITEM = re.compile(r"[ \t>]*(?:[-*+|]|\(?\w{1,3}[.)])[ \t]")


def check_nesting(lines: Iterable[Line]) -> None:
    """Raise RenderError, with its place, for the bracket or span with which too many stand open."""
    depth, before, items = 0, "", False
    for line in lines:
        ends = line.code or not line.text.strip()
        item = not ends and _ITEM.match(line.text) is not None
        if not before:  # the block begins: a list only does where another block does
            items = item
        if ends or (item and items):
            depth = 0
        before = "" if ends else line.text
        if ends or ("[" not in line.text and "<" not in line.text):
            depth = 0 if ends else max(0, depth - line.text.count("]"))
            continue
        for token in _TOKENS.finditer(line.text):
            depth += bool(token["open"]) - (bool(token["close"]) and depth > 0)
            if depth > MOST:
                raise RenderError(
                    f"more than {MOST} brackets or spans stand open in one another, over which pandoc would sit for "
                    "minutes: close them, or write \\[ for a bracket that opens nothing",
                    line.file,
                    line.number,
                )
