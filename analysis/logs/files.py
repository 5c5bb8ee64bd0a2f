"""Log files: found in folders, decoded, and read, whatever they are.

A Jupyter notebook is read as its Markdown cells, at the lines of the file on which they stand; of a Quarto page the
code cells are left out.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from analysis.logs.dates import completed
from analysis.logs.encodings import decode as decode
from analysis.logs.items import Item, Log, Problem, natural, split_lines
from analysis.logs.reader import parse_log
from sae.errors import DataError

SUFFIXES = (".md", ".markdown", ".txt", ".qmd", ".ipynb", ".org", ".rst", ".rest", ".log", ".text")
"""What counts as a log in a folder, beside files without a suffix; one that is named outright is read in any case."""

# Without a suffix, and no log.
_NO_LOGS = re.compile(
    r"(?:licen[sc]e|copying|authors|contributors|notice|codeowners|manifest|version|changes|install"
    r"|(?:make|docker|jenkins|proc|vagrant|gem|pip)file)"
)
# What lies beside the logs to be read otherwise.
_OURS = frozenset(("logs.toml", "answers.toml"))

MAX_BYTES = 10_000_000
"""Larger files are no logs; they are reported and skipped. Reading takes about three seconds a megabyte."""


def files_in(
    folder: Path,
    visited: set[tuple[int, int]],
    problems: list[Problem],
    common: Path | None = None,
    unread: list[str] | None = None,
) -> Iterator[tuple[Path, str]]:
    """Log files below `folder` with their names relative to it, or to the folder `common` that it lies in.

    Links are followed where they lead into `folder`, each real folder once. Hidden files and READMEs are passed over; a
    folder that cannot be listed, and a link that leads back, out of the folder or in a circle, are problems. `unread`
    takes the names of files that are passed over, hidden ones aside.
    """
    base = common or folder
    inside = os.path.realpath(folder)

    def leaves(path: Path) -> bool:
        """Whether the path is a link that must not be followed; says so."""
        if not path.is_symlink():
            return False
        if Path(os.path.realpath(path)).is_relative_to(inside):
            return False
        why = "a link out of the folder; it is not followed"
        problems.append(Problem(file=shown(path, base), line=1, message=why, skipped=True))
        return True

    def report(error: OSError) -> None:
        name = shown(Path(str(error.filename)), base)
        why = f"cannot be read: {error.strerror or error}"
        problems.append(Problem(file=name, line=1, message=why, skipped=True))

    for place, folders, files in os.walk(folder, onerror=report, followlinks=True):
        status = Path(place).stat()
        if (status.st_dev, status.st_ino) in visited:
            if Path(place).is_symlink():
                name = shown(Path(place), base)
                problems.append(Problem(file=name, line=1, message="a link to a folder that is read already"))
            folders.clear()
            continue
        visited.add((status.st_dev, status.st_ino))
        folders[:] = [n for n in sorted(folders) if not n.startswith(".") and not leaves(Path(place) / n)]
        for name in sorted(files, key=natural):
            lower = name.casefold()
            if _is_log(lower):
                path = Path(place) / name
                if leaves(path):
                    continue
                yield path, shown(path.absolute() if common else path, base)
            elif unread is not None and not lower.startswith(".") and lower not in _OURS:
                unread.append(shown(Path(place) / name, base))


def _is_log(name: str) -> bool:
    """Whether a file of a folder is a log by its name, in lower case."""
    if name.startswith((".", "readme")):
        return False
    return name.endswith(SUFFIXES) or ("." not in name and not _NO_LOGS.fullmatch(name))


def shown(path: Path, folder: Path) -> str:
    """A file's name relative to the folder that was asked for."""
    name = path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name
    return name.encode("utf-8", "replace").decode()


def read_bytes(path: Path) -> bytes:
    """The bytes of a file. Raises DataError when it is no regular file, cannot be opened or is too large."""
    limit = f"too large for a log (limit {MAX_BYTES / 1e6:.0f} MB)"
    try:
        if not path.is_file():
            raise DataError(f"{shown(path, path.parent)} is not a regular file")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise DataError(f"{size / 1e6:.0f} MB is {limit}")
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)  # a file can grow, or say that it is empty
    except OSError as error:
        raise DataError(f"{shown(path, path.parent)} cannot be read: {error.strerror or error}") from error
    if len(raw) > MAX_BYTES:
        raise DataError(f"it is {limit}")
    return raw


