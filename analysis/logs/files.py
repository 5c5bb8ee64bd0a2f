"""Log files: found in folders, decoded, and read, whatever they are.

A Jupyter notebook is read as its Markdown cells, at the lines of the file on which they stand; of a Quarto page the
code cells are left out.
"""

from __future__ import annotations

import codecs
import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

from analysis.logs.items import Log, Problem, natural, split_lines
from analysis.logs.reader import parse_log
from sae.errors import DataError

SUFFIXES = (".md", ".markdown", ".txt", ".qmd", ".ipynb")
"""What counts as a log in a folder; a file that is named outright is read whatever its suffix."""

MAX_BYTES = 10_000_000
"""Larger files are no logs; they are reported and skipped. Reading takes about three seconds a megabyte."""


def files_in(
    folder: Path, visited: set[tuple[int, int]], problems: list[Problem], common: Path | None = None
) -> Iterator[tuple[Path, str]]:
    """Log files below `folder` with their names relative to it, or to the folder `common` that it lies in.

    Links are followed where they lead into `folder`, each real folder once. Hidden files and READMEs are passed over; a
    folder that cannot be listed, and a link that leads back, out of the folder or in a circle, are problems.
    """
    base = common or folder
    inside = os.path.realpath(folder)

    def leaves(path: Path) -> bool:
        """Whether the path is a link that must not be followed; says so."""
        if not path.is_symlink():
            return False
        if Path(os.path.realpath(path)).is_relative_to(inside):
            return False
        problems.append(Problem(file=shown(path, base), line=1, message="a link out of the folder; it is not followed"))
        return True

    def report(error: OSError) -> None:
        name = shown(Path(str(error.filename)), base)
        problems.append(Problem(file=name, line=1, message=f"cannot be read: {error.strerror or error}"))

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
            if lower.endswith(SUFFIXES) and not lower.startswith((".", "readme")):
                path = Path(place) / name
                if leaves(path):
                    continue
                yield path, shown(path.absolute() if common else path, base)


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


def decode(raw: bytes) -> tuple[str, str]:
    """The text of a file, and a note when its encoding had to be guessed.

    Raises DataError for bytes that are no text.
    """
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins as the next does
        (codecs.BOM_UTF32_BE, "utf-32-be"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if raw.startswith(mark):
            body = raw[len(mark) :]
            try:
                return body.decode(encoding), ""
            except UnicodeDecodeError:
                told = f"says that it is {encoding.upper()} and is not throughout; what is not is shown as \ufffd"
                return body.decode(encoding, "replace"), told
    if b"\0" in raw:
        raise DataError("not a text file (it holds zero bytes); skipped")
    try:
        return raw.decode("utf-8"), ""
    except UnicodeDecodeError as error:
        text = raw.decode("latin-1")
        if sum(char < " " and char not in "\t\n\r\f\v\x1b" for char in text) > len(text) / 50:
            raise DataError("not a text file (too many control characters); skipped") from error
        # Windows puts curly quotes where Latin-1 has control characters.
        return raw.decode("cp1252", "replace") if re.search(
            r"[\x80-\x9f]", text
        ) else text, "not UTF-8; read as Latin-1"


def notebook_text(text: str) -> tuple[str, str]:
    """The Markdown of a notebook, each line where it stands in the file; a note when that cannot be told.

    Raises DataError when the text is no notebook.
    """
    try:
        cells = json.loads(text)["cells"]
        sources = [(cell["cell_type"] == "markdown", split_lines(_joined(cell["source"]))) for cell in cells]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError("called a notebook (.ipynb), but is none; skipped") from error
    lines = split_lines(text)
    placed = [""] * len(lines)
    at = -1
    for is_markdown, wanted in sources:
        at = next((n for n in range(at + 1, len(lines)) if lines[n].lstrip().startswith('"source":')), len(lines))
        start = at
        for line in wanted if is_markdown else ():
            if not line.strip():
                continue
            start = next((n for n in range(start, len(lines)) if _string(lines[n]) == line), len(lines))
            if start == len(lines):
                shown = [row for marked, rows in sources if marked for row in (*rows, "")]
                return "\n".join(shown), "a notebook not saved line by line: lines are counted in its Markdown cells"
            placed[start] = line
            start += 1
    return "\n".join(placed), ""


def _joined(source: object) -> str:
    return "".join(map(str, source)) if isinstance(source, list) else str(source)


def _string(line: str) -> str | None:
    """The string that a line of a JSON list holds, without its line break, or None."""
    bare = re.sub(r'^"source":\s*\[?', "", line.strip()).rstrip("],").strip()
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
    items = tuple(
        item if item.date else replace(item, date=day, seen=tuple(seen._replace(date=day) for seen in item.seen))
        for item in log.items
    )
    return replace(log, date=day, items=items)
