"""Logs as read the last time: only what changed is read again.

One file of Python's own records, in a folder that is safe to delete; it is only ever read where it was written. A log
is found by its name and by the hash of its bytes, of all that reads logs, and of where it lies.
"""

from __future__ import annotations

import contextlib
import hashlib
import pickle
from collections.abc import Sequence
from pathlib import Path

from analysis.code_version import code_version
from analysis.logs.files import parse_bytes
from analysis.logs.items import Log


class Cache:
    """Parsed logs of one compilation, of which `given` are the folders and files. Without a folder nothing is kept."""

    def __init__(self, folder: Path | None, given: Sequence[Path]) -> None:
        name = hashlib.sha256("\0".join(str(path.absolute()) for path in given).encode("utf-8", "replace")).hexdigest()
        self._path = folder / f"{name[:16]}.pickle" if folder else None
        self._old: dict[str, Log] = {}
        self._new: dict[str, Log] = {}
        self._code = code_version("analysis.logs.files") if folder else ""
        if self._path and self._path.is_file():
            try:
                found = pickle.loads(self._path.read_bytes())
            except Exception:  # whatever spoilt bytes or another version lead to: then everything is read again
                found = None
            self._old = found if isinstance(found, dict) else {}

    def parse(self, raw: bytes, name: str) -> Log:
        """The log of these bytes. Raises DataError as `parse_bytes` does."""
        key = hashlib.sha256(f"{self._code}\0{name}\0".encode() + raw).hexdigest()
        log = self._old.get(key)
        if log is None:
            log = parse_bytes(raw, name)
        self._new[key] = log
        return log

    def save(self) -> None:
        """Keep what was asked for, and nothing else. A cache that cannot be written is none; that costs time only."""
        if self._path is None or self._new.keys() == self._old.keys():
            return
        with contextlib.suppress(OSError):
            self._write(self._path)

    def _write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".part")
        draft.write_bytes(pickle.dumps(self._new, protocol=pickle.HIGHEST_PROTOCOL))
        draft.replace(path)
