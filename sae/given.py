"""What enters the library: rows and codes from a caller, checked once, before anything is computed from them.

torch would go on with a wrong number of axes, another width that broadcasts, whole or complex numbers and NaN, and
give numbers that look right. So every public entrance asks here. A check costs a look at the shape and one sum over
the rows, next to a product of them with all latents. Raises InputError, or NumericError for NaN and infinity.
"""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sae.errors import InputError, NumericError
from sae.protocol import SAE
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


def check_whole(what: str, values: Any, expected: str) -> None:
    """Raise InputError for anything but a dense tensor of whole numbers."""
    if not isinstance(values, Tensor):
        kind = f"{type(values).__module__}.{type(values).__name__}".removeprefix("builtins.")
        raise InputError(f"{what} are of type {kind}, expected a tensor of whole numbers of shape {expected}")
    if (
        values.layout != torch.strided
        or values.is_floating_point()
        or values.is_complex()
        or values.dtype == torch.bool
    ):
        found = values.dtype if values.layout == torch.strided else values.layout
        raise InputError(f"{what} are of {found}, expected a dense tensor of whole numbers of shape {expected}")


@says_itself
def whole_numbers(what: str, values: Any, expected: str, least: int, most: int) -> Tensor:
    """`values` as int64. Raises InputError, naming the first bad one, unless they are in `least`..`most`."""
    check_whole(what, values, expected)
    found: Tensor = values.long()
    if found.numel():
        low, high = (int(end) for end in found.aminmax())
        if low < least or high > most:
            place = int(((found < least) | (found > most)).flatten().nonzero()[0, 0])
            raise InputError(f"{what}: number {place} is {int(found.flatten()[place])}, expected {least}..{most}")
    return found


@says_itself
def check_sparse(codes: Any, what: str = "codes") -> None:
    """Raise InputError for anything but Codes of floating-point values with one index each, in the same place."""
    if not isinstance(codes, Codes):
        remedy = "Codes.from_dense(codes)" if isinstance(codes, Tensor) else "what encode gives"
        raise InputError(f"{what} are of type {type(codes).__name__}, expected sae.records.Codes: {remedy}")
    values, indices = codes.values, codes.indices
    kind = "code" if what == "codes" else what
    check_tensor(f"{kind} values", values, "(..., k)")
    check_whole(f"{kind} indices", indices, "(..., k)")
    if values.ndim < 2 or values.shape != indices.shape or indices.dtype != torch.int64:
        raise InputError(
            f"{what} have values of shape {tuple(values.shape)} and indices of shape {tuple(indices.shape)} and "
            f"{indices.dtype}, expected both (..., k), indices in torch.int64"
        )
    if isinstance(codes.n_latents, bool) or not isinstance(codes.n_latents, Integral) or codes.n_latents < 1:
        raise InputError(f"{what} are of n_latents = {codes.n_latents!r}, expected a whole number above 0")


@says_itself
def check_codes(codes: Codes, n_latents: int | None = None, what: str = "codes") -> None:
    """Raise InputError for anything but codes of `n_latents` latents (None: of as many as they say) whose indices
    are among them, and NumericError for values that are not finite. `what`: how the message calls them."""
    check_sparse(codes, what)
    values, indices = codes.values, codes.indices
    if n_latents is not None and codes.n_latents != n_latents:
        raise InputError(f"{what} are of {codes.n_latents} latents, the SAE has {n_latents}: they are another SAE's")
    check_numbers(what, values.reshape(-1, values.shape[-1]), tuple(values.shape[:-1]))
    if indices.numel():
        low, high = (int(end) for end in indices.aminmax())
        if low < 0 or high >= codes.n_latents:
            raise InputError(f"{what} have indices {low}..{high}, expected 0..{codes.n_latents - 1}")


@says_itself
def check_sae(what: str, sae: Any) -> None:
    """Raise InputError for anything that lacks what an SAE offers."""
    if isinstance(sae, type) or not isinstance(sae, SAE):
        kind = f"the class {sae.__name__}" if isinstance(sae, type) else f"of type {type(sae).__name__}"
        offers = [name for name in dir(SAE) if not name.startswith("__") and name not in ("_abc_impl", "_is_protocol")]
        lacks = [name for name in ("d_in", "n_latents", *offers) if not hasattr(sae, name)]
        raise InputError(
            f"{what} is {kind}, expected an SAE (sae.protocol.SAE); it lacks {', '.join(lacks[:4]) or 'it'}"
        )


@says_itself
def check_numbers(what: str, rows: Float[Tensor, "batch columns"], leading: tuple[int, ...] = ()) -> None:
    """Raise NumericError, naming the first bad row by its place in `leading`, for NaN and infinity.

    One sum is quick, and not finite if any number is not; but a sum may overflow too, so then look closer.
    """
    if rows.device.type == "meta":
        raise InputError(f"{what} are on meta, expected a device that holds their numbers, such as cpu")
    if bool(torch.isfinite(rows.sum())):
        return
    bad = (~torch.isfinite(rows)).any(1).nonzero().flatten().tolist()
    if bad:
        where = tuple(int(i) for i in np.unravel_index(bad[0], leading or (len(rows),)))
        place = where[0] if len(where) == 1 else where
        raise NumericError(f"{what}: row {place} holds NaN or infinity ({len(bad)} such rows)")
