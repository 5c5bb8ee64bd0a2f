"""Put a finished folder in the place of another, so that at every moment a whole one stands there.

    with fresh_beside(out) as fresh:
        ...  # write into fresh; when this raises, or is killed, `out` stays as it was

Where the system can exchange two folders in one step (Linux, macOS), a kill between two steps cannot happen; elsewhere
the old folder is moved aside first, and put back if that build ends there, or by the next one if it was killed. What a
killed build left lying about is removed by the next one, which knows it by a lock that nobody holds.
"""

from __future__ import annotations

import contextlib
import ctypes
import glob
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

try:
    import fcntl
except ImportError:
    fcntl = None  # type: ignore[assignment]  # Windows has none

_AT_FDCWD = -100  # Linux, fcntl.h: paths are relative to the working folder
_EXCHANGE = 2  # RENAME_EXCHANGE of Linux' renameat2(2), RENAME_SWAP of macOS' renamex_np(2)
OLD, NEW, LOCK = "old", "new", "lock"


@contextlib.contextmanager
def fresh_beside(out: Path) -> Iterator[Path]:
    """An empty folder beside `out`, which takes its place when the block ends well. Raises OSError."""
    out.parent.mkdir(parents=True, exist_ok=True)
    tidy(out)
    holder = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    with (holder / LOCK).open("w") as lock:
        _taken(lock)  # nobody else knows this folder yet
        try:
            fresh = holder / NEW
            fresh.mkdir()
            fresh.chmod(0o755)
            yield fresh
            put(fresh, out)
        finally:
            _clear(holder, out)


def _clear(holder: Path, out: Path) -> None:
    """Remove a build's folder. What it had moved aside and not replaced is put back, or else all is left for `tidy`."""
    if not out.exists() and (holder / OLD).is_dir():
        (holder / OLD).rename(out)
    shutil.rmtree(holder, ignore_errors=True)


def put(fresh: Path, out: Path) -> None:
    """`fresh` in the place of `out`; what stood there is beside it afterwards, as OLD or in the place of `fresh`."""
    if out.exists() and not exchange(fresh, out):
        out.rename(fresh.parent / OLD)
        fresh.rename(out)
    elif not out.exists():
        fresh.rename(out)


def exchange(one: Path, other: Path) -> bool:
    """Exchange two folders in one step; False where the system or the file system has no such step."""
    library: Any = ctypes.CDLL(None, use_errno=True) if os.name == "posix" else None
    if sys.platform.startswith("linux") and hasattr(library, "renameat2"):
        return bool(library.renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _EXCHANGE) == 0)
    if sys.platform == "darwin" and hasattr(library, "renamex_np"):
        return bool(library.renamex_np(os.fsencode(one), os.fsencode(other), _EXCHANGE) == 0)
    return False


def tidy(out: Path) -> None:
    """Remove what killed builds of `out` left, and put back what one of them had moved aside."""
    for holder in out.parent.glob(f".{glob.escape(out.name)}-*"):
        try:
            lock = (holder / LOCK).open("r+")
        except OSError:  # not one of ours, or one that is just being made or removed
            continue
        with lock:
            if _taken(lock):
                _clear(holder, out)


def _taken(lock: TextIO) -> bool:
    """Take the lock of a folder; False while a build works in it. The system gives it back when the process ends."""
    if fcntl is None:  # a system without such locks: nothing of others is touched
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
