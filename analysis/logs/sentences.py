"""Running prose, cut into sentences with their lines."""

from __future__ import annotations

import re
from itertools import pairwise

from analysis.logs.write import Piece, cut, plain

_CLOSING = "\"'\u201d\u2019)]*_"
# Possessive, and only from the start of a run of marks: a line of 10,000 "!" stays cheap.
# Where nothing is spaced, a full stop is wide and no blank follows it.
_END = re.compile(
    rf"(?<![.!?\u2026])[.!?\u2026]++[{re.escape(_CLOSING)}]*+(?=\s)|[\u3002\uff01\uff1f]++[{re.escape(_CLOSING)}\u300d\u300f]*+(?=.)"
)
_VISIBLE = re.compile(r"\s*\S")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\"'])(?:e\.g|i\.e|ie|eg|etc|vs|cf|al|fig|figs|eq|sec|dr|mr|ms|prof|approx|ca|resp|no|vol|st"
    r"|incl|excl|esp|max|min|std|ref|refs|ch|pp|ed|est|evtl|bzw|usw|ggf|vgl|z\.b|u\.a|p\.ex|w\.r\.t|[A-Za-z])\.$",
    re.IGNORECASE,
)
# A line of less than this many characters that leaves room for the next word was ended on purpose.
_WRAP_WIDTH = 60
# With so many lines it shows whether a paragraph is wrapped or says one thing a line.
_MANY_LINES = 3


def sentences(parts: list[Piece], span: range, bullets: bool = False) -> list[tuple[list[Piece], range]]:
    """Sentences with their lines; together they cover the span without a gap. In `bullets` no line break ends one."""
    text = "".join(piece.text for piece in parts)
    ends = sentence_ends(text.replace("\n", " ") if bullets else text)
    runs = [run for run in cut(parts, ends) if plain(run)]
    starts: list[int] = []
    line = span.start
    for run in runs:
        words = "".join(piece.text for piece in run)
        starts.append(line + words[: len(words) - len(words.lstrip())].count("\n"))
        line += words.count("\n")
    last = span.stop - 1
    starts = [min(start, last) for start in (span.start, *starts[1:])] if starts else []
    stops = [max(start, after - 1) for start, after in pairwise(starts)] + [last]
    return [(run, range(first, stop + 1)) for run, first, stop in zip(runs, starts, stops, strict=False)]


def sentence_ends(text: str) -> list[int]:
    """Positions in `text` after which a new sentence starts; the end of the text is not among them."""
    ends: set[int] = set()
    for match in _END.finditer(text):
        end = match.end()
        following = text[found.end() - 1] if (found := _VISIBLE.match(text, end)) else ""
        mark = match.group().rstrip(_CLOSING)
        if following and not _runs_on(text[max(0, end - 12) : end], mark, following):
            ends.add(end)
    lines = text.split("\n")
    width = max([_WRAP_WIDTH, *(len(line) for line in lines)])
    firsts = [(line.split(maxsplit=1) or [""])[0] for line in lines[1:]]
    room = [len(line.rstrip()) + 1 + len(first) <= width for line, first in zip(lines, firsts, strict=False)]
    thoughts = len(room) >= _MANY_LINES and sum(room) > len(room) / 2  # wrapped text leaves no room on most lines
    position = -1
    for line, fits in zip(lines, room, strict=False):
        position += len(line) + 1
        if thoughts or (fits and len(line) < _WRAP_WIDTH):
            ends.add(position)
    return sorted(ends)


def _runs_on(before: str, mark: str, following: str) -> bool:
    if mark == ".":
        return bool(_ABBREVIATION.search(before.rstrip(_CLOSING)))
    return mark in ("...", "\u2026") and following.islower()
