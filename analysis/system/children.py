"""Programs that Strata starts (pandoc, git, node, ...) end with it, however it ends.

Each is a process group of its own, so that what it starts in turn goes with it. It is killed when its time is up, when
`run` is left by an error or an interrupt, when Strata exits, and when Strata itself is killed: a small process, the
warden, holds the other end of a pipe and kills the groups when that closes.

`watch_parent` is the same for Python workers, which can watch for themselves.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import psutil

WARDEN = Path(__file__).with_name("_warden.py")
# where there are no process groups (Windows) a child is killed alone, and nothing watches for our own sudden end
GROUPS = hasattr(os, "killpg")
POLL_SECONDS = 0.25
LAST_SECONDS = 2.0
GONE = 70  # exit code of a worker that was left alone (EX_SOFTWARE)
# Python's own helper of worker processes: it ends when they do, and what it holds is only then cleared away
TRACKER = "resource_tracker"

_lock = threading.RLock()  # a signal may come while it is held, and asks for it again
_running: dict[int, subprocess.Popen[bytes]] = {}
_warden: tuple[int, subprocess.Popen[bytes]] | None = None
_watched: set[int] = set()


def run(
    command: Sequence[str | os.PathLike[str]],
    *,
    given: bytes | None = None,
    seconds: float | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    **options: Any,
) -> subprocess.CompletedProcess[bytes]:
    """Run a program to its end and give its exit code, standard output and standard error (bytes).

    `given` is its standard input (nothing: an empty one); after `seconds` it is killed with all that it has started.
    Raises subprocess.TimeoutExpired then, and OSError when it cannot be started; an exit code is the caller's matter.
    `options` go to subprocess.Popen.
    """
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    pipes["stdin"] = subprocess.DEVNULL if given is None else subprocess.PIPE
    with started(command, cwd=cwd, env=env, **pipes) as child:
        out, err = child.communicate(given, timeout=seconds)
    return subprocess.CompletedProcess(child.args, child.returncode, out, err)


@contextlib.contextmanager
def started(command: Sequence[str | os.PathLike[str]], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A program that runs while the block does: on leaving, it and all that it has started are killed if still there.

    `options` go to subprocess.Popen. Raises OSError when it cannot be started.
    """
    child = subprocess.Popen(command, start_new_session=GROUPS, **options)
    with _lock:
        _running[child.pid] = child
        _tell_warden(f"+{child.pid}")
    try:
        yield child
    finally:
        kill(child)
        with _lock:
            _running.pop(child.pid, None)
            _tell_warden(f"-{child.pid}")


@contextlib.contextmanager
def adopted(group: int) -> Iterator[None]:
    """For a process that a library started as a group of its own: on leaving the block, and when Strata is killed, it
    and all that it has started are killed. `group` is its number; nothing is done for one that leads no group."""
    leads = False
    with contextlib.suppress(OSError):  # it has ended
        leads = GROUPS and os.getpgid(group) == group  # a member of our own group would take us along
    if leads:
        with _lock:
            _tell_warden(f"+{group}")
    try:
        yield
    finally:
        if leads:
            with contextlib.suppress(OSError):  # nothing is left
                os.killpg(group, signal.SIGKILL)
            with _lock:
                _tell_warden(f"-{group}")


def kill(child: subprocess.Popen[bytes]) -> None:
    """Kill a child and its group, and wait until it is gone; nothing where it has ended and left nothing behind."""
    _kill_group(child)
    for pipe in (child.stdin, child.stdout, child.stderr):
        _close(pipe)
    child.wait()


def kill_all() -> None:
    """End every process that this one has started, directly or not: those of `started` at once, others by their leave.

    For the end of a command: libraries start processes too (browsers, kernels, workers), and none may outlive it.
    """
    with _lock:
        running, spared = list(_running.values()), {_warden[1].pid} if _warden else set()
    # listed before their parents are gone: afterwards nothing says whose they were
    others = [process for process in psutil.Process().children(recursive=True) if process.pid not in spared]
    for child in running:
        _kill_group(child)
    others = [process for process in others if not _is_tracker(process)]
    for process in others:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    for process in psutil.wait_procs(others, timeout=LAST_SECONDS)[1]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def _forget() -> None:
    """In a process that was forked: children, and what is watched, were the parent's. A lock of its threads is open."""
    global _lock, _warden
    _lock = threading.RLock()
    _warden = None
    _running.clear()
    _watched.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def watch_parent(parent: int) -> None:
    """End this process within a second or so of the end of process `parent`; called again, it does nothing.

    For a worker on the same machine, given the id of the process that works for somebody: from then on a thread looks
    whether that is there. What the worker was writing is left half-written, as by any kill.
    """
    if parent in _watched or parent == os.getpid():
        return
    _watched.add(parent)
    # an id may be given to another process later: remembered is the process, not the number
    process = _process(parent)
    threading.Thread(target=_watch, args=(process, parent == os.getppid()), name="watch-parent", daemon=True).start()


def _watch(process: psutil.Process | None, direct: bool) -> None:
    while process is not None and is_alive(process) and not (direct and os.getppid() != process.pid):
        time.sleep(POLL_SECONDS)
    os._exit(GONE)


def _kill_group(child: subprocess.Popen[bytes]) -> None:
    # its number names the group for as long as anything is left in it, also when the child itself has been waited for
    with contextlib.suppress(OSError):  # nothing is left
        if GROUPS:
            os.killpg(child.pid, signal.SIGKILL)
        else:
            child.kill()


def _is_tracker(process: psutil.Process) -> bool:
    try:
        return any(TRACKER in word for word in process.cmdline())
    except psutil.Error:
        return False


def _process(number: int) -> psutil.Process | None:
    try:
        return psutil.Process(number)
    except psutil.NoSuchProcess:
        return None


def is_alive(process: psutil.Process) -> bool:
    """Whether a process is there and has not ended; one that has ended and not been waited for is not."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _tell_warden(line: str) -> None:
    """Write a line to the warden, starting it first where this process has none. Call with the lock held."""
    global _warden
    if not GROUPS:
        return
    if _warden is None or _warden[0] != os.getpid():  # after a fork the warden is the parent's
        # isolated and without site packages: it starts in milliseconds and reads no settings of the user's
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(WARDEN)], start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        _warden = os.getpid(), process
        atexit.register(_dismiss, os.getpid(), process)
    pipe = _warden[1].stdin
    assert pipe is not None
    try:
        pipe.write(f"{line}\n".encode())
        pipe.flush()
    except OSError:  # it was killed: the next child starts another
        _warden = None


def _dismiss(owner: int, process: subprocess.Popen[bytes]) -> None:
    if owner == os.getpid():
        _close(process.stdin)
        process.wait()


def _close(pipe: IO[bytes] | None) -> None:
    with contextlib.suppress(OSError):  # what was not written yet has nobody to read it
        if pipe is not None:
            pipe.close()
