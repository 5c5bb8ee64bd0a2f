"""Which examples are held out: as files say it, or by what the examples hold.

By content: of each class the examples whose sha256 is smallest are held out, until they are the share that was asked
for. So the split depends on nothing but the examples, whatever their order and names, and equal ones stay together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sae.errors import ConfigError, DataError

SHARE = 0.2
TRAIN = ("train", "training")
HELD_OUT = ("held_out", "test", "testing", "val", "valid", "validation")


def checked_share(share: Any) -> float:
    """The option `held_out`. Raises ConfigError."""
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share < 1:
        raise ConfigError(f"dataset_options.held_out = {share!r}: must be a share between 0 and 1, such as 0.2")
    return float(share)


def by_content(examples: NDArray[Any], labels: NDArray[np.int64] | None, share: float, name: str) -> NDArray[np.bool_]:
    """True for what is held out. Raises DataError for fewer than two different examples."""
    groups: dict[bytes, list[int]] = {}
    for row, content in enumerate(digests(examples)):
        groups.setdefault(content, []).append(row)
    if len(groups) < 2:
        raise DataError(f"{name}: {len(examples)} examples, {len(groups)} different; two are needed to hold one out")
    classes: dict[int, list[bytes]] = {}
    for content in sorted(groups):
        classes.setdefault(0 if labels is None else int(labels[groups[content][0]]), []).append(content)
    held_out = np.zeros(len(examples), bool)
    for contents in classes.values():
        size, taken = sum(len(groups[content]) for content in contents), 0
        for content in contents[:-1]:  # one is left to train on
            if taken + len(groups[content]) / 2 > share * size:
                break
            held_out[groups[content]] = True
            taken += len(groups[content])
    if not held_out.any():  # no class has enough of them for its share
        first = next(contents for contents in classes.values() if len(contents) == max(map(len, classes.values())))
        held_out[groups[first[0]]] = True
    return held_out


def digests(examples: NDArray[Any]) -> list[bytes]:
    """The sha256 of each example."""
    return [hashlib.sha256(np.ascontiguousarray(example).data).digest() for example in examples]


def said(share: float) -> str:
    """In words."""
    return f"{share:g} of each class by content"


def as_given(
    examples: NDArray[Any], held_out: NDArray[np.bool_], name: str, overlap: bool, called: Callable[[int], str]
) -> None:
    """Raises DataError for a split that has no example on one side, or the same on both, unless `overlap` allows that;
    `called` says what a row is."""
    if not isinstance(overlap, bool):
        raise ConfigError(f"dataset_options.overlap = {overlap!r}: must be true or false")
    if held_out.all() or not held_out.any():
        side = "to train on" if held_out.all() else "held out"
        raise DataError(f"{name}: no example is {side}; say which are, or let `held_out = {SHARE}` hold some out")
    if overlap:
        return
    trained: dict[bytes, int] = {}
    twice: list[tuple[int, int]] = []
    contents = digests(examples)
    for row in np.flatnonzero(~held_out).tolist():
        trained.setdefault(contents[row], row)
    twice = [(row, trained[contents[row]]) for row in np.flatnonzero(held_out).tolist() if contents[row] in trained]
    if twice:
        first, other = twice[0]
        raise DataError(
            f"{name}: {len(twice)} of {int(held_out.sum())} held-out examples are trained on, too ({called(first)} is "
            f"{called(other)}); remove them, or say `overlap = true`"
        )


def marks(values: NDArray[Any], place: str) -> NDArray[np.bool_]:
    """A column that says of each row whether it is held out: true or false, 1 or 0, or `train`, `test` and the like."""
    if values.ndim != 1:
        raise DataError(f"{place} has shape {values.shape}; expected one mark a row")
    if values.dtype == np.bool_ or (np.issubdtype(values.dtype, np.integer) and np.isin(values, (0, 1)).all()):
        return values.astype(bool)
    if values.dtype.kind == "U":
        lower = np.char.lower(values)
        strange = ~np.isin(lower, (*TRAIN, *HELD_OUT))
        if not strange.any():
            return np.isin(lower, HELD_OUT)
        row = int(np.argmax(strange))
        raise DataError(
            f"{place}: row {row} is {str(values[row])!r}; expected {TRAIN[0]} or one of {', '.join(HELD_OUT)}"
        )
    raise DataError(f"{place} is {values.dtype}; expected true or false (held out), or train and test")
