"""Phi: how far latents fire together, or avoid each other, beyond chance."""

from __future__ import annotations

from typing import ClassVar

import torch

from sae import ambient
from sae.evaluate import On, Reading, Seen

# Rows of the matrix of phi coefficients that are made at a time.
BLOCK = 512


class Phi:
    """Mean |phi| over pairs of latents: phi is the Pearson correlation of fired and not fired (0 to 1, unsigned).

    Equation 1 of Levinson, "MetaSAEs" (arXiv 2604.03436), where a fall of its mean over all pairs is read as latents
    becoming more atomic. There a latent fires above a calibrated threshold, here above 0. A latent that fires never
    or always has no correlation and is left out; `n` counts the pairs of the rest, and with none the value is NaN.

    Chance alone does not score 0: two independent latents that fire on many of `rows` examples have a mean |phi| of
    about .8 / sqrt(rows), and rare ones less. Compare only readings on equally many examples and similar densities.

    Memory: counts of co-firing take 4 * n_latents^2 bytes, and 12 while a batch is added (4,096 latents: 200 MB).
    """

    version: ClassVar[int] = 1
    on: ClassVar[On] = "examples"
    needs: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        self.together, self.rows = torch.empty(0, dtype=torch.int32, device="cpu"), 0

    @ambient.reading()
    def update(self, seen: Seen) -> None:
        """Add a batch. Products of zeros and ones are exact in float32; their sums are kept as whole numbers."""
        fired = seen.fired.float()
        together = (fired.T @ fired).int()
        self.together = self.together.add_(together) if self.rows else together
        self.rows += len(fired)

    def reading(self) -> Reading:
        """The mean over all pairs, a few rows of the matrix at a time."""
        fires = self.together.diagonal().double() if self.rows else torch.empty(0, dtype=torch.float64, device="cpu")
        some = ((fires > 0) & (fires < self.rows)).nonzero().flatten()
        fires, n = fires[some], len(some) * (len(some) - 1) // 2
        spread = (fires * (self.rows - fires)).sqrt()
        total = 0.0
        for start in range(0, len(some), BLOCK):
            part = slice(start, start + BLOCK)
            both = self.together[some[part]][:, some].double()
            phi = (both * self.rows - fires[part, None] * fires) / (spread[part, None] * spread)
            # every pair once: what stands right of the diagonal
            total += float(phi.abs().triu(start + 1).sum())
        return Reading(total / n if n else float("nan"), n)
