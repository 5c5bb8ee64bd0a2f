"""Work in processes: how many of them, how they are fed, and how they end. Free of torch.

As many as there are cores and as memory holds. They are gone when the work is done or interrupted, and when the process
that started them has been killed.
"""

from __future__ import annotations

import itertools
import os
import platform
import threading
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, TypeVar

import joblib
import psutil
from joblib.externals.loky import get_reusable_executor

from analysis.system import children
from sae.errors import ConfigError, StageError

T = TypeVar("T")
POLL_SECONDS = 0.5
BACKEND = "STRATA_BACKEND"
DEFAULT_BACKEND = "loky"
# those whose workers share this machine's cores and memory
LOCAL = ("loky", "multiprocessing", "threading", "sequential")
# of what is free, since others on the machine go on
SHARE = 0.9
CGROUP = Path("/sys/fs/cgroup")
# of both versions: the limit, what is taken, and which entry of memory.stat beside it can be given up
CGROUPS = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "total_inactive_file"),
)
# for work that is done in a thread of this process: whether the call that it belongs to has been interrupted
_stops: dict[int, threading.Event] = {}
_calls = itertools.count()
_own = threading.local()


def backend() -> str:
    """The joblib backend that STRATA_BACKEND names. Raises ConfigError for one that there is not."""
    name = os.environ.get(BACKEND, "") or DEFAULT_BACKEND
    try:
        with joblib.parallel_config(backend=name):
            return name
    except (ValueError, ImportError, TypeError) as error:  # unknown; or of a library that is missing or not set up
        why = " ".join(str(error).split())
        raise ConfigError(f"backend = {name!r}: joblib has no such backend here ({why}); usual: {LOCAL[0]}") from error


def number(asked: int, works: int, need: int) -> tuple[int, str]:
    """How many workers do `works` pieces of work, and a sentence where they are fewer than were asked for.

    `asked` 0 means one for each core; `need` is what a worker takes, in bytes. A cluster's backend has machines of
    its own: there only the works count.
    """
    cores = joblib.cpu_count()
    wanted = min(asked or cores, works)
    if backend() not in LOCAL or wanted < 1:
        return max(1, wanted), ""
    free = free_memory()
    fit = max(1, int(SHARE * free / max(1, need)))
    chosen = min(wanted, cores, fit)
    per = f"{need / 1e9:.1f} GB each, {free / 1e9:.1f} GB are free"
    if need > free:
        return chosen, f"1 worker, and memory may not do: {per}"
    if chosen < wanted:
        many = f"{chosen} worker{'s' * (chosen > 1)} in place of {wanted}"
        return chosen, f"{many}: {f'{cores} cores' if chosen == cores else per}"
    return chosen, ""


def free_memory() -> int:
    """Bytes that new processes can take: of the machine, and within the limit of a container."""
    free = int(psutil.virtual_memory().available)
    for most, used, kept in CGROUPS:
        try:
            limit, taken = ((CGROUP / name).read_text().strip() for name in (most, used))
            # what was read from files and not for long counts as taken, and is given up when memory is wanted
            spare = dict(line.split() for line in (CGROUP / used).with_name("memory.stat").read_text().splitlines())
            return max(0, min(free, int(limit) - int(taken) + int(spare.get(kept, 0)))) if limit != "max" else free
        except (OSError, ValueError):  # no such groups here
            continue
    return free


def in_processes(
    function: Callable[..., T],
    works: Sequence[tuple[Any, ...]],
    workers: int,
    tell: Callable[[], None] = lambda: None,
) -> list[T]:
    """`function` on the arguments of each work, in processes; `tell` is called now and then until all is done.

    On an interrupt the workers are killed. Raises StageError when one has died.
    """
    call = next(_calls)
    here, stop = (platform.node(), os.getpid(), call), _stops.setdefault(call, threading.Event())
    name = backend()
    # joblib replaces a worker whose memory has grown, which long chains do; nothing is lost by it
    warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given")
    background = ThreadPoolExecutor(1)
    try:
        doing = background.submit(
            lambda: joblib.Parallel(n_jobs=workers, backend=name)(
                joblib.delayed(_watched)(here, function, work) for work in works
            )
        )
        while not doing.done():
            tell()
            wait([doing], timeout=POLL_SECONDS)
        found: list[T] = doing.result()
    except BrokenProcessPool as error:  # a worker was killed, by hand or for want of memory
        raise StageError(f"a worker process died ({error}); what was done is kept, run again") from error
    except BaseException:
        stop.set()
        if name == DEFAULT_BACKEND and workers > 1:
            # the one that works, whatever it was made with: another call would first wait for all its work
            get_reusable_executor(reuse=True).shutdown(wait=False, kill_workers=True)
        raise
    finally:
        background.shutdown(wait=False, cancel_futures=True)
    tell()
    return found


def stopping() -> bool:
    """Whether this thread's work should stop since the call that it belongs to was interrupted; ask between stages."""
    stop: threading.Event | None = getattr(_own, "stop", None)
    return stop is not None and stop.is_set()


def _watched(parent: tuple[str, int, int], function: Callable[..., T], work: tuple[Any, ...]) -> T:
    node, number, call = parent
    if node == platform.node():  # a cluster's worker has no such process, and its own manager
        children.watch_parent(number)
    _own.stop = _stops.get(call) if number == os.getpid() else None
    return function(*work)
