"""What enters an evaluation, checked once: axes, and numbers that are some."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from sae.errors import InputError, NumericError
from sae.given import check_codes, check_tensor


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


def rows_with_codes(
    train: Any, train_codes: Any, held_out: Any, held_out_codes: Any, directions: Any
) -> tuple[Tensor, Tensor, Tensor]:
    """Training rows, held-out rows, and the directions (in float64) of the SAE that both codes are of.

    Raises InputError for shapes that do not fit each other, NumericError for NaN and infinity.
    """
    train = numbers("training rows", train, "rows", "width")
    held_out = numbers("held-out rows", held_out, "rows", train.shape[1])
    for name, codes, rows in (("training", train_codes, train), ("held-out", held_out_codes, held_out)):
        check_codes(codes)
        if codes.values.ndim != 2 or len(codes) != len(rows) or codes.n_latents != train_codes.n_latents:
            shape = f"{tuple(codes.values.shape)} of {codes.n_latents} latents"
            raise InputError(f"{name} codes are {shape}, expected ({len(rows)}, k) of {train_codes.n_latents}")
    unit = numbers("directions", directions, train_codes.n_latents, train.shape[1]).double()
    return train, held_out, unit


def _shape(what: str, values: Tensor, shape: tuple[int | str, ...], expected: str) -> None:
    fits = values.ndim == len(shape) and all(
        isinstance(wanted, str) or wanted == found for wanted, found in zip(shape, values.shape, strict=True)
    )
    if not fits:
        raise InputError(f"{what} have shape {tuple(values.shape)}, expected {expected}")
