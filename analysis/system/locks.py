"""Locks that the system gives back when a process ends: `taken` of a file that stays, `alone` for steps at a path.

What they are worth depends on the file system. On local disks, and on NFS and SMB mounted with locks, everybody is
kept out; NFS may tell a machine for some seconds that a lock's file is there which another one has removed, and with
locks that are local to each machine, or none, as on Windows, another one is not kept out. So whoever holds one still
expects that a step may fail. Free of torch.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

try:
    import fcntl
except ImportError:
    fcntl = None  # type: ignore[assignment]  # Windows has none


def taken(lock: TextIO) -> bool | None:
    """Take the lock of an open file; False while somebody else has it, None where there are no locks to go by."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return None
    return True


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """One at a time for what is done at `path`, threads and processes; the next one waits. Not to be nested.

    The file `.NAME.lock` beside it is there for that long. Who was killed holds nothing, and its file is used and
    removed by the next.
    """
    name = path.with_name(f".{path.name}.lock")
    lock = _held(name)
    try:
        yield
    finally:
        if lock is not None:
            with contextlib.suppress(OSError):
                name.unlink()  # while it is held: who waits for it sees then that it is no more, and makes another
            fcntl.flock(lock, fcntl.LOCK_UN)  # a process forked meanwhile has it open, too
            os.close(lock)


def _held(name: Path) -> int | None:
    """The lock with this name, open and held; None where there are no locks to go by."""
    while fcntl is not None:
        try:
            lock = _opened(name)
        except FileNotFoundError:  # another user's, removed between the two tries
            if name.parent.is_dir():
                continue
            return None
        except OSError:  # a folder without the right to write: the step itself says so
            return None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if os.path.samestat(os.fstat(lock), name.stat()):
                return lock
        except FileNotFoundError:  # its last holder has removed it
            pass
        except OSError:  # a file system without locks
            with contextlib.suppress(OSError):
                name.unlink()
            os.close(lock)
            return None
        except BaseException:
            os.close(lock)
            raise
        os.close(lock)
    return None


def _opened(name: Path) -> int:
    try:
        return os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except PermissionError:  # another user's, which can be locked all the same
        return os.open(name, os.O_RDONLY | os.O_CLOEXEC)
