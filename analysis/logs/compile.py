"""Folders of logs to one compilation: find the files, read each, join what several logs say."""

from __future__ import annotations

import codecs
import math
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from difflib import SequenceMatcher
from pathlib import Path

from analysis.logs.items import (
    Compilation,
    Item,
    Kind,
    Log,
    Problem,
    Sighting,
    item_id,
    natural,
    newest_first,
    normalise,
)
from analysis.logs.reader import parse_log
from sae.errors import DataError

SUFFIXES = (".md", ".markdown", ".txt")
"""What counts as a log in a folder; a file that is named outright is read whatever its suffix."""

MAX_BYTES = 50_000_000
"""Larger files are no logs; they are reported and skipped."""

NEAR = 0.85
"""Two items are one when this share of their words (shared by all) is the same."""

_NEGATIONS = frozenset(("not", "no", "never", "without", "cannot", "dont", "doesnt", "isnt", "wont"))


def compile_logs(folders_or_files: Sequence[Path], since: date | None = None) -> Compilation:
    """Compile all logs in the folders (subfolders too) and files.

    Hidden files and READMEs in folders are passed over. A file that cannot be read is a problem of the
    result, not an error.
    With `since`, items last seen before that day are left out; items without a date stay, as nobody knows.
    Raises DataError when a path does not exist.
    """
    logs: list[Log] = []
    problems: list[Problem] = []
    visited: set[tuple[int, int]] = set()
    for given in folders_or_files:
        if not os.path.lexists(given):
            raise DataError(f"no folder or file {str(given)!r} to compile logs from")
        found = _files(given, visited, problems) if given.is_dir() else iter([(given, given.name)])
        for path, name in found:
            try:
                status = path.stat()
                if (status.st_dev, status.st_ino) in visited:
                    continue
                visited.add((status.st_dev, status.st_ino))
                log = read_log(path, name)
            except (DataError, OSError) as error:
                problems.append(Problem(file=name, line=1, message=_message(error)))
                continue
            logs.append(log)
            problems.extend(log.problems)
    logs.sort(key=lambda log: (log.date or date.min, natural(log.file)))
    items = join(item for log in logs for item in log.items)
    if since:
        items = [item for item in items if any(seen.date is None or seen.date >= since for seen in item.seen)]
    problems.sort(key=lambda problem: (natural(problem.file), problem.line, problem.message))
    return Compilation(items=tuple(items), logs=tuple(logs), problems=tuple(problems))


def _message(error: Exception) -> str:
    return f"cannot be read: {error.strerror or error}" if isinstance(error, OSError) else str(error)


def _files(folder: Path, visited: set[tuple[int, int]], problems: list[Problem]) -> Iterator[tuple[Path, str]]:
    """Log files below `folder` with their names relative to it. Links are followed, each real folder once."""

    def report(error: OSError) -> None:
        problems.append(Problem(file=_shown(Path(str(error.filename)), folder), line=1, message=_message(error)))

    for place, folders, files in os.walk(folder, onerror=report, followlinks=True):
        status = Path(place).stat()
        if (status.st_dev, status.st_ino) in visited:
            folders.clear()
            continue
        visited.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files, key=natural):
            lower = name.casefold()
            if lower.endswith(SUFFIXES) and not lower.startswith((".", "readme")):
                path = Path(place) / name
                yield path, _shown(path, folder)


def _shown(path: Path, folder: Path) -> str:
    name = path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name
    return name.encode("utf-8", "replace").decode()


@dataclass
class _Group:
    id: str
    parent: str | None
    words: list[str]
    bag: frozenset[tuple[str, int]]
    names: frozenset[str]
    items: list[Item]


