"""Top-class share: how much of a latent's activation falls on its best class."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from sae.evaluate import ClassSums, Reading
from sae.measures._sums import ClassMeasure, eligible, mean_over


class TopClassShare(ClassMeasure):
    """Largest class's share of a latent's mass; mean over latents firing on 10 rows or more (`n` counts them)."""

    version: ClassVar[int] = 1

    @staticmethod
    def read(sums: ClassSums, chosen: Tensor) -> Reading:
        """The share of given sums."""
        mass = sums.mass
        share = mass.max(1).values / mass.sum(1).clamp(min=1e-30)
        return Reading(*mean_over(share, eligible(sums)))
