"""What made files are made of, and what they were when they were made: the records under `build`.

A made thing is up to date when its key, a hash of all that it is made of, is the same and each of its files is byte
for byte what was written. A file that is missing, cut or changed, or a record that cannot be read, is said on standard
error and made again. One that the system refuses to read ends the build: nobody knows what it holds. Records are a
cache: all of them may be deleted.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any

from sae.temporary import check_readable


def key_of(*parts: str | bytes) -> str:
    """A hash of several texts or contents; where one ends and the next begins counts."""
    found = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        found.update(b"%d:" % len(content) + content)
    return found.hexdigest()


@dataclass(frozen=True)
class Stamp:
    """The record of one made thing."""

    record: Path
    """The file that holds it."""
    key: str
    """Of what the thing would be made now."""
    root: Path
    """The project's folder, from which files are named."""

    def current(self) -> dict[str, Any] | None:
        """What its maker noted, if the thing is up to date; None if it has to be made. Says what is damaged."""
        if not self.record.exists():
            return None
        content = _read(self.record)
        if content is not None and content.get("key") not in (None, self.key):
            return None  # made of something else, or by another version
        if content is None or content.get("digest") != _digest_of(content):
            _say_damaged(self.record.relative_to(self.root).as_posix(), "is no record that was written here")
            return None
        for name, digest in content["files"].items():
            if how := _damage(self.root / name, digest):
                _say_damaged(name, how)
                return None
        noted: dict[str, Any] = content["noted"]
        return noted

    def write(self, files: Iterable[Path], noted: Mapping[str, Any] = MappingProxyType({})) -> None:
        """Record that the thing was made: its files, and what the maker wants to know of it without making it."""
        digests = {file.relative_to(self.root).as_posix(): _digest(file) for file in files}
        content = {"key": self.key, "files": digests, "noted": dict(noted)}
        self.record.parent.mkdir(parents=True, exist_ok=True)
        written = json.dumps(content | {"digest": _digest_of(content)}, indent=1) + "\n"
        self.record.write_text(written, encoding="utf-8")

    def forget(self) -> None:
        """Remove the record, before files are written anew: from here on they may be half of another version."""
        remove(self.record)


class Written:
    """Writes texts that are computed in every build: what has changed only, so that files keep their times.

    As a context it knows what it wrote the last time, and says which files are something else by now.
    """

    def __init__(self, record: Path, root: Path) -> None:
        self._record, self._root = record, root
        self._known: dict[str, str] = {}

    def __enter__(self) -> Written:
        content = _read(self._record) or {}
        self._known = {name: digest for name, digest in content.items() if isinstance(digest, str)}
        return self

    def __call__(self, path: Path, text: str) -> None:
        """Write `text` where there is something else."""
        name, content = path.relative_to(self._root).as_posix(), text.encode("utf-8")
        digest = hashlib.sha256(content).hexdigest()
        if _damage(path, digest):
            if name in self._known and (how := _damage(path, self._known[name])):
                _say_damaged(name, how)
            path.write_bytes(content)
        self._known[name] = digest

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._record.parent.mkdir(parents=True, exist_ok=True)
        self._record.write_text(json.dumps(dict(sorted(self._known.items())), indent=1) + "\n", encoding="utf-8")


def files_of(record: Path) -> list[str]:
    """The files that a record names, whatever version wrote it; none for one that cannot be read."""
    files = (_read(record) or {}).get("files", [])
    return [name for name in files if isinstance(name, str)] if isinstance(files, list | dict) else []


def noted_in(record: Path) -> dict[str, Any]:
    """What the maker of a record noted, up to date or not; nothing for one that cannot be read."""
    content = _read(record) or {}
    noted = content.get("noted") if content.get("digest") == _digest_of(content) else None
    return noted if isinstance(noted, dict) else {}


def copy_if_other(source: Path, target: Path) -> None:
    """Copy a file to where there is none, or another one."""
    if not target.is_file() or target.read_bytes() != source.read_bytes():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def remove(path: Path) -> None:
    """Remove whatever lies there, if anything: a file, a folder with all that is in it, a link but not its target."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _damage(file: Path, digest: str) -> str:
    """What is wrong with a file that should have this digest, in words; "" where nothing is. Raises UnreadableError."""
    try:
        if not file.is_file():
            return "is missing"
        return "" if _digest(file) == digest else "is not what was written"
    except OSError as error:
        check_readable(file, error)
        return "is missing"


def _say_damaged(name: str, how: str) -> None:
    """A line for whoever started the build; nothing has failed."""
    print(f"{name} {how}: it is made again", file=sys.stderr)


def _read(record: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(record.read_bytes())
    except OSError as error:
        check_readable(record, error)
        return None
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _digest_of(content: dict[str, Any]) -> str:
    """Of a record's own content, so that a changed digit in it is found, too."""
    told = {name: content.get(name) for name in ("key", "files", "noted")}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
