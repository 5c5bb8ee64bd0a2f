"""Characters that nobody sees, and that turn letters round, hide words or steer a terminal: taken out, and said.

What joins emoji and letters of several scripts (U+200C, U+200D) stays.
"""

from __future__ import annotations

import html
import re
import unicodedata

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
"""Control characters and the line breaks that only some programs know; each is a blank."""

_UNSEEN = re.compile(
    "[\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f]"
)
_MEANT = re.compile("[\ue000-\ue006]")  # what the renderer of the pages marks its own places with
_HALF = re.compile("[\ud800-\udfff]")
_NAMED = 3


def without_unseen(text: str) -> str:
    """The text without them; half of a surrogate pair, which no file can hold, becomes U+FFFD."""
    if text.isascii():  # nearly every text is, and it holds none of them
        return text
    return _HALF.sub("\ufffd", _UNSEEN.sub("", text))


def one_row(text: str) -> str:
    """The same on one line, control characters as blanks, those with a meaning to the pages' renderer as U+FFFD."""
    if text.isascii() and text.isprintable():
        return text
    return _MEANT.sub("\ufffd", without_unseen(CONTROL.sub(" ", text)))


def unseen_in(lines: list[str]) -> tuple[int, str] | None:
    """The first line (1-based) with such a character, also one written as `&#x202e;`, and a sentence on all of them."""
    found: dict[str, int] = {}
    first = 0
    for number, line in enumerate(lines, 1):
        if line.isascii() and "&" not in line:
            continue
        for character in _UNSEEN.findall(html.unescape(line)):
            first = first or number
            found[character] = found.get(character, 0) + 1
    if not found:
        return None
    names = [f"U+{ord(c):04X} {unicodedata.name(c, '')}".strip() for c in sorted(found)]
    more = f" and {len(names) - _NAMED} other kinds" if len(names) > _NAMED else ""
    count = sum(found.values())
    told = f"{count} invisible character{'s' * (count > 1)}, left out: {', '.join(names[:_NAMED])}{more}"
    return first, told
