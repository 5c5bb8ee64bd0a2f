"""Centre and scale an SAE's input, at every depth of a tower.

One mean per coordinate and one scale for all of them: directions keep their meaning, and the mean squared norm of
a centred row becomes d_in, whatever the units of the layer below. Gao et al. (arXiv 2406.04093, section 2.1)
normalise each row; we scale by a constant of the training sample, because a row's length is information on images
(how much ink) and per-row scaling could not be undone in the host.

Centring matters beyond taste: a large mean relative to the spread predicts dead latents (arXiv 2605.31518).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Real
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from sae.errors import InputError, NumericError
from sae.given import check_numbers, check_tensor, training_rows_of
from sae.records import Codes
from sae.values import says_itself

# Rows are summed this many at a time: rows that lie on disk are never in memory as a whole.
CHUNK = 4096
# Lengths whose squares float32 holds.
NEAR = (1e-15, 1e15)
# Scales with which x - mean, (x - mean) / scale and its inverse stay in float32 with all its digits.
SCALES = (1e-36, 1e37)


STILL = 1e-6
"""Rows that vary by less than this share of their length do not vary: rounding to float32 alone gives constant ones
about 1e-7 of it."""


@says_itself
@dataclass(frozen=True)
class Normaliser:
    """x -> (x - mean) / scale and back. `gamma` = ||mean|| / ||std|| of the rows it was fitted on, NaN if unknown.

    Raises InputError for a mean that is no row of floats, NumericError for one that is not finite and a scale that is
    not a number above 0.
    """

    mean: Float[Tensor, " d_in"]
    scale: float
    gamma: float

    def __post_init__(self) -> None:
        check_tensor("normaliser mean", self.mean, "(d_in,)")
        if self.mean.ndim != 1:
            raise InputError(
                f"normaliser mean has shape {tuple(self.mean.shape)} and {self.mean.dtype}: one row of floats"
            )
        check_numbers("normaliser mean", self.mean[None])
        if isinstance(self.scale, bool) or not isinstance(self.scale, Real) or not 0 < self.scale <= sys.float_info.max:
            raise NumericError(f"normaliser scale = {self.scale!r}: must be a number above 0, and finite")
        if isinstance(self.gamma, bool) or not isinstance(self.gamma, Real):
            raise InputError(f"normaliser gamma = {self.gamma!r}: must be a number, or NaN")

    @classmethod
    @says_itself
    def fit(cls, rows: Float[Tensor, "rows d_in"] | Codes) -> Normaliser:
        """Fit on training rows. Raises InputError for rows of another type or number of axes, NumericError for rows
        that are not finite or do not vary at all."""
        rows = training_rows_of(rows)
        mean, spread, length = _shape(rows)
        if spread <= STILL * length:
            raise NumericError(f"the {len(rows)} input rows do not vary (spread {spread:.1e}): nothing to learn")
        scale = spread / len(mean) ** 0.5
        if not SCALES[0] <= scale <= SCALES[1]:
            raise NumericError(
                f"the {len(rows)} input rows vary by {scale:.1e}, expected {SCALES[0]:.0e} to {SCALES[1]:.0e}, which "
                "float32 can centre and scale: multiply them by a constant"
            )
        return cls(mean, scale, length / spread)

    @classmethod
    @says_itself
    def identity(cls, rows: Float[Tensor, "rows d_in"] | Codes) -> Normaliser:
        """Neither centre nor scale, for recipes that do not; `gamma` is measured, and 0 for rows that do not vary.

        Such rows are allowed here: the codes of a tower that has collapsed are all 0, and the recipe goes on with
        them. Raises as `fit` for rows of another type, and NumericError for rows that are not finite.
        """
        rows = training_rows_of(rows)
        mean = mean_of(rows)
        # all in float64: squares of rows of 1e38, or of 1e-38, are beyond float32
        square = sum(float((part.double() - mean).pow(2).sum()) for part in chunks(rows))
        spread, length = (square / len(rows)) ** 0.5, float(mean.norm())
        gamma = 0.0 if spread <= 1e-6 * length else length / spread
        return cls(torch.zeros_like(mean, dtype=torch.float32), 1.0, gamma)

    @says_itself
    def apply(self, rows: Float[Tensor, "*leading d_in"]) -> Float[Tensor, "*leading d_in"]:
        """Rows in units of the layer below -> normalised rows."""
        self._check(rows)
        return (rows.float() - self.mean.to(rows.device)) / self.scale

    @says_itself
    def undo(self, rows: Float[Tensor, "*leading d_in"]) -> Float[Tensor, "*leading d_in"]:
        """Normalised rows -> units of the layer below."""
        self._check(rows)
        return rows * self.scale + self.mean.to(rows.device)

    def _check(self, rows: Any) -> None:
        """Raise InputError for rows of another width: one of width 1 would broadcast."""
        check_tensor("rows", rows, f"(..., {len(self.mean)})")
        if not rows.ndim or rows.shape[-1] != len(self.mean):
            raise InputError(f"rows have shape {tuple(rows.shape)}, expected (..., {len(self.mean)})")


def mean_of(rows: Float[Tensor, "rows d_in"] | Codes) -> Float[Tensor, " d_in"]:
    """The mean row in float64. Raises NumericError for no rows and for rows that are not finite."""
    if not len(rows):
        raise NumericError("there are no input rows to fit on")
    total = torch.zeros((), dtype=torch.float32, device="cpu")
    for part in chunks(rows):
        total = total + part.double().sum(0)
    if not bool(torch.isfinite(total).all()):
        check_finite(rows)
    return total / len(rows)


def chunks(rows: Float[Tensor, "rows d_in"] | Codes) -> Iterator[Float[Tensor, "part d_in"]]:
    """The rows, dense, some thousands at a time."""
    for start in range(0, len(rows), CHUNK):
        part = slice(start, start + CHUNK)
        if isinstance(rows, Codes):
            yield Codes(rows.values[part].float(), rows.indices[part], rows.n_latents).dense()
        else:
            yield rows[part].float()


def check_finite(rows: Float[Tensor, "rows d_in"] | Codes) -> None:
    """Raise NumericError naming the first row that holds NaN or infinity."""
    first, bad, seen = -1, 0, 0
    for part in chunks(rows):
        here = (~torch.isfinite(part)).any(1).nonzero().flatten()
        if len(here) and first < 0:
            first = seen + int(here[0])
        bad, seen = bad + len(here), seen + len(part)
    if bad:
        raise NumericError(f"input row {first} holds NaN or infinity ({bad} such rows)")


def stands_still(rows: Float[Tensor, "rows d_in"] | Codes) -> bool:
    """Whether rows vary too little to be centred and scaled: `Normaliser.fit` refuses them."""
    _, spread, length = _shape(rows)
    return spread <= STILL * length


def _shape(rows: Float[Tensor, "rows d_in"] | Codes) -> tuple[Float[Tensor, " d_in"], float, float]:
    """(mean, spread, length): the mean row, how far rows are from it (root mean square), how long it is."""
    mean = mean_of(rows).float()
    square = sum(float((part - mean).double().pow(2).sum()) for part in chunks(rows))
    spread, length = (square / len(rows)) ** 0.5, float(mean.norm())
    if not NEAR[0] < length < NEAR[1]:
        length = float(mean.double().norm())  # squares beyond float32, up or down
    return mean, spread, length
