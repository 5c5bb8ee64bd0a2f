"""Marks by which an author says in a line what became of it: done, dropped, answered."""

from __future__ import annotations

import re
from dataclasses import replace

from analysis.logs.items import State
from analysis.logs.write import Piece, plain, without

_WORD = (
    r"(?:done|finished|completed?|erledigt|fertig|fait|hecho|fatto|feito|gedaan|klart|zrobione"
    r"|\u0433\u043e\u0442\u043e\u0432\u043e|\u5b8c\u6210|\u6e08|\uc644\ub8cc)"
)
_TICK = r"[\u2705\u2611\u2714\u2713]\ufe0f?"
TICKED = re.compile(
    rf"^\s*{_TICK}\s*|^\s*(?-i:DONE)\b:?\s*|^\s*[\[(]{_WORD}[\])]\s*|\s*{_TICK}\s*$|\s*\[[xX]\]\W*$"
    rf"|\s*[\[(]{_WORD}(?: \w+ [\w.]+)?[\])]\W*$|\s+(?:--+|[\u2013\u2014]|->|=>)\s*{_WORD}\W*$|\s+(?-i:DONE)\W*$",
    re.IGNORECASE,
)
_GONE = r"(?:dropped|cancell?ed|abandoned|obsolete|won'?t (?:do|fix)|wontfix|scrapped|verworfen|abandonn\u00e9)"
DROPPED = re.compile(
    rf"^\W*(?:\[-\]|dropped\b\s*:?|(?-i:CANCELL?ED|DROPPED|ABANDONED)\b:?)\s*|\s*[(\[]{_GONE}[)\]]\W*$"
    rf"|\s+(?:--+|[\u2013\u2014]|->)\s*{_GONE}\W*$",
    re.IGNORECASE,
)
_REPLY = re.compile(
    r"\?[\"')\]*_]*\s*(?:(?:->|=>|\u2192|\u21d2)\s*\S|a(?:nswer|ns)?\s*:|[(\[]?(?:answered|solved|resolved|erledigt)\b"
    r"|(?-i:YES|NO|NOPE|YEP|JA|NEIN|OUI|NON)\b|(?:yes|no|nope|yep|yeah|ja|nein|oui|non|s\u00ed|nee|tak|nie"
    r"|\u0434\u0430|\u043d\u0435\u0442)\s*(?:[.,;:!\u2013\u2014-]|$)"
    r"|(?:\u662f\u7684|\u4e0d\u662f|\u306f\u3044|\u3044\u3044\u3048))",
    re.IGNORECASE,
)
_REPLY_ALONE = re.compile(
    r"^\W*(?:a(?:nswer|ns)?\s*:|(?:->|=>|\u2192|\u21d2)|(?:yes|no|nope|yep|ja|nein|oui"
    r"|non)\b\s*[.,;:!\u2013\u2014-]|(?-i:YES|NO)\b|(?:answered|solved|resolved)\s*:)",
    re.IGNORECASE,
)
_DOUBTED = re.compile(r"\?\W*$|\b(?:maybe|perhaps|not sure|no idea|i think|probably|wonder)\b", re.IGNORECASE)


def answered_in_place(text: str, below: str = "") -> bool:
    """Whether a question is followed by its answer ("Is it base 2? YES."), in its line or at the head of `below`."""
    reply = _REPLY.search(text)
    if reply:
        return not _DOUBTED.search(text[reply.start() + 1 :])
    return bool(_REPLY_ALONE.match(below)) and not _DOUBTED.search(below)


def marked(parts: list[Piece], box: bool | None) -> tuple[State | None, list[Piece]]:
    """The state that a line's own marks say, and the line without them; None where it has none.

    `box` is its task box: ticked, empty, or None.
    """
    text = plain(parts)
    struck = bool(parts) and (parts[0].markdown or "").startswith("~~")
    if box is None and (struck or DROPPED.search(text)):
        return "dropped", _kept(parts, DROPPED)
    if box is not None:
        return ("done" if box else "open"), parts
    if TICKED.search(text):
        return "done", _kept(parts, TICKED)
    return None, parts


def _kept(parts: list[Piece], pattern: re.Pattern[str]) -> list[Piece]:
    """Without the mark, unless nothing would be left."""
    bare = without(parts, pattern)
    if not re.search(r"\w", plain(bare)):
        return parts
    if plain(bare) == plain(parts) and len(parts) > 1 and parts[-1].markdown is None:
        # the mark is the last of several pieces, and the pattern wants the end of the line
        return [*parts[:-1], replace(parts[-1], text=pattern.sub("", parts[-1].text))]
    return bare
