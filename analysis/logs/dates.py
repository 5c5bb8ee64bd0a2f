"""Days as logs write them.

ISO order and month names are clear. A file keeps to one order: if one of its days can only be read day first
(29/5/24), all are, and where all could be either, the order in which they ascend. 11/04/2024 alone is read in US order
(4 November), and 23.06.2024 with dots is day first, as nobody writes it otherwise. A day without a year is never
completed from today; only a heading such as `0623` takes the year from the date of its file.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable
from datetime import date, datetime

from dateutil import parser as dateparser

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_ISO = re.compile(r"(?<!\d)(\d{4})([-/._])(\d{1,2})\2(\d{1,2})(?!\d)")
_COMPACT = re.compile(r"(?<!\d)((?:19|20)\d{2})(\d{2})(\d{2})(?!\d)")
_NUMERIC = re.compile(r"(?<![\d/.-])(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})(?![\d/.-]*\d)")
_WORDED = re.compile(
    rf"\b(?:{_MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?|\d{{1,2}}(?:st|nd|rd|th)?(?:\s+of)?[\s-]+{_MONTH})[\s,-]+\d{{4}}\b",
    re.IGNORECASE,
)
_WEEKDAY = (
    r"(?:mon|tue|tues|wed|thu|thur|thurs|fri|sat|sun|monday|tuesday|wednesday|thursday|friday|saturday|sunday"
    r"|mo|di|mi|do|fr|sa|so|montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag)\b"
)
_DAY_ONLY = re.compile(
    rf"^(?:{_WEEKDAY}[.,]?\s+)?(?:(\d{{2}})(\d{{2}})|(\d{{1,2}})/(\d{{1,2}})|({_MONTH})\s+(\d{{1,2}})(?:st|nd|rd|th)?"
    rf"|(\d{{1,2}})(?:st|nd|rd|th|\.)?\s+({_MONTH}))(?:,?\s+{_WEEKDAY})?$",
    re.IGNORECASE,
)
_HAN = re.compile(r"(\d{4})\s*[\u5e74\ub144]\s*(\d{1,2})\s*[\u6708\uc6d4]\s*(\d{1,2})\s*[\u65e5\u53f7\uc77c]")
_NAMED_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "januar janvier enero gennaio janeiro januari", "februar f\u00e9vrier febrero febbraio fevereiro februari",
            "m\u00e4rz maerz mars marzo mar\u00e7o maart", "avril abril aprile", "mai mayo maggio maio mei maj",
            "juni juin junio giugno junho", "juli juillet julio luglio julho", "ao\u00fbt agosto augustus augusti",
            "septembre septiembre settembre setembro", "oktober octobre octubre ottobre outubro",
            "novembre noviembre novembro", "dezember d\u00e9cembre diciembre dicembre dezembro december",
        ),
        1,
    )
    for name in names.split()
}  # fmt: skip
_FOREIGN = re.compile(
    rf"\b(\d{{1,2}})\.?\s+(?:de\s+|di\s+)?({'|'.join(_NAMED_MONTHS)})\s+(?:de\s+|del\s+)?(\d{{4}})\b", re.I
)
# at the head of a line: behind a bullet, a heading's marks, a bracket, a key or a weekday
_HEAD_DATE = re.compile(
    rf"^[\s#>*_\[(<|-]*+(?:date|created"
    rf"|day)?[\s:*_]*+(?:{_WEEKDAY}[.,]?\s+)?(\d{{1,2}})([-/.])(\d{{1,2}})\2(\d{{4}}|\d{{2}})(?!\d)",
    re.IGNORECASE,
)
# of two orders that both ascend one is meant if its days lie so many times closer together
_APART = 5
_ALONE = re.compile(
    rf"^(?:{_WEEKDAY}|(?:night|day|week|evening|morning|entry) (?:of|for)|the|on|le|el|den|am|il"
    rf"|\d{{1,2}}:\d{{2}}(?::\d{{2}})?(?:\s?[ap]m)?"
    r"|[\s\W])*$",
    re.IGNORECASE,
)


def find_date(text: str, *, name: bool = False, day_first: bool | None = None) -> date | None:
    """The first whole date in `text`, or None. `name`: a file name, where 10-11-12 is no date.

    `day_first`: the order of 2/5/24 in the file; None where nothing tells it.
    """
    found = _find(text.replace("_", "-") if name else text, name, day_first)
    return found[0] if found else None


def _find(text: str, name: bool, day_first: bool | None) -> tuple[date, re.Match[str]] | None:
    if not any(char.isdigit() for char in text):
        return None
    for pattern in (_ISO, _COMPACT, _NUMERIC, _WORDED, _HAN, _FOREIGN):
        for match in pattern.finditer(text):
            if pattern is _NUMERIC and name and len(match.group(4)) == 2:
                continue
            found = _from_match(match, day_first)
            if found:
                return found, match
    return None


def date_order(lines: Iterable[str]) -> bool | None:
    """Whether the days at the head of the lines are written day first; None where nothing tells.

    One that can be read in one order only decides for all. Where none can, the order in which they ascend does.
    """
    pairs: list[tuple[int, int, int]] = []
    for line in lines:
        if (match := _HEAD_DATE.match(line)) and match.group(2) != ".":
            pairs.append((int(match.group(1)), int(match.group(3)), int(match.group(4))))
    first, second = any(a > 12 for a, _, _ in pairs), any(b > 12 for _, b, _ in pairs)
    if first != second:
        return first
    if first or len(set(pairs)) < 3:
        return None
    by_day = [(year, b, a) for a, b, year in pairs]
    by_month = [(year, a, b) for a, b, year in pairs]
    ascends = [rows in (sorted(rows), sorted(rows, reverse=True)) for rows in (by_day, by_month)]
    if ascends[0] != ascends[1] or not ascends[0]:
        return ascends[0] if ascends[0] != ascends[1] else None
    spans = [_span(rows) for rows in (by_day, by_month)]
    return spans[0] < spans[1] if _APART * min(spans) < max(spans) else None


def _span(days: list[tuple[int, int, int]]) -> int:
    """About how many days lie between the first and the last."""
    counted = [(year * 12 + month) * 31 + day for year, month, day in days]
    return max(counted) - min(counted)


def entry_day(text: str, near: date | None = None, *, day_first: bool | None = None) -> date | str | None:
    """The day that a line stands for which holds nothing else: `March 3, 2024`, `**Tue 14 May**`.

    Without a year and without `near` it is the month and day as `05-14`.
    """
    found = _find(text, False, day_first)
    if found and _ALONE.match(text[: found[1].start()]) and _ALONE.match(text[found[1].end() :]):
        return found[0]
    return _without_year(text.strip(" \t:.#*_[](){}<>"), near)


def parse_date(text: str, *, day_first: bool | None = None) -> date | None:
    """The date of a front matter value, in any usual form; None when day, month or year is missing."""
    found = find_date(text, day_first=day_first)
    if found or len(text) > 60:
        return found
    try:
        # Two different defaults: a part that the text lacks shows as a difference; nothing is made up.
        first = dateparser.parse(text, default=datetime(2000, 1, 1), ignoretz=True)
        second = dateparser.parse(text, default=datetime(2003, 2, 2), ignoretz=True)
    except (ValueError, OverflowError, TypeError):
        return None
    return first.date() if first.date() == second.date() else None


def heading_date(text: str, near: date | None, *, day_first: bool | None = None) -> date | None:
    """The day a heading stands for: `2024-06-23`, `June 23, 2024: probes`; not a date in passing.

    `0623`, `6/23` and `June 23` have no year: they get the one nearest to `near`, and are None without it.
    """
    text = text.strip(" \t:.#*_<>[]")
    found = find_date(text, day_first=day_first)
    if found:
        starts = bool(re.match(rf"(?:\w+day,?\s+)?(?:\d|{_MONTH})", text, re.IGNORECASE))
        return found if starts or len(text.split()) <= 6 else None
    day = _without_year(text, near)
    return day if isinstance(day, date) else None


def month_day(text: str) -> str:
    """Month and day, as `06-23`, of a heading that names no year; empty for any other."""
    day = _without_year(text.strip(" \t:.#*_<>[]"), None)
    return day if isinstance(day, str) else ""


def completed(day: str, near: date) -> date | None:
    """The day such as `06-23` in the year that brings it nearest to `near`; None for 30 February."""
    month, number = (int(part) for part in day.split("-"))
    candidates: list[date] = []
    for year in (near.year - 1, near.year, near.year + 1):
        with contextlib.suppress(ValueError):  # 30 February; 29 February in two of the three years
            candidates.append(date(year, month, number))
    return min(candidates, key=lambda found: abs((found - near).days), default=None)


def _without_year(text: str, near: date | None) -> date | str | None:
    match = _DAY_ONLY.match(re.sub(r"^(?:night|day|evening|morning|entry) (?:of|for) ", "", text, flags=re.IGNORECASE))
    if not match:
        return None
    compact, slashed, named, turned = (match.group(n, n + 1) for n in (1, 3, 5, 7))
    if named[0]:
        month, day = _MONTHS.index(named[0][:3].casefold()) + 1, int(named[1])
    elif turned[0]:
        month, day = _MONTHS.index(turned[1][:3].casefold()) + 1, int(turned[0])
    else:
        month, day = (int(part) for part in (compact if compact[0] else slashed))
    try:
        date(2000, month, day)  # a leap year
    except ValueError:
        return None
    shown = f"{month:02}-{day:02}"
    return completed(shown, near) if near else shown


def _from_match(match: re.Match[str], day_first: bool | None = None) -> date | None:
    try:
        if match.re is _WORDED:
            return dateparser.parse(re.sub(r"\bof\b", "", match.group()), ignoretz=True).date()
        if match.re is _ISO:
            return date(int(match.group(1)), int(match.group(3)), int(match.group(4)))
        if match.re is _COMPACT:
            return date(*(int(group) for group in match.groups()))
        if match.re is _HAN:
            return date(*(int(group) for group in match.groups()))
        if match.re is _FOREIGN:
            return date(int(match.group(3)), _NAMED_MONTHS[match.group(2).casefold()], int(match.group(1)))
        one, other = int(match.group(1)), int(match.group(3))
        year = int(match.group(4)) + (2000 if len(match.group(4)) == 2 else 0)
        turned = match.group(2) == "." or one > 12 or (bool(day_first) and other <= 12)
        return date(year, other, one) if turned else date(year, one, other)
    except (ValueError, OverflowError):
        return None
