"""Logs as read the last time: only what changed is read again.

One JSON file, in a folder that is safe to delete. A log is found by its name and by the hash of its bytes, of all that
reads logs, and of where it lies. A file that is damaged, of another form, or holds what no log can be is not used: it
is said, everything is read again, and the file is made anew. Nothing in it can be more than words and numbers.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from analysis.logs.files import parse_bytes
from analysis.logs.items import Log, Problem
from analysis.logs.kept import from_record, to_record
from analysis.plan.code_version import code_version
from sae.errors import DataError
from sae.temporary import replacing

FORM = 1
"""Version of the file's form."""


class Cache:
    """Parsed logs of one compilation, of which `given` are the folders and files. Without a folder nothing is kept."""

    def __init__(self, folder: Path | None, given: Sequence[Path]) -> None:
        name = hashlib.sha256("\0".join(str(path.absolute()) for path in given).encode("utf-8", "replace")).hexdigest()
        self._path = folder / f"{name[:16]}.json" if folder else None
        self._code = code_version("analysis.logs.files", "analysis.logs.kept") if folder else ""
        self._old: dict[str, Any] = {}
        self._new: dict[str, str] = {}
        """Records as they are written: as JSON they take a tenth of the room."""
        self.problems: list[Problem] = []
        """What is wrong with the file."""
        if self._path and self._path.is_file():
            try:
                self._old = _opened(self._path.read_bytes())
            except (ValueError, OSError, RecursionError) as error:
                self._refuse(str(error))
        self._known = frozenset(self._old)

    def parse(self, raw: bytes, name: str) -> Log:
        """The log of these bytes. Raises DataError as `parse_bytes` does."""
        key = hashlib.sha256(f"{self._code}\0{name}\0".encode() + raw).hexdigest()
        log, record = None, None
        if key in self._old:
            record = self._old.pop(key)
            try:
                log = from_record(record, name)
            except ValueError as error:
                self._refuse(str(error))
        if log is None:
            log = parse_bytes(raw, name)
            record = to_record(log) if self._path else None
        if self._path:
            self._new[key] = json.dumps(record, separators=(",", ":"))
        return log

    def save(self) -> None:
        """Keep what was asked for, and nothing else. A cache that cannot be written is none; that costs time only."""
        if self._path is None or (self._new.keys() == self._known and not self.problems):
            return
        with contextlib.suppress(OSError, DataError):
            self._write(self._path)

    def _refuse(self, why: str) -> None:
        self._old = {}
        if self._path and not self.problems:
            message = f"the cache of read logs is not used and made anew: {why}"
            self.problems.append(Problem(file=self._path.name, line=1, message=message))

    def _write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        text = ("{" + ",".join(f'"{key}":{record}' for key, record in self._new.items()) + "}").encode()
        with replacing(path) as draft:
            draft.write_bytes(f"{_head(text)}\n".encode() + text)


def _head(text: bytes) -> str:
    """The first line: the form, and a hash of all that follows."""
    return json.dumps({"strata-logs": FORM, "sha256": hashlib.sha256(text).hexdigest()})


def _opened(raw: bytes) -> dict[str, Any]:
    """The records of a file by their keys. Raises ValueError for one that is not whole or of another form."""
    head, _, text = raw.partition(b"\n")
    if head != _head(text).encode():
        raise ValueError("its first line is not that of this form and content")
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("it holds no records by name")
    return found
