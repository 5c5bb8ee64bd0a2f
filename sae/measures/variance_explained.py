"""Fraction of the variance of the SAE's own input that it explains."""

from __future__ import annotations

from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from sae.evaluate import On, Reading, Seen
from sae.records import Codes


class VarianceExplained:
    """1 - sum ||x - x_hat||^2 / sum ||x - mean||^2 over all rows; predicting the mean scores exactly 0.

    Sums first, one division at the end. (Formulas that mix per-row or per-batch ratios move when data and error
    are scaled together.) `n` is the number of rows. NaN where the rows do not vary.
    """

    version: ClassVar[int] = 1
    on: ClassVar[On] = "input"
    needs: ClassVar[tuple[str, ...]] = ("x", "x_hat")

    def __init__(self) -> None:
        self.error, self.n = 0.0, 0
        self.mean = self.spread = torch.empty(0, dtype=torch.float32, device="cpu")

    def update(self, seen: Seen) -> None:
        """Add a batch, merging means and spreads so that a large offset costs no digits (Chan et al. 1983)."""
        assert seen.x is not None and seen.x_hat is not None
        x, x_hat = seen.x.double(), seen.x_hat.double()
        if not len(x):
            return  # no rows have no mean: NaN would spread to all that follow
        self.error += float((x - x_hat).pow(2).sum())
        mean, rows = x.mean(0), len(x)
        spread = (x - mean).pow(2).sum(0)
        if self.n:
            total = self.n + rows
            spread = self.spread + spread + (mean - self.mean).pow(2) * self.n * rows / total
            mean = self.mean + (mean - self.mean) * rows / total
        self.mean, self.spread, self.n = mean, spread, self.n + rows

    def reading(self) -> Reading:
        """The fraction over all rows seen."""
        variance = float(self.spread.sum())
        return Reading(1 - self.error / variance if variance > 0 else float("nan"), self.n)


def explained(x: Float[Tensor, "rows d_in"], x_hat: Float[Tensor, "rows d_in"]) -> float:
    """The fraction for rows that are all at hand."""
    measure = VarianceExplained()
    measure.update(Seen(codes=Codes.from_dense(x[:, :1]), x=x, x_hat=x_hat))
    return measure.reading().value
