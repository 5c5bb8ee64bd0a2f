"""Addresses to which a chart's marks lead: those that would run a program in the page instead of leading anywhere.

`href` may be a value, in a mark, an encoding or the configuration, a column of the data, or made of columns by a
transform or an expression; the last cannot be followed, so that then no text of the chart may be such an address.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

# What browsers pass over in front of an address and inside of its scheme.
_PASSED_OVER = re.compile(r"[\x00-\x20\x7f-\xa0\u200b\u2028\u2029\ufeff]+")
_RUNS = re.compile(r"(?:javascript|vbscript|livescript|mocha):", re.I)
_DATA = re.compile(r"data:(?!(?:image/(?:png|jpe?g|gif|webp|avif|bmp|x-icon)|text/plain|text/csv)[;,])", re.I)
_ESCAPED = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4}))")
_JOINED = re.compile(r"[\s'\"`+\\]+")
_EXPRESSIONS = ("expr", "signal", "calculate")


def runs(address: str) -> bool:
    """Whether an address is a program, or a document that may hold one, to a browser that follows it."""
    plain = _PASSED_OVER.sub("", address)
    return bool(_RUNS.match(plain) or _DATA.match(plain))


def faults(spec: dict[str, Any]) -> Iterator[str]:
    """Every address of a chart's links that `runs`, in words: where it stands, and what it is."""
    links = list(_links(spec, ""))
    if not links:
        return
    fields, made = set[str](), False
    for place, part in links:
        for at, key, value in _texts(part, place):
            if key == "field":
                fields.add(value)
            elif key in _EXPRESSIONS:
                made = True
            elif key not in ("type", "param", "test", "aggregate", "timeUnit") and runs(value):
                yield _fault(at, value)
    rows = list(_rows(spec))
    columns = {column for row in rows if isinstance(row, dict) for column in row}
    named = {value for _, key, value in _texts(spec, "") if key == "as"}  # by transforms, over columns too
    made = made or bool(fields - columns or fields & named) or any(not isinstance(row, dict) for row in rows)
    if made:
        for at, key, value in _texts(spec, ""):
            # an expression may put it together: 'java' + 'script:'
            whole = _JOINED.sub("", _ESCAPED.sub(lambda sign: chr(int(sign[1] or sign[2], 16)), value))
            if runs(value) or (key in _EXPRESSIONS and (_RUNS.search(whole) or _DATA.search(whole))):
                yield _fault(at, value)
    seen = fields & columns
    for number, row in enumerate(rows, 1):
        for column, value in row.items() if isinstance(row, dict) else [("", row)]:
            if made or column in seen:
                for text in _in_data(value):
                    if runs(text):
                        yield _fault(f"column {column!r} of its data, row {number},", text)


def _fault(place: str, address: str) -> str:
    shown = address if len(address) <= 60 else address[:57] + "..."
    return f"{place} leads to {shown!r}, which would run in the page: give the address of a page, or leave `href` out"


def _is_data(key: str, within: str) -> bool:
    return key in ("datasets", "usermeta") or (within == "data" and key == "values")


def _links(part: Any, place: str, within: str = "") -> Iterator[tuple[str, Any]]:
    """What stands under `href` anywhere but in data."""
    if isinstance(part, list):
        for number, item in enumerate(part):
            yield from _links(item, f"{place}[{number}]", within)
    elif isinstance(part, dict):
        for key, value in part.items():
            at = f"{place}.{key}".lstrip(".")
            if key == "href":
                yield at, value
            elif not _is_data(key, within):
                yield from _links(value, at, key)


def _texts(part: Any, place: str, key: str = "", within: str = "") -> Iterator[tuple[str, str, str]]:
    """Every text outside of data: its place, the key it stands under, itself."""
    if isinstance(part, str):
        yield place, key, part
    elif isinstance(part, list):
        for number, item in enumerate(part):
            yield from _texts(item, f"{place}[{number}]", key, within)
    elif isinstance(part, dict):
        for name, value in part.items():
            if not _is_data(name, key):
                yield from _texts(value, f"{place}.{name}".lstrip("."), name, key)


def _rows(part: Any, within: str = "") -> Iterator[Any]:
    """The rows of every table; a table that is one text (CSV) is one row."""
    if isinstance(part, list):
        for item in part:
            yield from _rows(item, within)
    elif isinstance(part, dict):
        for key, value in part.items():
            if key == "datasets" and isinstance(value, dict):
                for table in value.values():
                    yield from table if isinstance(table, list) else [table]
            elif _is_data(key, within):
                if key == "values":
                    yield from value if isinstance(value, list) else [value]
            else:
                yield from _rows(value, key)


def _in_data(value: Any) -> Iterator[str]:
    """The texts of a cell; of a table that is a text, those of its cells."""
    if isinstance(value, str):
        yield value
        if "\n" in value:
            yield from (cell.strip("\"'") for cell in re.split(r"[\n\r,;\t|]", value))
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _in_data(each)
