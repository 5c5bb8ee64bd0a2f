"""A pickle of lists, dictionaries, text, bytes, numbers and arrays of bytes, read without executing it.

What a pickle asks to call is never looked up: a few names that stand for an array become records of ours, and every
other name is refused.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sae.errors import DataError

WRONG = (
    pickle.UnpicklingError, EOFError, AttributeError, ValueError, TypeError, LookupError, OverflowError, RecursionError,
    MemoryError,
)  # fmt: skip
ARRAYS = ("numpy.core.multiarray", "numpy._core.multiarray")
BUFFERS = ("numpy.core.numeric", "numpy._core.numeric")


class _Refused(Exception):
    pass


class _Name:
    """What stands for a class: it is passed on, and never called."""


class _Kind:
    """What stands for the type of an array's numbers."""

    def __init__(self, name: Any, *others: Any) -> None:
        self.name = name.decode("latin1") if isinstance(name, bytes) else str(name)

    def __setstate__(self, state: Any) -> None:
        pass


class _Array:
    """What stands for an array, until its state is known."""

    def __init__(self, *others: Any) -> None:
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state

    @classmethod
    def of_buffer(cls, held: Any, kind: Any, shape: Any, order: Any) -> _Array:
        if not isinstance(held, bytes | bytearray):  # of a number, `bytes` would make as many zeros
            raise ValueError(f"an array held by {type(held).__name__}")
        found = cls()
        found.state = (1, shape, kind, order == "F", bytes(held))
        return found

    def values(self) -> NDArray[np.uint8]:
        """(shape) the array. Raises ValueError for one that is not of bytes."""
        _, shape, kind, by_columns, held = self.state
        if not isinstance(kind, _Kind) or kind.name not in ("u1", "|u1", "uint8"):
            raise ValueError(f"an array of {getattr(kind, 'name', kind)}")
        raw = held.encode("latin1") if isinstance(held, str) else held
        return np.frombuffer(raw, np.uint8).reshape(shape, order="F" if by_columns else "C")


def _encoded(text: str, codec: Any) -> bytes:
    if codec not in ("latin1", b"latin1"):
        raise ValueError(f"text in {codec!r}")
    return text.encode("latin1")


STANDING_FOR: dict[tuple[str, str], Callable[..., Any]] = {
    **{(module, "_reconstruct"): _Array for module in ARRAYS},
    **{(module, "_frombuffer"): _Array.of_buffer for module in BUFFERS},
    ("numpy", "ndarray"): _Name,
    ("numpy", "dtype"): _Kind,
    ("_codecs", "encode"): _encoded,
}


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in STANDING_FOR:
            raise _Refused(f"{module}.{name}")
        return STANDING_FOR[module, name]

    def persistent_load(self, pid: Any) -> Any:
        raise _Refused("an object outside of the file")


def read_plain(content: bytes, place: str, again: str) -> dict[str, Any]:
    """A dictionary of plain values and arrays of bytes, with its keys and texts as text, as both Pythons wrote it.

    `place` is the file in messages, `again` how to get another. Raises DataError for anything else in it.
    """
    try:
        found = _plain(_Reader(io.BytesIO(content), encoding="bytes").load())
    except _Refused as error:
        raise DataError(
            f"{place} is a pickle that asks for {error}; only numbers, text, lists and arrays of bytes are read, and "
            f"no pickle is executed; {again}"
        ) from None
    except WRONG as error:
        said = " ".join(str(error).split())[:160] or type(error).__name__
        raise DataError(f"{place} cannot be read as a pickle of plain values ({said}); {again}") from error
    if not isinstance(found, dict):
        raise DataError(f"{place} holds {type(found).__name__}; expected a dictionary; {again}")
    return found


def _plain(value: Any, depth: int = 0) -> Any:
    """Arrays, texts and numbers, in lists, in a dictionary: no deeper, as lists may stand in lists many times over."""
    if isinstance(value, _Array):
        return value.values()
    if isinstance(value, bytes):
        return value.decode("latin1")
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, dict) and depth == 0:
        return {str(_plain(key, 2)): _plain(one, 1) for key, one in value.items()}
    if isinstance(value, list | tuple) and depth < 2:
        return [_plain(one, 2) for one in value]
    raise ValueError(f"{type(value).__name__} among its values")
