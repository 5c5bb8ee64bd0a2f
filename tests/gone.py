"""Whether processes that were killed are gone."""

from __future__ import annotations

import time
from collections.abc import Iterable

import psutil

from analysis.system.children import is_alive

SECONDS = 60.0
"""A killed process is a process until the kernel has come round to it, and for a grandchild nobody waits."""


def assert_gone(processes: Iterable[psutil.Process | int]) -> None:
    """Fails for processes (or their numbers) that are still running after a while, and kills them."""
    left = [process for item in processes for process in (_found(item) if isinstance(item, int) else [item])]
    end = time.monotonic() + SECONDS
    while (left := [process for process in left if is_alive(process)]) and time.monotonic() < end:
        time.sleep(0.02)
    for process in left:
        process.kill()
    assert not left


def _found(number: int) -> list[psutil.Process]:
    try:
        return [psutil.Process(number)]
    except psutil.NoSuchProcess:
        return []
