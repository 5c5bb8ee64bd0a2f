"""Captions as pages show them: what a figure shows stands there, how it was measured is folded behind it."""

from __future__ import annotations

import re
from collections.abc import Iterator

SHOWN = 40
"""At most so many words stand before the fold, but for a first sentence that is longer."""
FOLDED = 25
"""Fewer words than these are not worth a fold."""
_END = re.compile(r"(?<=[.?!])\s+")
_QUOTED = re.compile(r"`[^`]*`|\$[^$\s][^$]*\$")


def folded(caption: str) -> str:
    """The caption with all but its first sentences in a span of the class `caption-rest`, which a page folds; a short
    one as it is. No word is lost, and none stands elsewhere."""
    ends = list(_ends(caption))
    shown = [end for end in ends if _words(caption[:end]) <= SHOWN] or ends[:1]
    if not shown or _words(caption[shown[-1] :]) < FOLDED:
        return caption
    return f"{caption[: shown[-1]].rstrip()} [{caption[shown[-1] :].strip()}]{{.caption-rest}}"


def _ends(caption: str) -> Iterator[int]:
    """Where sentences end, outside brackets, emphasis, code and formulas: what has two ends is not cut in two."""
    plain = _QUOTED.sub(lambda found: "x" * len(found[0]), caption)
    for end in _END.finditer(plain):
        before = plain[: end.start()]
        if all(before.count(left) == before.count(right) for left, right in ("[]", "()", "{}")) and not (
            before.count("*") % 2 or before.count("_") % 2 or before.count("`") % 2 or before.count("$") % 2
        ):
            yield end.start()


def _words(text: str) -> int:
    """As they are read: of a link its text, of a span its words."""
    return len(re.sub(r"\]\([^)]*\)|\]?\{[^}]*\}", "", text).split())
