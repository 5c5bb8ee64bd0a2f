"""What enters the library: rows and codes from a caller, checked once, before anything is computed from them.

torch would go on with a wrong number of axes, another width that broadcasts, whole or complex numbers and NaN, and
give numbers that look right. So every public entrance asks here. A check costs a look at the shape and one sum over
the rows, next to a product of them with all latents. Raises InputError, or NumericError for NaN and infinity.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sae.errors import InputError, NumericError
from sae.records import Codes
from sae.values import says_itself

AnyRows = Float[Tensor, "*leading d_in"]
TrainingRows = Float[Tensor, "rows d_in"] | Codes


@says_itself
def rows_of(rows: AnyRows, d_in: int, device: torch.device | None = None) -> Float[Tensor, "batch d_in"]:
    """Rows with any leading dimensions, flattened to (batch, d_in) and in float32; half and double precision are
    converted. `device`: where they have to be; None: anywhere."""
    check_tensor("rows", rows, f"(..., {d_in})")
    shape = tuple(rows.shape)
    if rows.ndim < 2:
        one = f": one row is rows[None], of shape (1, {d_in})" if shape == (d_in,) else ""
        raise InputError(f"rows have shape {shape}, expected (..., {d_in}){one}")
    if shape[-1] != d_in:
        turn = f": rows.movedim({shape.index(d_in)}, -1) turns them" if d_in in shape else ""
        raise InputError(f"rows have shape {shape}, expected (..., {d_in}), the coordinates of a row last{turn}")
    if device is not None and rows.device != device:
        raise InputError(f"rows are on {rows.device}, the SAE is on {device}: rows.to({str(device)!r})")
    flat = rows.detach().reshape(-1, d_in).float()
    check_numbers("rows", flat, shape[:-1])
    return flat


@says_itself
def training_rows_of(rows: TrainingRows) -> Float[Tensor, "rows d_in"] | Codes:
    """Rows to train on, (rows, d_in) or codes, as they are; whether they are finite is seen where they are summed."""
    if isinstance(rows, Codes):
        check_codes(rows)
        if rows.values.ndim != 2:
            raise InputError(f"codes have shape {tuple(rows.values.shape)}, expected (rows, k): codes.flat()")
        return Codes(rows.values.detach(), rows.indices, rows.n_latents)
    check_tensor("rows", rows, "(rows, d_in)")
    if rows.ndim != 2:
        remedy = ": rows.flatten(0, -2)" if rows.ndim > 2 else ""
        raise InputError(f"rows have shape {tuple(rows.shape)}, expected (rows, d_in) to train on{remedy}")
    return rows.detach()


def check_tensor(what: str, rows: Any, expected: str) -> None:
    """Raise InputError for anything but a dense tensor of real floating-point numbers."""
    if isinstance(rows, Codes):
        raise InputError(f"{what} are Codes, expected a tensor of shape {expected}: codes.dense()")
    if not isinstance(rows, Tensor):
        kind = f"{type(rows).__module__}.{type(rows).__name__}".removeprefix("builtins.")
        raise InputError(f"{what} are of type {kind}, expected a tensor of shape {expected}: torch.as_tensor({what})")
    if rows.layout != torch.strided or rows.is_quantized:
        raise InputError(f"{what} are sparse or quantised ({rows.layout}), expected a dense tensor: {what}.to_dense()")
    if rows.is_complex():
        raise InputError(
            f"{what} are complex ({rows.dtype}), expected real numbers: {what}.real, or both parts side by side by "
            f"torch.view_as_real({what}).flatten(-2)"
        )
    if not rows.is_floating_point():
        raise InputError(f"{what} are of {rows.dtype}, expected floating point: {what}.float()")


@says_itself
def check_codes(codes: Codes, n_latents: int | None = None) -> None:
    """Raise InputError for anything but codes of `n_latents` latents (None: of as many as they say) whose indices
    are among them, and NumericError for values that are not finite."""
    if not isinstance(codes, Codes):
        remedy = "Codes.from_dense(codes)" if isinstance(codes, Tensor) else "what encode gives"
        raise InputError(f"codes are of type {type(codes).__name__}, expected sae.records.Codes: {remedy}")
    values, indices = codes.values, codes.indices
    check_tensor("code values", values, "(..., k)")
    if values.ndim < 2 or values.shape != indices.shape or indices.dtype != torch.int64:
        raise InputError(
            f"codes have values of shape {tuple(values.shape)} and indices of shape {tuple(indices.shape)} and "
            f"{indices.dtype}, expected both (..., k), indices in torch.int64"
        )
    if n_latents is not None and codes.n_latents != n_latents:
        raise InputError(f"codes are of {codes.n_latents} latents, the SAE has {n_latents}: they are another SAE's")
    if indices.numel() and not (int(indices.min()) >= 0 and int(indices.max()) < codes.n_latents):
        outside = f"{int(indices.min())}..{int(indices.max())}"
        raise InputError(f"codes have indices {outside}, expected 0..{codes.n_latents - 1}")
    check_numbers("codes", values.reshape(-1, values.shape[-1]), tuple(values.shape[:-1]))


def check_numbers(what: str, rows: Float[Tensor, "batch columns"], leading: tuple[int, ...] = ()) -> None:
    """Raise NumericError, naming the first bad row by its place in `leading`, for NaN and infinity.

    One sum is quick, and not finite if any number is not; but a sum may overflow too, so then look closer.
    """
    if bool(torch.isfinite(rows.sum())):
        return
    bad = (~torch.isfinite(rows)).any(1).nonzero().flatten().tolist()
    if bad:
        where = tuple(int(i) for i in np.unravel_index(bad[0], leading or (len(rows),)))
        place = where[0] if len(where) == 1 else where
        raise NumericError(f"{what}: row {place} holds NaN or infinity ({len(bad)} such rows)")
