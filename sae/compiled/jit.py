"""numba's compiler as the kernels use it: cached on disk where there is a folder for it, else in memory only.

numba looks for a folder beside the code, then in the user's home; a read-only installation of a user without a home
has neither, and numba then refuses to compile at all. The numbers are the same either way.
"""

from __future__ import annotations

import multiprocessing
import warnings
from collections.abc import Callable
from typing import Any

import numba

UNCACHED = (
    "no folder in which numba could keep compiled kernels: every process compiles them anew, which takes up to a "
    "minute; set NUMBA_CACHE_DIR to a folder that can be written to"
)

_uncached: list[str] = []
_said: list[bool] = []


def kernel(**options: Any) -> Callable[[Any], Any]:
    """`numba.njit` with these options, and with its cache on disk if there can be one."""

    def compiled(function: Any) -> Any:
        try:
            return numba.njit(cache=True, **options)(function)
        except RuntimeError as error:
            if "no locator available" not in str(error):
                raise
            _uncached.append(function.__name__)
            return numba.njit(**options)(function)

    return compiled


def said_by_caller() -> str:
    """What there is to say about a missing cache, "" if nothing; whoever asks says it, so that `say_once` does not."""
    if not _uncached:
        return ""
    _said.append(True)
    return UNCACHED


def say_once() -> None:
    """Warn of a missing cache, once and not in every worker of a pool."""
    if multiprocessing.current_process().name == "MainProcess" and not _said and said_by_caller():
        warnings.warn(UNCACHED, RuntimeWarning, stacklevel=3)
