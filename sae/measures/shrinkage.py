"""Shrinkage: how much shorter reconstructions are than they ought to be."""

from __future__ import annotations

from typing import ClassVar

import torch

from sae.evaluate import On, Reading, Seen

# In steps of the number format: a reconstruction that varies by less, relative to its length, is constant.
ROUNDING = 16


class Shrinkage:
    """Relative reconstruction bias: sum ||x_hat||^2 / sum x_hat . x, both taken from the mean of the rows x.

    It is the gamma for which x_hat / gamma is nearest to x (Rajamanoharan et al., arXiv 2404.16014, equation 10).
    1: no bias; below 1: reconstructions too short, as an L1 penalty makes them; above 1: too long. They take it from
    the origin; there the mean, which the decoder's bias supplies, drowns what the codes do, so we centre first.
    Negative where reconstructions point away from the rows. NaN for a constant reconstruction, which has no length
    to judge. `n` is the number of rows.
    """

    version: ClassVar[int] = 1
    on: ClassVar[On] = "input"
    needs: ClassVar[tuple[str, ...]] = ("x", "x_hat")

    def __init__(self) -> None:
        self.n, self.spread, self.product, self.rounding = 0, 0.0, 0.0, 0.0
        self.mean = self.mean_hat = torch.empty(0, dtype=torch.float32, device="cpu")

    def update(self, seen: Seen) -> None:
        """Add a batch, merging means and spreads so that a large offset costs no digits (Chan et al. 1983)."""
        assert seen.x is not None and seen.x_hat is not None
        x, x_hat, rows = seen.x.double(), seen.x_hat.double(), len(seen.x)
        if not rows:
            return
        if not self.n:
            self.mean = self.mean_hat = torch.zeros_like(x[0])
            self.rounding = ROUNDING * torch.finfo(seen.x_hat.dtype).eps
        mean, mean_hat, total = x.mean(0), x_hat.mean(0), self.n + rows
        step, step_hat, weight = mean - self.mean, mean_hat - self.mean_hat, self.n * rows / total
        self.spread += float((x_hat - mean_hat).pow(2).sum() + weight * step_hat.pow(2).sum())
        self.product += float(((x_hat - mean_hat) * (x - mean)).sum() + weight * (step_hat * step).sum())
        self.mean, self.mean_hat = self.mean + step * rows / total, self.mean_hat + step_hat * rows / total
        self.n = total

    def reading(self) -> Reading:
        """The ratio over all rows seen."""
        constant = self.spread <= self.rounding**2 * self.n * float(self.mean_hat.pow(2).sum())
        if constant or self.product == 0:
            return Reading(float("nan"), self.n)
        # the two means may differ: lengths are taken from the rows' mean, as the products are
        length = self.spread + self.n * float((self.mean_hat - self.mean).pow(2).sum())
        return Reading(length / self.product, self.n)
