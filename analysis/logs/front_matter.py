"""What stands above a log: Pelican's `Title: ...` lines, YAML between `---`, or nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from analysis.logs.dates import parse_date
from analysis.logs.sections import section
from analysis.system.bounded_yaml import YamlError, load

_MAX_HEADER = 80
_KNOWN_KEYS = frozenset(
    re.findall(
        r"\w+",
        """
    title date category categories tags tag author authors slug summary description status modified
    layout draft created updated subtitle lang template keywords project
""",
    )
)
_KEY_LINE = re.compile(r"^[*_]{0,3}([A-Za-z][\w -]{0,30}?)[*_]{0,3}\s*:[*_]{0,3}(?:\s+(.*))?$")


@dataclass
class Header:
    """The front matter of a log."""

    meta: dict[str, str] = field(default_factory=dict)
    """Keys in lower case. Of a key that comes twice the first counts."""
    taken: range = range(0)
    """Its lines, counted from 0."""
    problems: list[tuple[int, str]] = field(default_factory=list)
    """Line (1-based) and message."""

    day_first: bool | None = None
    """The order of its numeric dates; None where nothing tells."""

    def take(self, key: str, value: str, line: int) -> None:
        """Note one key; a date that cannot be understood is a problem."""
        key, value = key.strip().casefold(), value.strip().strip("\"'*_ ")
        self.meta.setdefault(key, value)
        if key == "date" and value and not parse_date(value):
            self.problems.append((line, f"no date understood in {value[:60]!r}"))


def front_matter(lines: list[str], day_first: bool | None = None) -> Header:
    """Read YAML between `---` lines or Pelican's `Title: ...` lines, also below a first `# Heading`."""
    header = Header(day_first=day_first)
    start = next((n for n, line in enumerate(lines) if line.strip()), len(lines))
    if start < len(lines) and lines[start].strip() == "---":
        header.taken = _yaml(lines, start, header)
        return header
    if start < len(lines) and lines[start].startswith("# ") and not section(lines[start][2:]):
        start = next((n for n in range(start + 1, len(lines)) if lines[n].strip()), len(lines))
    header.taken = _key_lines(lines, start, header)
    return header


def _yaml(lines: list[str], start: int, header: Header) -> range:
    near = range(start + 1, min(len(lines), start + _MAX_HEADER))
    end = next((n for n in near if lines[n].strip() in ("---", "...")), None)
    if end is None:
        taken = _key_lines(lines, start + 1, header)
        if not taken:
            return range(0)  # the --- was a break
        header.problems.append((start + 1, "front matter is never closed with ---; its `key: value` lines were read"))
        return range(start, taken.stop)
    why = ""
    try:
        loaded = load("\n".join(lines[start + 1 : end]), strings=True)
    except YamlError as error:
        loaded, why = None, f" ({error})"
    if isinstance(loaded, dict):
        for key, value in loaded.items():
            words = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            line = next((n for n in range(start + 1, end) if lines[n].lstrip().startswith(str(key))), start)
            header.take(str(key), words, line + 1)
        return range(start, end + 1)
    taken = _key_lines(lines, start + 1, header)
    if not taken:
        return range(0)
    header.problems.append((start + 1, f"front matter is not valid YAML{why}; its `key: value` lines were read"))
    return range(start, end + 1) if taken.stop >= end else range(start, taken.stop)


def _key_lines(lines: list[str], start: int, header: Header) -> range:
    stop = start
    while stop < min(len(lines), start + _MAX_HEADER) and (match := _KEY_LINE.match(lines[stop].strip())):
        key = match.group(1).strip().casefold()
        # Only a known key opens front matter, and a section name ends it: "TODO: ..." is an item.
        if (stop == start and key not in _KNOWN_KEYS) or section(key, strict=True):
            break
        header.take(key, match.group(2) or "", stop + 1)
        stop += 1
    return range(start, stop)
