"""Normalised mean squared error of a reconstruction, with its denominator stated."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sae.errors import InputError
from sae.evaluations._estimate import Estimate, by_group, named, ratio
from sae.evaluations._given import numbers, whole
from sae.values import says_itself


@says_itself
@dataclass(frozen=True)
class Reconstruction:
    """A batch of rows and what was made of them, in the host's units."""

    x: Float[Tensor, "rows width"]
    x_hat: Float[Tensor, "rows width"]
    context: Int[Tensor, " rows"] | None = None
    """Which context each row stands in; None: nothing says which rows are one draw, and there is no error."""


@dataclass(frozen=True)
class NormalisedError:
    """What `normalised_mse` found; all numbers are over the same rows."""

    value: Estimate
    """sum ||x - x_hat||^2 / sum ||x - mean||^2, the mean being that of these rows: 0 perfect, 1 predicting the mean."""
    about_zero: Estimate
    """The same error over sum ||x||^2, which some tools print: smaller wherever rows have a mean."""
    zero: float
    """`value` of predicting zeros: sum ||x||^2 / sum ||x - mean||^2, at least 1."""
    error: float
    """sum ||x - x_hat||^2, in squared units of the rows."""
    variance: float
    """sum ||x - mean||^2."""
    rows: int


@says_itself
def normalised_mse(batches: Iterable[Reconstruction]) -> NormalisedError:
    """The squared error of all rows over their variance about their mean (Gao et al. 2024, arXiv 2406.04093, section
    2.1: "normalised by the error of always predicting the mean"). Sums over all rows first, one division.

    A mean of each row's or batch's own ratio is another number, and moves with how rows are batched; so is an error
    over the energy, given beside it. 1 - `value` is the variance explained of `sae.measures`. What cannot be averaged,
    the mean, is found in the same pass: sums are kept per context, shifted by the first batch's mean so that a large
    offset costs no digits. Memory: 8 bytes * contexts * width.

    Raises InputError for shapes that do not fit, no rows, or rows that do not vary; NumericError for NaN and infinity.
    """
    shift: Tensor | None = None
    pieces: list[tuple[Tensor, ...]] = []
    seen, in_contexts = 0, False
    for batch in batches:
        x = numbers("x", batch.x, "rows", "width" if shift is None else len(shift)).double()
        x_hat = numbers("x_hat", batch.x_hat, *x.shape).double()
        if not len(x):
            continue
        if shift is not None and in_contexts != (batch.context is not None):
            raise InputError("context is in some batches only, expected in all or in none")
        shift, in_contexts = x.mean(0) if shift is None else shift, batch.context is not None
        if batch.context is None:
            group = torch.zeros(len(x), dtype=torch.long, device=x.device)
        else:
            group = whole("context", batch.context, len(x))
        columns = [(x - x_hat).pow(2).sum(1), (x - shift).pow(2).sum(1), x.pow(2).sum(1), torch.ones_like(x[:, 0])]
        seen += len(x)
        names, place = named(group)
        sums = torch.zeros(len(names), x.shape[1], dtype=torch.float64, device=x.device)
        pieces.append((names, *by_group(group, *columns), sums.index_add_(0, place, x - shift)))
    if shift is None:
        raise InputError("no rows were given, expected one or more batches of rows")
    names, error, about_shift, energy, rows = (torch.cat(column) for column in list(zip(*pieces, strict=True))[:5])
    total = torch.stack([piece[5].sum(0) for piece in pieces]).sum(0)
    mean = total / seen
    # ||x - mean||^2 = ||x - shift||^2 - 2 (x - shift) mean + ||mean||^2, with the mean taken from the shift
    along = torch.cat([piece[5] @ mean for piece in pieces])
    variance = about_shift - 2 * along + rows * mean.pow(2).sum()
    error, variance, energy = by_group(names, error, variance, energy)
    spread, least = float(variance.sum()), 1e-12 * float(energy.sum())
    if not spread > least:
        raise InputError(f"{seen} rows do not vary: there is nothing to explain, and no normalised error")
    return NormalisedError(
        value=ratio(error, variance),
        about_zero=ratio(error, energy),
        zero=float(energy.sum()) / spread,
        error=float(error.sum()),
        variance=spread,
        rows=seen,
    )
