"""What may be numbered, by the letters with which its id begins (`fig-x`): the one list, for the filter, too."""

from __future__ import annotations

CALLOUTS = {"nte": "note", "tip": "tip", "wrn": "warning", "imp": "important", "cau": "caution"}
NUMBERED: dict[str, str] = {
    kind: kind
    for kind in ("fig", "tbl", "lst", "eq", "thm", "lem", "cor", "prp", "cnj", "def", "exm", "exr")
} | CALLOUTS  # fmt: skip
"""Each with what its word is found by in `language.words`: that of a callout by the callout's kind."""
UNNUMBERED = ("sec", "alg", "rem", "sol")
"""What Quarto numbers and these pages do not."""
