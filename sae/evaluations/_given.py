"""What enters an evaluation, checked once: axes, and numbers that are some."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from sae.errors import InputError, NumericError
from sae.given import check_tensor


def numbers(what: str, values: Any, *shape: int | str) -> Tensor:
    """`values` if it is a tensor of floating-point numbers of this shape; a word stands for any length.

    Raises InputError for another, NumericError, naming the first place, for NaN and infinity.
    """
    expected = f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
    check_tensor(what, values, expected)
    found: Tensor = values
    _shape(what, found, shape, expected)
    if found.numel() and not bool(torch.isfinite(found.sum())):
        bad = (~torch.isfinite(found)).nonzero()
        if len(bad):
            raise NumericError(f"{what}: place {tuple(bad[0].tolist())} holds NaN or infinity ({len(bad)} such)")
    return found.detach()


def whole(what: str, values: Any, *shape: int | str, least: int = 0, most: int | None = None) -> Tensor:
    """`values` if it is a tensor of whole numbers (as int64) of this shape within bounds. Raises InputError."""
    expected = f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
    if not isinstance(values, Tensor) or values.is_floating_point() or values.is_complex():
        kind = values.dtype if isinstance(values, Tensor) else type(values).__name__
        raise InputError(f"{what} are of {kind}, expected a tensor of whole numbers of shape {expected}")
    _shape(what, values, shape, expected)
    found = values.long()
    if found.numel():
        low, high = int(found.min()), int(found.max())
        if low < least or (most is not None and high > most):
            raise InputError(f"{what} are in {low}..{high}, expected {least}..{'' if most is None else most}")
    return found


def mask(what: str, values: Any, *shape: int | str) -> Tensor:
    """`values` if it is a tensor of bools of this shape. Raises InputError."""
    expected = f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
    if not isinstance(values, Tensor) or values.dtype != torch.bool:
        kind = values.dtype if isinstance(values, Tensor) else type(values).__name__
        raise InputError(f"{what} are of {kind}, expected a tensor of bools of shape {expected}")
    _shape(what, values, shape, expected)
    return values


def _shape(what: str, values: Tensor, shape: tuple[int | str, ...], expected: str) -> None:
    fits = values.ndim == len(shape) and all(
        isinstance(wanted, str) or wanted == found for wanted, found in zip(shape, values.shape, strict=True)
    )
    if not fits:
        raise InputError(f"{what} have shape {tuple(values.shape)}, expected {expected}")
