"""Text from elsewhere on its way to a terminal: what would steer the terminal, or turn its letters round, is shown.

A title, a name or a line of a log may hold escape sequences that hide text, move the cursor or set the clipboard, and
marks that reorder letters. `shown` gives every such character as the escape that stands for it, and nothing else
changes: accents, emoji, scripts that run from right to left and their joiners stay as they are.
"""

from __future__ import annotations

import unicodedata

# Cf holds the marks that reorder letters, but also those that emoji and several scripts are joined by
JOINERS = "\u200c\u200d"
# invisible, or a line break to some programs and none to others
LINE_BREAKS = "\u2028\u2029"
KEPT = "\n\t"


def shown(text: object, *, line: bool = True) -> str:
    """`text` as a terminal can print it: control characters, bidi marks and lone surrogates as `\\x1b`, `\\u202e`.

    `line`: line breaks and tabs are escaped, too, so that a name stays on its line; otherwise both are kept.
    """
    kept = "" if line else KEPT
    return "".join(_escape(c) if c not in kept and _steers(c) else c for c in str(text))


def _steers(character: str) -> bool:
    if character in JOINERS:
        return False
    # Cc: C0, DEL and C1; Cf: bidi marks, tags, zero-width and soft hyphens; Cs: surrogates no terminal can encode
    return unicodedata.category(character) in ("Cc", "Cf", "Cs") or character in LINE_BREAKS


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
