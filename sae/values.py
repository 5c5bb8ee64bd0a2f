"""Numbers, switches, choices and paths from a caller, checked for type and range before anything is done with them.

A bool is no number, numpy's numbers are numbers, NaN and infinity are none. What comes back is Python's own kind, so
that it can be written as JSON. Everything here raises ConfigError with the name, the value and what would be right.
Free of torch.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from numbers import Integral, Real
from pathlib import Path
from typing import Any, TypeVar

from sae.errors import ConfigError

# Weights and rows are float32: a larger number would become infinity there.
LARGEST = 3.4e38

Entrance = TypeVar("Entrance")


def says_itself(entrance: Entrance) -> Entrance:
    """Mark a function, or a dataclass's `__init__`, that checks what it is given and says so in words of ours.

    Where shapes and types are checked at run time, as in the tests, that checker passes over it: users meet our
    messages, and so shall the tests.
    """
    marked: Any = entrance.__init__ if isinstance(entrance, type) else entrance  # type: ignore[misc]  # of a dataclass
    marked.__no_type_check__ = True
    return entrance


def whole(name: str, value: Any, least: int | None = 0, most: int | None = None, says: str = "") -> int:
    """`value` as a whole number in `least`..`most` (None: any); no bool, and no float even if it is whole. `says` puts
    the bounds into other words."""
    bounds = says or ("" if least is None else f"at least {least}" if most is None else f"in {least}..{most}")
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise ConfigError(f"{name} = {value!r}: must be a whole number" + (f", {bounds}" if bounds else ""))
    number = int(value)
    if (least is not None and number < least) or (most is not None and number > most):
        raise ConfigError(f"{name} = {number}: must be {bounds}")
    return number


def real(
    name: str,
    value: Any,
    *,
    least: float | int | None = None,
    above: float | int | None = None,
    most: float | int | None = None,
    below: float | int | None = None,
) -> float | int:
    """`value` as a finite number of at least `least`, above `above`, at most `most`, below `below`."""
    if least is not None and most is not None:
        expected = f"in {least:g}..{most:g}"
    else:
        pairs = (("at least", least), ("above", above), ("at most", most), ("below", below))
        expected = " and ".join(f"{word} {bound:g}" for word, bound in pairs if bound is not None)
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ConfigError(f"{name} = {value!r}: must be a number" + (f", {expected}" if expected else ""))
    # Python's own stay as they are: 1 and 1.0 are written differently into a run's record
    number: float | int = value if isinstance(value, int) else float(value)
    if not abs(number) <= LARGEST:  # so that NaN is refused too
        raise ConfigError(f"{name} = {number}: must be " + (expected or "a number") + ", and finite")
    inside = (
        (least is None or number >= least)
        and (above is None or number > above)
        and (most is None or number <= most)
        and (below is None or number < below)
    )
    if not inside:
        raise ConfigError(f"{name} = {number}: must be {expected}")
    return number


def flag(name: str, value: Any) -> bool:
    """`value` as a bool; 0, 1 and words are refused, for "no" would count as true."""
    numpys = type(value).__module__ == "numpy" and type(value).__name__ in ("bool", "bool_")
    if not (isinstance(value, bool) or numpys):
        raise ConfigError(f"{name} = {value!r}: must be true or false")
    return bool(value)


def choice(name: str, value: Any, allowed: Iterable[str]) -> str:
    """`value` if it is one of the words `allowed`."""
    allowed = tuple(allowed)
    if not isinstance(value, str) or value not in allowed:
        raise ConfigError(f"{name} = {value!r}: must be one of {', '.join(allowed)}")
    return value


def path_of(name: str, value: Any) -> Path:
    """`value`, a string or a path, as a Path."""
    if not isinstance(value, str | os.PathLike) or not str(value):
        raise ConfigError(f"{name} = {value!r}: must be a path, as text or pathlib.Path")
    return Path(value)
