"""What is asked of every call into `sae` while tests run: that arguments and result are of the types and shapes in its
signature."""

from __future__ import annotations

import functools
import sys
from collections import Counter
from collections.abc import Callable
from types import FunctionType
from typing import Any

from beartype import beartype

CALLS = 8
"""So many calls of a function are checked in each test; a loop of training would check the same thousands of times."""

_calls: Counter[Callable[..., Any]] = Counter()
_left: list[FunctionType] = []


def first_calls(function: Callable[..., Any]) -> Callable[..., Any]:
    """beartype, until a test has called `function` often enough. For `jaxtyping.install_import_hook`.

    The check is made at the first call: most of what a process imports it never calls.
    """
    check: Callable[..., Any] | None = None

    @functools.wraps(function)
    def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal check
        _calls[counted] += 1
        if _calls[counted] > CALLS:
            _leave(sys._getframe(1))
        if check is None:
            check = beartype(function)
        return check(*args, **kwargs)

    return counted


def _leave(frame: Any) -> None:
    """Mark what jaxtyping has wrapped: a mark that it looks for before it does anything else."""
    while frame.f_code.co_name != "wrapped_fn":
        frame = frame.f_back
    function = frame.f_locals["fn"]
    if not hasattr(function, "__no_type_check__"):
        function.__no_type_check__ = True
        _left.append(function)


def begin() -> None:
    """The next test: all is checked again."""
    _calls.clear()
    while _left:
        _left.pop().__dict__.pop("__no_type_check__", None)  # two threads may have left it
