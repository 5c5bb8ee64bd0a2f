"""Documents in files: a `.txt` or `.md` file is one; so is each line of a `.jsonl` file and each row of a `.parquet`
file, by its field `text` or another. What cannot be read is a DataError with file and line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from analysis.run.datasets._documents import Document
from sae.errors import DataError

PLAIN, LINES, TABLE = (".txt", ".md"), ".jsonl", ".parquet"
ENDINGS = (*PLAIN, LINES, TABLE)
FIELD = "text"
# Read as text, shown beside it: what else a line of JSON says.
FACTS = (str, int, float, bool)


def documents_in(file: Path, shown: str, field: str) -> Iterator[Document]:
    """The documents of a file; `shown` is how messages call it."""
    if file.suffix == TABLE:
        yield from _table(file, shown, field)
    elif file.suffix == LINES:
        for number, line in enumerate(_decoded(file, shown).split("\n"), 1):
            if line.strip():
                yield _line(line, f"{shown}:{number}", field)
    else:
        yield Document(_decoded(file, shown), shown, {"file": shown})


def _decoded(file: Path, shown: str) -> str:
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise DataError(f"{shown} cannot be read: {error.strerror}; check its rights") from error
    return as_text(raw, shown)


def as_text(raw: bytes, shown: str) -> str:
    """Bytes as text, ends of lines as `\\n`. Raises DataError with line and byte for what is not UTF-8."""
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    zero = raw.find(b"\0")
    if zero >= 0:
        raise DataError(f"{_place(raw, zero, shown)} is 0, as text has none; expected UTF-8 text: convert or remove it")
    try:
        return raw.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{_place(raw, error.start, shown)} is 0x{raw[error.start]:02x}, which is not UTF-8; convert the file: "
            "`iconv -f latin1 -t utf-8`"
        ) from error


def _place(raw: bytes, byte: int, shown: str) -> str:
    line, start = raw.count(b"\n", 0, byte) + 1, raw.rfind(b"\n", 0, byte) + 1
    return f"{shown}:{line}: byte {byte - start + 1} of the line"


def _line(line: str, place: str, field: str) -> Document:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise DataError(f"{place}: is no JSON ({error}); expected an object a line with the field {field!r}") from error
    if not isinstance(row, dict):
        raise DataError(f"{place}: is {type(row).__name__}; expected an object with the field {field!r}")
    if field not in row:
        raise DataError(f"{place}: has no field {field!r}; it has {', '.join(map(repr, row)) or 'none'}: say `field`")
    text = row[field]
    if not isinstance(text, str):
        raise DataError(f"{place}: {field!r} is {type(text).__name__}; expected text")
    return Document(valid(text, place), place, {"file": place} | facts_of(row, field))


def facts_of(row: dict[str, Any], field: str) -> dict[str, Any]:
    """What a row says beside its text, in single values."""
    return {name: value for name, value in row.items() if name != field and isinstance(value, FACTS)}


def valid(text: str, place: str) -> str:
    """The text, of which every character can be written. Raises DataError for halves of characters."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise DataError(
            f"{place}: character {error.start + 1} is half of one (U+{ord(text[error.start]):04X}), as no text has; "
            "write the text again"
        ) from error
    return text


def _table(file: Path, shown: str, field: str) -> Iterator[Document]:
    try:
        names = pq.read_schema(file).names
        if field not in names:
            raise DataError(f"{shown} has no column {field!r}; it has {', '.join(names) or 'none'}: say `field`")
        column = pq.read_table(file, columns=[field], partitioning=None)[field]
    except (OSError, pa.ArrowException) as error:
        reason = " ".join(str(error).split())[:160]
        raise DataError(f"{shown} cannot be read as parquet ({reason}); write it again") from error
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        raise DataError(f"{shown}[{field}] is {column.type}; expected text")
    for number, text in enumerate(column.to_pylist()):
        place = f"{shown} row {number}"
        if text is None:
            raise DataError(f"{place}: has no {field}; leave such rows out")
        yield Document(text, place, {"file": place})
