"""What an author sets right in a log: a comment right behind an item.

    - Ask the authors for their weights <!-- strata: dropped: they are public by now -->
    The curve bends again at width four hundred. <!-- strata: learning -->

The first word is a kind (`question`, `next step`, `learning`, `work done`, `resource`, `background`, `unsorted`) or a
state of a next step or question (`open`, `done`, `dropped`); after a colon comes a reason, which is kept. A comment on
a line of its own belongs to the line above. The same can be said from outside, in the folder's `logs.toml`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from analysis.logs.items import KINDS, Kind, Problem, State
from analysis.logs.write import MARK, Piece

_COMMENT = re.compile(r"[ \t]*<!--\s*strata:\s*(.*?)\s*-->")
# Opening, maybe behind bullets; the words behind backticks hold none, else it is code within a line.
_FENCE = re.compile(r"\s*(?:(?:[-*+]|\d+[.)])\s+)*(`{3,}(?=[^`]*$)|~{3,})")
STATES: tuple[State, ...] = ("open", "done", "dropped")
"""What an author can say of a next step or a question; all else follows from the logs."""
_KIND_WORDS: dict[str, Kind] = {"work done" if kind == "done" else kind.replace("_", " "): kind for kind in KINDS}


@dataclass(frozen=True)
class Remark:
    """One correction."""

    kind: Kind | None
    state: State | None
    reason: str


def parse_remark(text: str) -> Remark | None:
    """The correction that the words of a comment say, or None when they say none."""
    word, _, reason = text.partition(":")
    word = " ".join(word.casefold().replace("_", " ").split())
    state = next((state for state in STATES if state == word), None)
    kind = None if state else _KIND_WORDS.get(word)
    return Remark(kind, state, reason.strip()) if kind or state else None


class Remarks:
    """The corrections of one log. Taken out of its lines when it is made, and given to items as they ask."""

    def __init__(self, file: str, lines: list[str]) -> None:
        self.alone: set[int] = set()
        """Lines (1-based) that hold nothing else."""
        self._file = file
        self._found: list[tuple[int, str]] = []
        self._taken: set[int] = set()
        last = None
        fence = ""
        for number, line in enumerate(lines):
            opened = _FENCE.match(line)
            if fence:
                fence = "" if re.fullmatch(rf"\s*{re.escape(fence)}{re.escape(fence[0])}*\s*", line) else fence
            elif opened:
                fence = opened.group(1)
            elif "<!--" in line and (bare := _COMMENT.sub("", line)) != line:
                if bare.strip():
                    for text in _COMMENT.findall(line):
                        lines[number] = _COMMENT.sub(self._mark(text, number + 1), lines[number], count=1)
                else:
                    marks = "".join(self._mark(text, number + 1) for text in _COMMENT.findall(line))
                    self.alone.add(number + 1)
                    lines[number] = ""
                    # below a fence, a break or a heading's underline there is no item to correct
                    if last is not None and re.search(r"\w", lines[last]):
                        lines[last] += marks
            if lines[number].strip():
                last = number

    @classmethod
    def none(cls) -> Remarks:
        """No corrections."""
        return cls("", [])

    def _mark(self, text: str, line: int) -> str:
        self._found.append((line, text))
        return MARK.format(len(self._found))

    def take(self, parts: list[Piece]) -> Remark | None:
        """The correction that stands behind these pieces, or None."""
        number = next((piece.remark for piece in parts if piece.remark), 0)
        if not number:
            return None
        self._taken.add(number)
        return parse_remark(self._found[number - 1][1])

    def problems(self) -> list[Problem]:
        """Corrections that say nothing known, or that stand behind no item."""
        found = []
        for number, (line, text) in enumerate(self._found, 1):
            if parse_remark(text) is None:
                known = ", ".join([*_KIND_WORDS, *STATES])
                found.append(Problem(file=self._file, line=line, message=f"no correction: {text!r}; known: {known}"))
            elif number not in self._taken:
                found.append(Problem(file=self._file, line=line, message=f"the correction {text!r} is behind no item"))
        return found
