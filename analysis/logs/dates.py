"""Days as logs write them.

ISO order and month names are clear. 11/04/2024 is read in US order (4 November) unless that is no date
(23/06/2024), and 23.06.2024 with dots is day first, as nobody writes it otherwise. A day without a year is
never completed from today; only a heading such as `0623` takes the year from the date of its file.
"""

from __future__ import annotations

import contextlib
import re
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
_DAY_ONLY = re.compile(
    rf"^(?:(\d{{2}})(\d{{2}})|(\d{{1,2}})/(\d{{1,2}})|({_MONTH})\s+(\d{{1,2}})(?:st|nd|rd|th)?)$",
    re.IGNORECASE,
)


def find_date(text: str, *, name: bool = False) -> date | None:
    """The first whole date in `text`, or None. `name`: a file name, where 10-11-12 is no date."""
    for pattern in (_ISO, _COMPACT, _NUMERIC, _WORDED):
        for match in pattern.finditer(text.replace("_", "-") if name else text):
            if pattern is _NUMERIC and name and len(match.group(4)) == 2:
                continue
            found = _from_match(match)
            if found:
                return found
    return None


def parse_date(text: str) -> date | None:
    """The date of a front matter value, in any usual form; None when day, month or year is missing."""
    found = find_date(text)
    if found or len(text) > 60:
        return found
    try:
        # Two different defaults: a part that the text lacks shows as a difference; nothing is made up.
        first = dateparser.parse(text, default=datetime(2000, 1, 1), ignoretz=True)
        second = dateparser.parse(text, default=datetime(2003, 2, 2), ignoretz=True)
    except (ValueError, OverflowError, TypeError):
        return None
    return first.date() if first.date() == second.date() else None


def heading_date(text: str, near: date | None) -> date | None:
    """The day a heading stands for: `2024-06-23`, `June 23, 2024: probes`; not a date in passing.

    `0623`, `6/23` and `June 23` have no year: they get the one nearest to `near`, and are None without it.
    """
    text = text.strip(" \t:.#*_")
    found = find_date(text)
    if found:
        starts = bool(re.match(rf"(?:\w+day,?\s+)?(?:\d|{_MONTH})", text, re.IGNORECASE))
        return found if starts or len(text.split()) <= 6 else None
    match = _DAY_ONLY.match(text)
    if not match or not near:
        return None
    if match.group(5):
        month, day = _MONTHS.index(match.group(5)[:3].casefold()) + 1, int(match.group(6))
    else:
        month, day = (int(group) for group in match.groups()[:4] if group)
    candidates: list[date] = []
    for year in (near.year - 1, near.year, near.year + 1):
        with contextlib.suppress(ValueError):  # 30 February; 29 February in two of the three years
            candidates.append(date(year, month, day))
    return min(candidates, key=lambda found: abs((found - near).days), default=None)


def _from_match(match: re.Match[str]) -> date | None:
    try:
        if match.re is _WORDED:
            return dateparser.parse(re.sub(r"\bof\b", "", match.group()), ignoretz=True).date()
        if match.re is _ISO:
            return date(int(match.group(1)), int(match.group(3)), int(match.group(4)))
        if match.re is _COMPACT:
            return date(*(int(group) for group in match.groups()))
        one, other = int(match.group(1)), int(match.group(3))
        year = int(match.group(4)) + (2000 if len(match.group(4)) == 2 else 0)
        day_first = match.group(2) == "." or one > 12
        return date(year, other, one) if day_first else date(year, one, other)
    except (ValueError, OverflowError):
        return None
