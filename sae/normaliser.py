"""Centre and scale an SAE's input, at every depth of a tower.

One mean per coordinate and one scale for all of them: directions keep their meaning, and the mean squared norm of
a centred row becomes d_in, whatever the units of the layer below. Gao et al. (arXiv 2406.04093, section 2.1)
normalise each row; we scale by a constant of the training sample, because a row's length is information on images
(how much ink) and per-row scaling could not be undone in the host.

Centring matters beyond taste: a large mean relative to the spread predicts dead latents (arXiv 2605.31518).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from sae.errors import NumericError


@dataclass(frozen=True)
class Normaliser:
    """x -> (x - mean) / scale and back. `gamma` = ||mean|| / ||std|| of the rows it was fitted on."""

    mean: Float[Tensor, " d_in"]
    scale: float
    gamma: float

    @classmethod
    def fit(cls, rows: Float[Tensor, "rows d_in"]) -> Normaliser:
        """Fit on training rows. Raises NumericError for rows that are not finite or do not vary at all."""
        if not len(rows):
            raise NumericError("there are no input rows to fit on")
        check_finite(rows)
        mean = rows.mean(0)
        spread = (rows - mean).pow(2).sum(1).mean().sqrt()
        # float32 rounding alone gives constant rows a spread of about 1e-7 of their size
        if float(spread) <= 1e-6 * float(mean.norm()) + 1e-12:
            raise NumericError(f"the {len(rows)} input rows do not vary (spread {float(spread):.1e}): nothing to learn")
        return cls(mean, float(spread) / rows.shape[1] ** 0.5, float(mean.norm() / spread))

    def apply(self, rows: Float[Tensor, "batch d_in"]) -> Float[Tensor, "batch d_in"]:
        """Rows in units of the layer below -> normalised rows."""
        return (rows - self.mean) / self.scale

    def undo(self, rows: Float[Tensor, "batch d_in"]) -> Float[Tensor, "batch d_in"]:
        """Normalised rows -> units of the layer below."""
        return rows * self.scale + self.mean


def check_finite(rows: Float[Tensor, "rows d_in"]) -> None:
    """Raise NumericError naming the first row that holds NaN or infinity."""
    if not bool(torch.isfinite(rows.sum())):
        bad = (~torch.isfinite(rows)).any(1).nonzero().flatten()
        if len(bad):
            raise NumericError(f"input row {int(bad[0])} holds NaN or infinity ({len(bad)} such rows)")