def read_log(path: Path, name: str = "") -> Log:
    """Read one file. `name` is how items cite it, the file's own name when empty.

    Raises DataError when the file cannot be opened, is no regular file, holds no text, or is larger than
    MAX_BYTES.
    """
    try:
        if not path.is_file():
            raise DataError(f"{path.name} is not a regular file")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise DataError(f"{size / 1e6:.0f} MB is too large for a log (limit {MAX_BYTES / 1e6:.0f} MB)")
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path.name} cannot be read: {error.strerror or error}") from error
    text, note = decode(raw)
    log = parse_log(text, name or path.name)
    if not note:
        return log
    problem = Problem(file=log.file, line=1, message=note)
    return replace(log, problems=(problem, *log.problems))


def decode(raw: bytes) -> tuple[str, str]:
    """The text of a file, and a note when its encoding had to be guessed.

    Raises DataError for bytes that are no text.
    """
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if raw.startswith(mark):
            return raw[len(mark) :].decode(encoding, "replace"), ""
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


def join(items: Iterable[Item]) -> list[Item]:
    """Each thing once. It keeps the id of its first sighting and shows wording, place and state of its last.

    Within one day of one log only equal texts are one thing: who writes two similar lines there means two.
    """
    ordered = sorted(items, key=lambda item: (item.date or date.min, natural(item.file), item.line))
    bags = [_bag(normalise(item.text).split()) for item in ordered]
    common = Counter(word for bag in bags for word in bag)
    groups: dict[str, _Group] = {}
    now: dict[str, str] = {}  # id in its log -> id of its group
    index: dict[tuple[Kind, str | None, tuple[str, int]], list[_Group]] = {}
    for item, bag in zip(ordered, bags, strict=True):
        parent = now.get(item.parent, item.parent) if item.parent else None
        key = item_id(item.kind, item.text, parent)
        group = groups.get(now.get(key, key))
        if group is None:
            # Two bags that share 85 % of their words share one of the rarest few: only those are compared.
            rare = sorted(bag, key=lambda word: (common[word], word))[: len(bag) - math.ceil(NEAR * len(bag)) + 1]
            fresh = _Group(key, parent, normalise(item.text).split(), bag, _names(item.text), [])
            others = (other for word in rare for other in index.get((item.kind, parent, word), ()))
            group = next((other for other in others if _near(item, fresh, other)), None)
            if group is None:
                group = groups[key] = fresh
                for word in rare:
                    index.setdefault((item.kind, parent, word), []).append(group)
        group.items.append(item)
        now[item.id] = now[key] = group.id
    return sorted((_joined(group) for group in groups.values()), key=newest_first)


def _bag(words: list[str]) -> frozenset[tuple[str, int]]:
    """Words with their count so far: "an SAE on an SAE" is more than "an SAE"."""
    counts: Counter[str] = Counter()
    bag = set()
    for word in words:
        counts[word] += 1
        bag.add((word, counts[word]))
    return frozenset(bag)


def _names(text: str) -> frozenset[str]:
    """Words that may not differ: numbers, names with capitals inside (MNIST is not EMNIST), negations."""
    words = re.findall(r"\w+", re.sub(r"['\u2019]", "", text))
    return frozenset(
        word.casefold()
        for word in words
        if any(char.isdigit() for char in word)
        or sum(char.isupper() for char in word) > 1
        or word.casefold() in _NEGATIONS
    )


def _near(item: Item, fresh: _Group, other: _Group) -> bool:
    shared = len(fresh.bag & other.bag)
    if fresh.names != other.names or shared < NEAR * (len(fresh.bag) + len(other.bag) - shared):
        return False
    if any((item.date, item.file) == (seen.date, seen.file) for seen in other.items):
        return False
    # The same words in another order say something else ("A on B", "B on A").
    return SequenceMatcher(None, fresh.words, other.words, autojunk=False).ratio() >= NEAR


def _joined(group: _Group) -> Item:
    last = group.items[-1]
    seen = sorted(
        {Sighting(item.date, item.file, item.line) for item in group.items},
        key=lambda place: (place.date or date.min, natural(place.file), place.line),
    )
    confidence = max(item.confidence for item in group.items)
    return replace(last, id=group.id, parent=group.parent, seen=tuple(seen), confidence=confidence)
