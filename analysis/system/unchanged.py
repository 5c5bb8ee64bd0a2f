"""What was found in a file is kept for as long as the file stays as it was."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

TICK = 50_000_000
"""Nanoseconds. The clock of a file system ticks some milliseconds apart: what is written after a tick and replaced
before the next has the times of its successor, and perhaps its number and size. What was touched so lately is read
again."""


class WhileUnchanged(Generic[P, T]):
    """A function of a file, called once for each of its versions; as a decorator of `function(path, ...)`.

    A version is told by the times, the size and the number of the file. Raises OSError where it is not there.
    """

    def __init__(self, function: Callable[Concatenate[Path, P], T]) -> None:
        self._function = function
        self._kept: dict[object, tuple[tuple[int, ...], T]] = {}

    def __call__(self, path: Path, *args: P.args, **kwargs: P.kwargs) -> T:
        """What the function gives."""
        stat = path.stat()
        seen = stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino
        key = path, args, tuple(sorted(kwargs.items()))
        kept = self._kept.get(key)
        if kept is not None and kept[0] == seen:
            return kept[1]
        settled = abs(time.time_ns() - max(seen[:2])) > TICK  # asked before it is read
        found = self._function(path, *args, **kwargs)
        if settled:
            self._kept[key] = seen, found
        return found

    def forget(self) -> None:
        """Read every file again."""
        self._kept.clear()
