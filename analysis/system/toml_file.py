"""TOML files that a person wrote: read whole, within bounds, and asked where a setting stands. Free of torch."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sae.errors import ConfigError

# A thousand times what an experiment needs: what is larger is another file by mistake.
MAX_BYTES = 1_000_000
Keys = tuple[str | int, ...]
# How Python's reader says where it stopped; `tomllib` has no attribute for it before 3.14.
_AT = re.compile(r"\(at (?:line (\d+), column \d+|end of document)\)")


def read(path: Path) -> tuple[dict[str, Any], str]:
    """The table that a file holds, and its text. Raises ConfigError, with the line where there is one, and OSError."""
    if not path.is_file():
        raise ConfigError(f"{path.name}:1: not a regular file; expected TOML")
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise ConfigError(f"{path.name}:1: {size:,} bytes, and at most {MAX_BYTES:,} are read")
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path.name}:{line}: byte {raw[error.start]:#04x} is not UTF-8; save it as UTF-8") from error
    try:
        return tomllib.loads(text), text
    except tomllib.TOMLDecodeError as error:
        at = _AT.search(str(error))
        line = int(at[1]) if at and at[1] else text.count("\n") + 1
        raise ConfigError(f"{path.name}:{line}: no TOML: {_AT.sub('', str(error)).strip()}") from error
    except RecursionError as error:
        raise ConfigError(f"{path.name}:1: no TOML: lists or tables are nested too deeply") from error
    except ValueError as error:  # a number of thousands of digits, a date that no calendar has
        raise ConfigError(f"{path.name}:1: no TOML: {error}") from error


def place(file: Path, path: Keys) -> str:
    """`name.toml:12` for a setting, `name.toml` where the line is not to be found."""
    try:
        line = line_of(read(file)[1], path)
    except (ConfigError, OSError):  # an experiment that was made in Python
        line = 0
    return f"{file.name}:{line}" if line else file.name


def line_of(text: str, path: Keys) -> int:
    """The line (from 1) on which the setting at `path` stands, or what holds it; 0: nowhere.

    A path is keys and list positions; a key with dots counts as the keys between them.
    """
    wanted = _split(path)
    best, line = 0, 0
    for found, number in _statements(text):
        common = sum(1 for _ in _same(found, wanted))
        # what holds the setting, or, where the setting is a whole table, its first line
        if common and common > best and common in (len(found), len(wanted)):
            best, line = common, number
    return line


def _same(a: Keys, b: Keys) -> Iterator[None]:
    for x, y in zip(a, b, strict=False):
        if x != y:
            return
        yield


def _split(path: Keys) -> Keys:
    return tuple(part for key in path for part in (key.split(".") if isinstance(key, str) else (key,)))


def _statements(text: str) -> Iterator[tuple[Keys, int]]:
    """Path and line of every header and every `key = value`, in order; values are skipped over."""
    table: Keys = ()
    counts: dict[Keys, int] = {}
    place, line = 0, 1
    while place < len(text):
        end = _end(text, place)
        statement = text[place:end].strip()
        if statement.startswith("[["):
            keys = _resolved(_keys(statement.split("]]")[0][2:]), counts)
            counts[keys] = counts.get(keys, -1) + 1
            table = (*keys, counts[keys])
            yield table, line
        elif statement.startswith("["):
            table = _resolved(_keys(statement.split("]")[0][1:]), counts)
            yield table, line
        elif statement and not statement.startswith("#"):
            yield (*table, *_keys(_before_equals(statement))), line
        line += text.count("\n", place, end + 1)
        place = end + 1


def _resolved(keys: Keys, counts: dict[Keys, int]) -> Keys:
    """A header inside a list of tables means its last one."""
    found: Keys = ()
    for number, key in enumerate(keys):
        found = (*found, key)
        if found in counts and number < len(keys) - 1:
            found = (*found, counts[found])
    return found


def _keys(dotted: str) -> Keys:
    table: Any = tomllib.loads(f"{dotted} = 0")
    keys: list[str] = []
    while isinstance(table, dict):
        keys += table
        table = table[keys[-1]]
    return _split(tuple(keys))


def _before_equals(statement: str) -> str:
    place = 0
    while statement[place] != "=":
        place = _after_string(statement, place) if statement[place] in "\"'" else place + 1
    return statement[:place]


def _end(text: str, place: int) -> int:
    """Where the statement that begins at `place` ends: at a line break outside strings and brackets."""
    depth = 0
    while place < len(text):
        character = text[place]
        if character == "\n" and depth == 0:
            return place
        if character == "#":
            place = text.find("\n", place)
            if place < 0:
                return len(text)
            continue
        if character in "\"'":
            place = _after_string(text, place)
            continue
        depth += (character in "[{") - (character in "]}")
        place += 1
    return len(text)


def _after_string(text: str, place: int) -> int:
    """Behind the string that begins at `place`; the text is valid TOML."""
    quote = text[place]
    mark = quote * 3 if text.startswith(quote * 3, place) else quote
    place += len(mark)
    while place < len(text) and not text.startswith(mark, place):
        place += 2 if text[place] == "\\" and quote == '"' else 1
    place += len(mark)
    while len(mark) == 3 and text.startswith(quote, place):  # up to two more belong to the string
        place += 1
    return place
