"""Put a finished folder in the place of another, so that at every moment a whole one stands there.

    with fresh_beside(out) as fresh:
        ...  # write into fresh; when this raises, or is killed, `out` stays as it was

Where the system can exchange two folders in one step (Linux, macOS), a kill between two steps cannot happen; elsewhere
the old folder is moved aside first, and put back if that work ends there, or by the next one if it was killed. Many
may work at one `out`, threads or machines: each has a folder of its own, and the last, or the first, one stands. The
two steps, and putting back, are done by one at a time (`locks.alone`): otherwise one could put its old folder between
the two steps of another, whose new one would be lost. `steadily` is for readers, who find the old or the new.

What killed work left lying about is removed by the next one. It is known by a lock that nobody holds; of another
machine, whose locks need not be seen here, and of what has no lock, by its age. What cannot be removed, another user's
for one, stays: tidying never ends the work that comes after it.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import glob
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO, TypeVar

from analysis.system.locks import alone, taken
from sae.temporary import MARK, host_name, temporary_name

T = TypeVar("T")

_AT_FDCWD = -100  # Linux, fcntl.h: paths are relative to the working folder
_EXCHANGE = 2  # RENAME_EXCHANGE of Linux' renameat2(2), RENAME_SWAP of macOS' renamex_np(2)
OLD, NEW, LOCK = "old", "new", "lock"
DONE = "done"
"""What stood there, once it is replaced: from then on nobody puts it back, whole or removed in part."""
COPY, COPIED = "copy", "old-copied"
"""What stood there, while it is copied, and while it is removed since there is a whole copy."""
FORGOTTEN_SECONDS = 7 * 24 * 3600
"""No stage takes so long: what is older belongs to nobody, whoever made it."""
TRIES = 100
LOOKS = 3
"""Where two steps replace a folder, it may be gone right after it was seen."""
SETTLED_SECONDS = 2.0


@contextlib.contextmanager
def fresh_beside(out: Path, stands: Callable[[], bool] = lambda: False) -> Iterator[Path]:
    """An empty folder beside `out`, which takes its place when the block ends well. Raises OSError.

    `stands` is asked then whether `out` is good as it is, made by somebody who was faster: then it stays. `out` may be
    a link to a folder elsewhere: what it leads to is replaced, the link stays.
    """
    out = Path(os.path.realpath(out))
    out.parent.mkdir(parents=True, exist_ok=True)
    tidy(out)
    holder, lock = _made(out)
    try:
        with lock:
            try:
                fresh = holder / NEW
                fresh.mkdir()
                yield fresh
                if not stands():
                    put(fresh, out)
            finally:
                _clear(holder, out)
    finally:
        _remove(holder)


def _made(out: Path) -> tuple[Path, TextIO]:
    """A folder of ours beside `out`, and its lock, held. It gets its name when it is held: no other takes it before."""
    for _ in range(TRIES):
        holder = temporary_name(out)
        holder.mkdir()
        unnamed = holder / f"{LOCK}.{NEW}"
        try:
            lock = unnamed.open("w")
        except FileNotFoundError:  # as it was still empty, another one tidied it away
            continue
        taken(lock)  # where a file system has no locks, age alone tells
        with contextlib.suppress(OSError):  # Windows renames no open file; nor has it locks
            unnamed.rename(holder / LOCK)
        return holder, lock
    raise OSError(f"{out.parent}: what is made there is removed by others all the time")


def _clear(holder: Path, out: Path) -> None:
    """Empty the folder of some work, but for its lock. What it had moved aside and not replaced is put back first, or
    all is left. Raises OSError."""
    if (holder / COPIED).is_dir() or ((holder / OLD).is_dir() and not out.exists()):
        with alone(out):  # it may be missing only because another one is between the two steps
            _back(holder, out)
    for left in holder.iterdir():
        if not left.name.startswith(LOCK):
            shutil.rmtree(left, ignore_errors=True)


def _back(holder: Path, out: Path) -> None:
    """Put back what was moved aside and not replaced. Raises OSError."""
    if (holder / COPIED).is_dir():  # what stood there was being removed, and may be there in part
        shutil.rmtree(out, ignore_errors=True)
        (holder / COPIED).rename(out)
    if not out.exists() and (holder / OLD).is_dir():
        try:
            (holder / OLD).rename(out)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):  # another one has just put theirs there
                raise


def _remove(holder: Path) -> None:
    """Take away a folder that was emptied. Its lock must be closed by now: some systems delete no open file, and others
    keep one under another name, in a folder that therefore stays."""
    with contextlib.suppress(OSError):
        if all(left.name.startswith((LOCK, ".")) for left in holder.iterdir()):
            shutil.rmtree(holder)


def put(fresh: Path, out: Path) -> None:
    """`fresh` in the place of `out`; what stood there is beside it afterwards, as DONE or in the place of `fresh`.

    Where others put theirs at the same time, one of them stands in the end. A folder that cannot be moved, since it
    lies in a lower layer of a container's image, is copied and removed: for that long a reader finds a part of it.
    Raises OSError.
    """
    if exchange(fresh, out):
        return
    with alone(out):
        if _in_two_steps(fresh, out) and (fresh.parent / OLD).exists():
            (fresh.parent / OLD).rename(fresh.parent / DONE)


def _in_two_steps(fresh: Path, out: Path) -> bool:
    """Move aside what stands there, and `fresh` there; False where another one was faster. Raises OSError."""
    for _ in range(TRIES):  # where locks keep nobody out, others do the same
        if exchange(fresh, out):
            return True
        try:
            if out.exists():
                if (fresh.parent / OLD).exists():  # what we moved aside is replaced: another one was faster
                    return False
                _aside(out, fresh.parent)
        except FileNotFoundError:  # another one has just moved it aside
            continue
        try:
            fresh.rename(out)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST) and not out.exists():
                raise
            continue  # another one was faster; it may be gone again by now
        return True
    raise OSError(f"{out} is replaced by others all the time")


def _aside(out: Path, holder: Path) -> None:
    try:
        out.rename(holder / OLD)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        shutil.copytree(out, holder / COPY, symlinks=True)
        (holder / COPY).rename(holder / COPIED)
        shutil.rmtree(out)
        (holder / COPIED).rename(holder / OLD)


def exchange(one: Path, other: Path) -> bool:
    """Exchange two folders in one step; False where the system or the file system has no such step."""
    library: Any = ctypes.CDLL(None, use_errno=True) if os.name == "posix" else None
    if sys.platform.startswith("linux") and hasattr(library, "renameat2"):
        return bool(library.renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _EXCHANGE) == 0)
    if sys.platform == "darwin" and hasattr(library, "renamex_np"):
        return bool(library.renamex_np(os.fsencode(one), os.fsencode(other), _EXCHANGE) == 0)
    return False


def settle(out: Path) -> None:
    """Wait, for a moment, where `out` is missing because somebody is between the two steps of putting another there:
    a reader sees the old or the new."""
    until = time.monotonic() + SETTLED_SECONDS
    while not out.exists() and _between(out):
        if time.monotonic() > until:  # killed there; the next work on `out` puts the old back
            return
        time.sleep(0.01)


def standing(out: Path) -> tuple[int, int, int] | None:
    """Which folder stands at `out`, None for none: another one after it was replaced. Raises OSError."""
    for _ in range(LOOKS):
        settle(out)
        try:
            found = out.stat()
        except (FileNotFoundError, NotADirectoryError):  # replaced once more since
            continue
        return found.st_dev, found.st_ino, found.st_ctime_ns
    return None


def steadily(out: Path, read: Callable[[], T]) -> T:
    """What `read` finds in `out`, or raises, while one folder stood there: it is asked again where that was replaced.

    Raises OSError where it cannot be told which folder stands there.
    """
    for _ in range(TRIES):
        before = standing(out)
        try:
            found = read()
        except Exception:
            if standing(out) == before:
                raise
            continue
        if standing(out) == before:
            return found
    return read()


def _between(out: Path) -> bool:
    """Whether somebody has moved `out` aside and not put another there yet."""
    try:
        return any(out.parent.glob(f".{glob.escape(out.name)}{MARK}*/{OLD}*"))
    except FileNotFoundError:  # a folder that went away while it was looked into: look again
        return True


def tidy(out: Path) -> None:
    """Remove what killed work on `out` left, and put back what it had moved aside."""
    for holder in out.parent.glob(f".{glob.escape(out.name)}{MARK}*"):
        _tidy(holder, out)


def sweep(folder: Path) -> None:
    """The same for whatever stands in `folder`."""
    for holder in folder.glob(f".*{MARK}*"):
        _tidy(holder, holder.with_name(holder.name[1:].rsplit(MARK, 1)[0]))
    for left in folder.glob(f"[!.]*{MARK}*"):  # how versions before this one named them
        if _forgotten(left):
            shutil.rmtree(left, ignore_errors=True)


def _tidy(holder: Path, out: Path) -> None:
    ours = holder.name.rsplit(MARK, 1)[1].rsplit("-", 1)[0] == host_name()
    with contextlib.suppress(OSError):  # another user's, or just removed by another one
        if _is_empty(holder):
            holder.rmdir()
            return
        with contextlib.ExitStack() as held:
            lock = None  # without a lock it is just being made or removed, or was killed before it had one
            with contextlib.suppress(OSError):
                lock = taken(held.enter_context(_opened(holder / LOCK)))
            if lock is False:
                return
            if not (lock and ours) and not _forgotten(holder):
                if (holder / OLD).is_dir() and not out.exists():
                    with alone(out):  # of another machine, which may be at work where it sees no lock of ours: it
                        _back(holder, out)  # can do its second step all the same
                return
            _clear(holder, out)
        _remove(holder)


def _is_empty(holder: Path) -> bool:
    return holder.is_dir() and not any(holder.iterdir())


def _opened(lock: Path) -> TextIO:
    """To lock needs no right to write, which another user's file does not give; but some network file systems do."""
    try:
        return lock.open("r+")
    except PermissionError:
        return lock.open()


def _forgotten(left: Path) -> bool:
    """Whether nothing was written into a folder for so long that nobody can be at work there."""
    times = []
    with contextlib.suppress(OSError):  # removed by another one while we look
        times = [path.lstat().st_mtime for path in (left, *left.rglob("*"))]
    return bool(times) and time.time() - max(times) > FORGOTTEN_SECONDS
