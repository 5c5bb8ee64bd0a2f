"""A read log as plain JSON, and back again, with every value looked at."""

from __future__ import annotations

import dataclasses
from datetime import date
from typing import Any, get_args

from analysis.logs.items import KINDS, Item, Log, Problem, Sighting, State

_STATES = get_args(State)
_ITEM = tuple(field.name for field in dataclasses.fields(Item))
# what only several logs together can say is never in one that was just read
_LATER = ("match", "mentioned", "closed", "closed_on")
_KEPT = tuple(name for name in _ITEM if name not in (*_LATER, "file"))


def to_record(log: Log) -> dict[str, Any]:
    """The log without the name of its file, under which it is found."""
    return {
        "title": log.title,
        "date": _iso(log.date),
        "category": log.category,
        "structure": sorted(log.structure),
        "problems": [[problem.line, problem.message] for problem in log.problems],
        "items": [[_plain(name, getattr(item, name)) for name in _KEPT] for item in log.items],
    }


def _plain(name: str, value: Any) -> Any:
    if name == "date":
        return _iso(value)
    if name == "seen":
        return [[_iso(seen.date), seen.line, seen.text] for seen in value]
    return list(value) if isinstance(value, tuple) else value


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def from_record(record: Any, file: str) -> Log:
    """The log that `to_record` made this of. Raises ValueError for anything else."""
    wanted = {"title", "date", "category", "structure", "problems", "items"}
    if not isinstance(record, dict) or record.keys() != wanted:
        raise ValueError(f"a record of {file} lacks a part, or has one too many")
    read = _Reader(file)
    return Log(
        file=file,
        title=read.text(record["title"]),
        date=read.day(record["date"]),
        category=read.text(record["category"]),
        structure=frozenset(read.number(line) for line in read.list(record["structure"])),
        problems=tuple(
            Problem(file=file, line=read.number(line), message=read.text(message))
            for line, message in (read.list(row, 2) for row in read.list(record["problems"]))
        ),
        items=tuple(read.item(row) for row in read.list(record["items"])),
    )


@dataclasses.dataclass(frozen=True)
class _Reader:
    """Takes values for what they have to be, or raises ValueError with the file's name."""

    file: str

    def wrong(self, value: object, what: str) -> ValueError:
        return ValueError(f"a record of {self.file} has {value!r:.40} for {what}")

    def list(self, value: Any, length: int | None = None) -> list[Any]:
        if not isinstance(value, list) or (length is not None and len(value) != length):
            raise self.wrong(value, "a list" if length is None else f"a list of {length}")
        return value

    def text(self, value: Any) -> str:
        if not isinstance(value, str):
            raise self.wrong(value, "a text")
        return value

    def number(self, value: Any) -> int:
        if type(value) is not int or value < 0:
            raise self.wrong(value, "a number")
        return value

    def day(self, value: Any) -> date | None:
        return None if value is None else date.fromisoformat(self.text(value))

    def item(self, row: Any) -> Item:
        given = dict(zip(_KEPT, self.list(row, len(_KEPT)), strict=True))
        if given["kind"] not in KINDS:
            raise self.wrong(given["kind"], "a kind")
        if given["state"] is not None and given["state"] not in _STATES:
            raise self.wrong(given["state"], "a state")
        if not isinstance(given["confidence"], (int, float)) or not 0 <= given["confidence"] <= 1:
            raise self.wrong(given["confidence"], "a confidence")
        seen = (self.list(place, 3) for place in self.list(given["seen"]))
        return Item(
            id=self.text(given["id"]),
            kind=given["kind"],
            text=self.text(given["text"]),
            markdown=self.text(given["markdown"]),
            file=self.file,
            line=self.number(given["line"]),
            end_line=self.number(given["end_line"]),
            date=self.day(given["date"]),
            confidence=given["confidence"],
            state=given["state"],
            depth=self.number(given["depth"]),
            parent=None if given["parent"] is None else self.text(given["parent"]),
            seen=tuple(Sighting(self.day(d), self.file, self.number(n), self.text(text)) for d, n, text in seen),
            links=tuple(self.text(link) for link in self.list(given["links"])),
            images=tuple(self.text(image) for image in self.list(given["images"])),
            note=self.text(given["note"]),
            when=self.text(given["when"]),
            block=self.text(given["block"]),
        )