def read_log(path: Path, name: str = "") -> Log:
    """Read one file. `name` is how items cite it, the file's own name when empty.

    Raises DataError when the file cannot be opened, is no regular file, holds no text, is no notebook though it is
    called one, or is larger than MAX_BYTES.
    """
    return parse_bytes(read_bytes(path), name or path.name)


def parse_bytes(raw: bytes, name: str) -> Log:
    """Read the bytes of one file. Raises DataError for what is no text, or no notebook though it is called one."""
    text, note = decode(raw)
    suffix = Path(name).suffix.casefold()
    if suffix == ".ipynb":
        text, note = notebook_text(text)
    elif suffix == ".qmd":
        text = without_cells(text)
    log = parse_log(text, name)
    if not note:
        return log
    return replace(log, problems=(Problem(file=log.file, line=1, message=note), *log.problems))


def notebook_text(text: str) -> tuple[str, str]:
    """The Markdown of a notebook, each line where it stands in the file; a note when that cannot be told.

    Raises DataError when the text is no notebook.
    """
    try:
        book = json.loads(text)
        # before format 4 the cells stood in worksheets, and a heading was a cell of its own
        cells = book["cells"] if "cells" in book else [cell for sheet in book["worksheets"] for cell in sheet["cells"]]
        sources = [_source(cell) for cell in cells]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError("called a notebook (.ipynb), but is none; skipped") from error
    lines = split_lines(text)
    placed = [""] * len(lines)
    at = -1
    for is_markdown, wanted, level in sources:
        begins = ('"source":', '"input":')
        at = next((n for n in range(at + 1, len(lines)) if lines[n].lstrip().startswith(begins)), len(lines))
        start = at
        for line in wanted if is_markdown else ():
            if not line.strip():
                continue
            bare = line[level:].lstrip() if level else line
            start = next((n for n in range(start, len(lines)) if _string(lines[n]) == bare), len(lines))
            if start == len(lines):
                shown = [row for marked, rows, _ in sources if marked for row in (*rows, "")]
                return "\n".join(shown), "a notebook not saved line by line: lines are counted in its Markdown cells"
            placed[start] = line
            start += 1
    return "\n".join(placed), ""


def _source(cell: dict[str, Any]) -> tuple[bool, list[str], int]:
    """Whether a cell holds Markdown, its lines, and its level where it is a heading."""
    level = int(cell.get("level", 1)) if cell["cell_type"] == "heading" else 0
    given = cell["input"] if "input" in cell and "source" not in cell else cell["source"]
    lines = split_lines(_joined(given))
    return (
        cell["cell_type"] in ("markdown", "heading"),
        [f"{'#' * level} {line}" if level else line for line in lines],
        level,
    )


def _joined(source: object) -> str:
    return "".join(map(str, source)) if isinstance(source, list) else str(source)


def _string(line: str) -> str | None:
    """The string that a line of a JSON list holds, without its line break, or None."""
    bare = re.sub(r'^"(?:source|input)":\s*\[?', "", line.strip()).rstrip("],").strip()
    if not bare.startswith('"'):
        return None
    try:
        found = json.loads(bare)
    except ValueError:
        return None
    return found.rstrip("\r\n") if isinstance(found, str) else None


# `{python}` runs, `{.text}` and `{=html}` do not
_CELL = re.compile(r"^(`{3,}|~{3,})\s*\{\s*[A-Za-z].*\}\s*$")


def without_cells(text: str) -> str:
    """A Quarto page with the lines of its code cells (```` ```{python} ````) blank."""
    lines = split_lines(text)
    fence = ""
    for number, line in enumerate(lines):
        opened = _CELL.match(line)
        if fence:
            fence = "" if line.strip() == fence else fence
            lines[number] = ""
        elif opened:
            fence = opened.group(1)
            lines[number] = ""
    return "\n".join(lines)


def dated(log: Log, day: date | None) -> Log:
    """The log with a date that it does not say itself, also for those of its items that have none."""
    if day is None:
        return log
    return replace(log, date=day, items=tuple(item if item.date else _on(item, day) for item in log.items))


def _on(item: Item, day: date) -> Item:
    """The item on this day; where its entry names a month and a day, on those in the nearest year."""
    own = (completed(item.when, day) if item.when else None) or day
    return replace(item, date=own, when="", seen=tuple(seen._replace(date=own) for seen in item.seen))
