"""Items as Markdown and as JSON.

By kind, and within a kind by what became of it and by day, newest first. Nested items stay below theirs, whatever
their kind.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import groupby

from analysis.logs.items import MAYBE_BELOW, Compilation, Item, Kind, Match, State, newest_first, normalise, split_lines
from analysis.logs.unseen import one_row
from analysis.logs.write import escape, path, unguarded

_STEERS = re.compile(
    "[\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb]"
)
_TITLES: tuple[tuple[str, Kind, tuple[State, ...]], ...] = (
    ("Open questions", "question", ("open", "carried_on", "likely_done")),
    ("Answered questions", "question", ("answered", "done")),
    ("Dropped questions", "question", ("dropped",)),
    ("Next steps", "next_step", ("open", "carried_on")),
    ("Next steps, likely done", "next_step", ("likely_done",)),
    ("Next steps, done", "next_step", ("done", "answered")),
    ("Next steps, dropped", "next_step", ("dropped",)),
    ("Learnings", "learning", ()),
    ("Work done", "done", ()),
    ("Resources", "resource", ()),
    ("Background", "background", ()),
    ("Unsorted", "unsorted", ()),
)


def to_json(items: Iterable[Item]) -> str:
    """The items as a JSON list, in their order; equal items give equal bytes."""
    return as_json([record(item) for item in items])


_NAMED = 3


def closing(compilation: Compilation) -> str:
    """What was read and what was not, and why, in one line."""
    skipped = [problem for problem in compilation.problems if problem.skipped]
    parts = [f"read {_counted(len(compilation.logs), 'log')} with {_counted(len(compilation.items), 'item')}"]
    if skipped:
        reasons = Counter(re.split(r"[:;(,]", problem.message)[0].strip() for problem in skipped)
        whys = ", ".join(f"{number} {why}" for why, number in reasons.most_common())
        parts.append(f"skipped {_counted(len(skipped), 'file')} ({whys})")
    if compilation.unread:
        more = f" and {len(compilation.unread) - _NAMED} more" if len(compilation.unread) > _NAMED else ""
        names = ", ".join(compilation.unread[:_NAMED])
        are = "is no log" if len(compilation.unread) == 1 else "are no logs"
        unread = _counted(len(compilation.unread), "file")
        parts.append(f"did not read {unread} that by name {are} ({names}{more}); one that is named outright is read")
    return "; ".join(parts)


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def as_json(records: Iterable[Mapping[str, object]]) -> str:
    """A JSON list for people and programs, a field a line: letters as they are, but what is invisible or steers a
    terminal as `\\u202e`."""
    # `indent` would be written by Python and not by C, which takes ten times as long
    rows = ("  {\n    " + ",\n    ".join(_field(*field) for field in one.items()) + "\n  }" for one in records)
    listed = ",\n".join(rows)
    text = f"[\n{listed}\n]" if listed else "[]"
    return _STEERS.sub(lambda match: f"\\u{ord(match.group()):04x}", text) + "\n"


_ENCODER = json.JSONEncoder(ensure_ascii=False)


def _field(name: str, value: object) -> str:
    return f"{_ENCODER.encode(name)}: {_ENCODER.encode(value)}"


def record(item: Item) -> dict[str, object]:
    """An item as it stands in JSON."""
    return {
        "id": item.id,
        "kind": item.kind,
        "text": item.text,
        "file": item.file,
        "line": item.line,
        "date": iso(item.date, None),
        "confidence": item.confidence,
        "state": item.state,
        "parent": item.parent,
        "note": item.note,
        "links": list(item.links),
        "seen": [
            {"date": iso(seen.date, None), "file": seen.file, "line": seen.line, "text": seen.text}
            for seen in item.seen
        ],
        "match": _match(item.match),
        "mentioned": _match(item.mentioned),
    }


def _match(match: Match | None) -> dict[str, object] | None:
    return match and {**match._asdict(), "date": iso(match.date, None)}


def iso(day: date | None, missing: str | None = "no date") -> str | None:
    """A day as it is written, or what stands for none."""
    return day.isoformat() if day else missing


def to_markdown(items: Sequence[Item], heading_level: int = 2) -> str:
    """The items as one document. An empty section is left out."""
    out: list[str] = []
    below = nested(items)
    for title, chosen in sections(items):
        out += [_heading(title, heading_level), ""]
        for day, group in groupby(chosen, key=lambda item: item.date):
            out += [_heading(str(iso(day, "No date")), heading_level + 1), "", *tree(list(group), below), ""]
    return "\n".join(out).rstrip("\n") + "\n" if out else ""


def sections(items: Sequence[Item]) -> Iterator[tuple[str, list[Item]]]:
    """Title and top items of each section that has some, newest first."""
    ids = {item.id for item in items}
    roots = [item for item in sorted(items, key=newest_first) if item.parent not in ids]
    for title, kind, states in _TITLES:
        chosen = [item for item in roots if item.kind == kind and (not states or item.state in states)]
        if chosen:
            yield title, chosen


def _heading(text: str, level: int) -> str:
    return f"{'#' * max(1, min(level, 6))} {text}"


Place = Callable[[date | None, str, int], str]
"""How a place in a log is shown, as Markdown."""


def place(day: date | None, file: str, number: int) -> str:
    """Day, file and line."""
    return f"[{iso(day)}, {path(file)}:{number}]{{.source}}"


def nested(items: Iterable[Item]) -> Mapping[str, Sequence[Item]]:
    """The items below others, by the id of what they stand in, the last first."""
    below: dict[str, list[Item]] = {}
    for item in items:
        if item.parent:
            below.setdefault(item.parent, []).append(item)
    for children in below.values():
        children.sort(key=lambda child: child.line, reverse=True)
    return below


def no_notes(item: Item) -> Iterable[str]:
    """Nothing to add to an item."""
    return ()


def tree(
    roots: Sequence[Item],
    below: Mapping[str, Sequence[Item]],
    shown: Place = place,
    notes: Callable[[Item], Iterable[str]] = no_notes,
) -> Iterator[str]:
    """Lines of a list: the roots, below each what is nested in it (`below`, as `nested` gives it), last its notes."""
    waiting: list[tuple[Item | str, int]] = [(item, 0) for item in reversed(roots)]
    kind = roots[0].kind if roots else "unsorted"
    while waiting:
        entry, depth = waiting.pop()
        if isinstance(entry, str):
            yield f"{' ' * 4 * depth}- {entry}"
            continue
        item = entry
        yield f"{' ' * 4 * depth}- {line(item, nested=depth > 0, beside=kind, shown=shown)}"
        inside = " " * 4 * (depth + 1)
        if item.match:
            yield f"{inside}- {evidence(item.match, shown)}"
        if item.block:
            yield from ("", *(f"{inside}{row}" for row in fenced(item.block)), "")
        waiting += [(note, depth + 1) for note in reversed([*notes(item)])]
        waiting += [(child, depth + 1) for child in below.get(item.id, ())]


def fenced(block: str) -> list[str]:
    """Lines of code as a block that no renderer runs or expands."""
    longest = max((len(marks) for marks in re.findall(r"`{3,}", block)), default=2)
    fence = "`" * (longest + 1)
    rows = [one_row(row) for row in split_lines(block)]
    return [f'{fence} {{.text shortcodes="false"}}', *rows, fence]


_KIND_WORDS: dict[Kind, str] = {
    "question": "question", "next_step": "next step", "learning": "learning", "done": "work done",
    "resource": "resource", "background": "background", "unsorted": "",
}  # fmt: skip
_STATE_WORDS: dict[State, str] = {"done": "done", "dropped": "dropped", "answered": "answered"}


def maybe(item: Item) -> str:
    """What stands before an item whose kind is not sure."""
    return "*maybe:* " if item.confidence < MAYBE_BELOW else ""


def line(item: Item, *, nested: bool = False, beside: Kind | None = None, shown: Place = place) -> str:
    """An item on one line: how sure, the author's words, what became of it, how often it came, where it stands."""
    parts = [maybe(item)]
    if nested and beside and item.kind != beside and _KIND_WORDS[item.kind]:
        parts.append(f"*{_KIND_WORDS[item.kind]}:* ")
    parts.append(unguarded(item.markdown) if any(parts) else item.markdown)
    if nested and item.state in _STATE_WORDS:
        parts.append(f" ({_STATE_WORDS[item.state]})")
    if item.note:
        parts.append(f" (author: {escape(item.note)})")
    parts += [f" (on {item.when} of a year that is not said)" if item.when else "", came_up(item), " "]
    parts.append(shown(item.date, item.file, item.line))
    return "".join(parts)


def evidence(match: Match, shown: Place = place) -> str:
    """A match as Markdown: its words, place and score."""
    words = escape(match.text)
    return f"*later:* {words} {shown(match.date, match.file, match.line)} [· score {match.score:.2f}]{{.source}}"


def came_up(item: Item) -> str:
    """How often and when, and in which other words; empty for what came up once."""
    places = list(dict.fromkeys((seen.date, seen.file) for seen in item.seen))
    if len(places) < 2:
        return ""
    days = ", ".join(str(iso(day)) for day in dict.fromkeys(day for day, _ in places))
    others = {normalise(seen.text): seen.text for seen in item.seen if normalise(seen.text) != normalise(item.text)}
    also = "; also as: " + " / ".join(escape(text) for text in others.values()) if others else ""
    return f" (came up {len(places)} times: {days}{also})"
