"""Put a finished folder in the place of another, so that at every moment a whole one stands there.

    with fresh_beside(out) as fresh:
        ...  # write into fresh; when this raises, or is killed, `out` stays as it was

Where the system can exchange two folders in one step (Linux, macOS), a kill between two steps cannot happen; elsewhere
the old folder is moved aside first, and put back by the next build if that one was killed there. What a killed build
left lying about is removed by the next one.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_AT_FDCWD = -100  # Linux, fcntl.h: paths are relative to the working folder
_EXCHANGE = 2  # RENAME_EXCHANGE of Linux' renameat2(2), RENAME_SWAP of macOS' renamex_np(2)
OLD = "old"
NEW = "new"


@contextlib.contextmanager
def fresh_beside(out: Path) -> Iterator[Path]:
    """An empty folder beside `out`, which takes its place when the block ends well. Raises OSError."""
    out.parent.mkdir(parents=True, exist_ok=True)
    tidy(out)
    # the number of the process tells the next build whether somebody still works in here
    holder = Path(tempfile.mkdtemp(prefix=f".{out.name}-{os.getpid()}-", dir=out.parent))
    fresh = holder / NEW
    try:
        fresh.mkdir()
        fresh.chmod(0o755)
        yield fresh
        put(fresh, out)
    finally:
        shutil.rmtree(holder, ignore_errors=True)


def put(fresh: Path, out: Path) -> None:
    """`fresh` in the place of `out`; what stood there is in the place of `fresh` or beside it afterwards."""
    if not out.exists():
        fresh.rename(out)
    elif not exchange(fresh, out):
        old = fresh.parent / OLD
        out.rename(old)
        try:
            fresh.rename(out)
        except OSError:
            old.rename(out)
            raise


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
    for holder in out.parent.glob(f".{out.name}-*-*"):
        number = holder.name.removeprefix(f".{out.name}-").split("-")[0]
        if not number.isdigit() or _alive(int(number)):
            continue
        if not out.exists() and (holder / OLD).is_dir():
            (holder / OLD).rename(out)
        shutil.rmtree(holder, ignore_errors=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is there, and somebody else's
        return True
    return True
