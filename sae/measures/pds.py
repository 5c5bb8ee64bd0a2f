"""PDS, progressive disentanglement score: how much less correlated latents are than those of the depth below."""

from __future__ import annotations

from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from sae.evaluate import On, Reading, Seen
from sae.measures.phi import BLOCK


class Pds:
    """Mean |Pearson correlation| over pairs of latents at the depth below, minus that at this depth.

    -1 to 1, free of units; above 0: less correlated than below. Only latents whose codes vary have correlations, so
    pairs are of those; `n` counts this depth's. NaN, with `n` 0, where either side has fewer than 2 such latents.
    Source: docs/metrics.md of jain18ayush/mnist-sae. Its code lets dead latents count as uncorrelated with all
    others, so that a depth scores by latents dying, and sets depth 1 to 0; here depth 1 is held against the host.

    Confounded: by width, density and the number of examples of BOTH depths. Chance alone gives a pair of independent
    latents that fire often a mean |correlation| of about .8 / sqrt(examples), one of rare latents less: a sparser
    depth scores above 0 with nothing disentangled. It is a difference: a low score may be the merit of the depth below.

    Memory: 8 bytes * n_latents^2 of either side (4,096 latents: 134 MB).
    """

    version: ClassVar[int] = 1
    on: ClassVar[On] = "examples"
    needs: ClassVar[tuple[str, ...]] = ("below",)

    def __init__(self) -> None:
        self.here, self.below = Correlations(), Correlations()

    def update(self, seen: Seen) -> None:
        """Add a batch."""
        assert seen.below is not None
        self.here.add(seen.dense)
        self.below.add(seen.below.dense())

    def reading(self) -> Reading:
        """The difference over all examples seen."""
        (here, n), (below, n_below) = self.here.mean_size(), self.below.mean_size()
        return Reading(below - here, n) if n and n_below else Reading(float("nan"), 0)


class Correlations:
    """Sums over batches from which the correlations of all pairs of columns follow."""

    def __init__(self) -> None:
        self.n = 0
        self.first = self.sums = self.products = torch.empty(0, dtype=torch.float64, device="cpu")

    def add(self, rows: Float[Tensor, "batch n_columns"]) -> None:
        """Add a batch, as distances from the first row ever seen: a column that never changes is then exactly 0,
        and a large mean costs no digits."""
        if not len(rows):
            return
        rows, width = rows.double(), rows.shape[1]
        if not self.n:
            self.first, self.sums = rows[0].clone(), rows.new_zeros(width)
            self.products = rows.new_zeros(width, width)
        away = rows - self.first
        self.sums += away.sum(0)
        self.products.addmm_(away.T, away)
        self.n += len(rows)

    def mean_size(self) -> tuple[float, int]:
        """(mean |correlation| over pairs of columns that vary, how many pairs); (NaN, 0) where there is no pair."""
        if not self.n:
            return float("nan"), 0
        spread = self.products.diagonal() - self.sums.pow(2) / self.n
        some = (spread > 0).nonzero().flatten()
        sums, length, pairs = self.sums[some], spread[some].sqrt(), len(some) * (len(some) - 1) // 2
        total = 0.0
        for start in range(0, len(some), BLOCK):
            part = slice(start, start + BLOCK)
            both = self.products[some[part]][:, some] - sums[part, None] * sums / self.n
            # every pair once: what stands right of the diagonal
            total += float((both.abs() / (length[part, None] * length)).triu(start + 1).sum())
        return (total / pairs, pairs) if pairs else (float("nan"), 0)
