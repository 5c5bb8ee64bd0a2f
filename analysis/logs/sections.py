"""The kinds that headings and labels name.

Names are matched loosely: case, colon, numbering, small words ("my", "open", "today's"), a slip in spelling
and two names in one heading ("Results & Next Steps") are all understood.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import lru_cache

from analysis.logs.dates import find_date
from analysis.logs.items import Kind
from analysis.logs.names import ENGLISH_NAMES, HINTS, NAMES, PARTS, folded

_LONG_NAMES = [(known, frozenset(known)) for known in ENGLISH_NAMES if len(known) > 4]

# At the start or the end of a short heading these decide it: "Questions for the next call", "Early results".
_STRONG = re.compile(
    r"^(questions?|confusions?|next steps?|todos?|to do|plans?|learnings?|observations?|findings?|takeaways?"
    r"|results?|resources|references|background|goals?|hypothes[ie]s|what i (?:did|learn(?:ed|t)?|found))\b"
    r"|\b(questions|confusions|next steps|todos?|to do|plan|learnings|observations|findings|takeaways|results"
    r"|resources|references|background|goals?|hypothes[ie]s)$"
)
_HINTED_WORDS = 6
_SMALL = frozenset(
    re.findall(
        r"\w+",
        """
    the a an my our some today todays this week weeks weekly daily main key big open other more few
    new current possible potential further quick for of on yesterday immediate now so far and also
    important random basic rough initial
""",
    )
)
_COLON = re.compile(r"\s?[:\uff1a]")
_ANSWERED = re.compile(
    r"\b(?:answered|solved|resolved|closed|answers|beantwortet\w*|gel\u00f6st\w*|r\u00e9solu\w*|respondidas?|resueltas?|risolt[oe])\b"
    r"|\u5df2\u89e3\u51b3|\u89e3\u6c7a\u6e08",
    re.IGNORECASE,
)
_MAX_WORDS = 7
_SPELLING = 0.86


@dataclass(frozen=True)
class Section:
    """What a heading or label means."""

    kinds: tuple[Kind, ...]
    """More than one when the heading names more ("Questions / TODO")."""
    rest: str
    """What follows the colon: itself an item; empty when nothing follows."""
    answered: bool = False
    """Whether it holds what is answered."""


def section(text: str, *, strict: bool = False) -> Section | None:
    """The section that `text` names, or None.

    `strict` is for labels within prose ("TODO: ..."): only a whole known name counts.
    """
    name, _, rest = _COLON.sub(":", text, count=1).partition(":")
    kinds = _kinds(name, strict)
    if kinds:
        rest = rest.strip(" \t*_")
        return Section(kinds, "" if find_date(rest) and len(rest.split()) < 4 else rest, bool(_ANSWERED.search(name)))
    if strict:
        return None
    for part in re.split(r":|\s[-\u2013\u2014|]\s", text):
        if kinds := _kinds(part, strict):
            return Section(kinds, "")
    return None


def _kinds(name: str, strict: bool) -> tuple[Kind, ...]:
    if len(name.split()) > _MAX_WORDS or len(name) > 80:
        return ()
    whole = _lookup(name, strict)
    if whole:
        return (whole,)
    parts = re.split(r"[/&+,]|\band\b", name, flags=re.IGNORECASE)
    found = [_lookup(part, strict) for part in parts]
    return tuple(dict.fromkeys(kind for kind in found if kind)) if len(parts) > 1 else ()


@lru_cache(maxsize=10_000)
def _lookup(name: str, strict: bool) -> Kind | None:
    plain = folded(name)
    words = re.findall(r"[^\W\d_]+", plain)
    if not words:
        return None
    lean = [word for word in words if word not in _SMALL]
    for candidate in (" ".join(words), " ".join(lean)):
        if candidate in NAMES:
            return NAMES[candidate]
    if strict or re.search(r"[/&+,]|\band\b", plain):
        return None
    lean_name = " ".join(lean)
    if len(lean) <= 5 and (strong := _STRONG.search(lean_name)):
        return NAMES[strong.group(1) or strong.group(2)]
    close = difflib.get_close_matches(lean_name, _alike(lean_name), n=1, cutoff=_SPELLING) if len(lean_name) > 4 else []
    if close:
        return NAMES[close[0]]
    if len(words) > _HINTED_WORDS:
        return None
    hints = PARTS if any(char > "\u2e80" for char in plain) else HINTS
    return next((kind for kind, pattern in hints if pattern.search(" ".join(words))), None)


def _alike(name: str) -> list[str]:
    """Known names that share letters enough to be close: no other can be, and to measure each takes a millisecond."""
    letters = frozenset(name)
    return [
        known
        for known, others in _LONG_NAMES
        if 2 * min(len(name) - len(letters - others), len(known) - len(others - letters))
        >= _SPELLING * (len(name) + len(known))
    ]
