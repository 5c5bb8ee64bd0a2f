"""The lines of a log as its blocks are meant: what the author set apart by a line alone gets a blank line around it.

Markdown lets a paragraph run on until a blank line. In notes a label (`Anna:`), a day alone on its line or prose below
a list begins something new; so does each line that begins with a time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date

from analysis.logs.dates import entry_day, find_date
from analysis.logs.sections import section

_BULLET = re.compile(r"^\s*(?:[-*+\u2022\u2013]|\(?\d{1,3}[.)])\s+\S")
_LABEL = re.compile(r"^(?![-*+>|#]\s)(?:\*\*|__)?[^\W\d_][^:.!?|`]{0,38}\s?[:\uff1a](?:\*\*|__)?\s*$")
_LABELLED = re.compile(r"^([A-Z][\w']*(?: \w+){0,2}):\s+\S")
_BOLD = re.compile(r"^(\*\*|__)(?!\s)[^*_]{1,60}\1:?\s*$")
_FENCE = re.compile(r"^\s*(`{3,}|~{3,})")
_DAY = r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s*"
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d+)?(?:\s?[ap]m)?(?:Z|[+-]\d{2}:?\d{2})?"
_DATE = r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}"
_STAMP = re.compile(
    rf"^\s*(?:[-*+]\s+)?(?:[\[(<](?=[^\])>]*\d)(?:{_DAY})?(?:{_DATE})?[\sT,]*(?:{_DAY})?[\sT,]*(?:{_CLOCK})?[\])>]"
    rf"|(?:{_DATE})(?:[\sT,]+{_CLOCK})?(?=\s|:\s)|(?:{_DATE})?{_CLOCK}(?=\s))\s*[:|\u2013-]?\s*",
    re.IGNORECASE,
)
_WEEKDAY_ONLY = re.compile(rf"^\s*[\[(<]{_DAY}[\])>]\s*", re.IGNORECASE)
_BRACKETED = re.compile(r"^\s*(?:[-*+]\s+)?[\[(<]")
_NICK = re.compile(r"^<\s*([\w.-]+)>\s+")
_WRAPPED = 60


@dataclass
class Laid:
    """Lines for the parser, each with its place in the file."""

    lines: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    """Line of the file, 1-based; a blank line that was put in has that of the line below it."""
    days: dict[int, date | None] = field(default_factory=dict)
    """Lines (1-based) that begin with a time, and their day where they say it."""
    form: set[int] = field(default_factory=set)
    """Lines (1-based) that are a time and nothing else."""

    def add(self, line: str, number: int) -> None:
        """One more line."""
        self.lines.append(line)
        self.numbers.append(number)


def lay_out(body: list[str], day_first: bool | None) -> Laid:
    """Set apart what stands alone, and make each line that begins with a time a list item without it."""
    stamped = _stamped(body)
    laid = Laid()
    fence = ""
    in_list = False
    for index, line in enumerate(body):
        opened = _FENCE.match(line)
        if fence or opened:
            fence = _fence_after(fence, line, opened)
            laid.add(line, index + 1)
            continue
        match = _STAMP.match(line) if index in stamped else None
        if match:
            rest = _NICK.sub(r"\1: ", line[match.end() :])
            laid.days[index + 1] = find_date(match.group(), day_first=day_first)
            if not rest.strip():
                laid.form.add(index + 1)
            laid.add(f"- {rest}" if rest.strip() else "", index + 1)
            in_list = True
            continue
        above = body[index - 1] if index else ""
        below = body[index + 1] if index + 1 < len(body) else ""
        if line.strip() and above.strip() and laid.lines and laid.lines[-1].strip():
            after_day = _alone(above, day_first)
            if after_day or _alone(line, day_first) or _apart(line, above, below, in_list):
                laid.add("", index + 1)
                in_list = False
        laid.add(line, index + 1)
        if _BULLET.match(line):
            in_list = True
        elif line.strip() and not line.startswith((" ", "\t")) and (not above.strip() or not in_list):
            in_list = False
    return laid


def _fence_after(fence: str, line: str, opened: re.Match[str] | None) -> str:
    if not fence:
        return opened.group(1) if opened else ""
    closes = line.strip().startswith(fence) and not line.strip().strip(fence[0])
    return "" if closes else fence


def _stamped(body: list[str]) -> set[int]:
    """Indices of lines that begin with a time: in brackets, or two at least of one kind."""
    found = [index for index, line in enumerate(body) if _STAMP.match(line) and not _setext(body, index)]
    bracketed = {index for index in found if _BRACKETED.match(body[index]) and body[index].lstrip()[:1] != "-"}
    others = [index for index in found if index not in bracketed and _STAMP.sub("", body[index], count=1).strip()]
    return bracketed | (set(others) if len(others) > 1 else set())


def _setext(body: list[str], index: int) -> bool:
    """Whether the line is a heading's, by the underline below it."""
    return index + 1 < len(body) and bool(re.match(r"^\s*(?:={3,}|-{3,})\s*$", body[index + 1]))


def _alone(line: str, day_first: bool | None) -> bool:
    """Whether the line is a day and nothing else."""
    if len(line) > _WRAPPED or not re.search(r"\d", line) or _BULLET.match(line) or line.startswith("#"):
        return False
    return entry_day(line, day_first=day_first) is not None


def _apart(line: str, above: str, below: str, in_list: bool) -> bool:
    """Whether the line begins something new though no blank line says so."""
    if line.startswith((" ", "\t", ">", "|", "#")) or _BULLET.match(line):
        return False
    if _BOLD.match(line) or _BOLD.match(above):
        return True
    if (labelled := _LABELLED.match(line)) and not in_list and section(labelled.group(1), strict=True):
        return True
    if _LABEL.match(line):
        return in_list or bool(_BULLET.match(below))
    first = (line.split(maxsplit=1) or [""])[0]
    room = len(above.rstrip()) + 1 + len(first) <= _WRAPPED
    return (
        in_list and room and (line[0].isupper() or "\u2e80" < line[0] < "\ufaff") and above.rstrip()[-1:] not in ",;-("
    )
