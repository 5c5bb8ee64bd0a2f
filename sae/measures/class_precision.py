"""Precision of a latent as a detector of its class."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from sae.evaluate import ClassSums, Reading
from sae.measures._sums import ClassMeasure, eligible, mean_over


class ClassPrecision(ClassMeasure):
    """Of the examples on which a latent fires, the share that has its class. The class was chosen on training rows.

    Mean over latents firing on 10 rows or more; `n` counts them.
    """

    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("labels", "chosen")

    @staticmethod
    def read(sums: ClassSums, chosen: Tensor) -> Reading:
        """The precision of given sums."""
        fires = sums.fires
        hits = fires.gather(1, chosen.clamp(min=0)[:, None])[:, 0]
        known = eligible(sums) & (chosen >= 0)
        return Reading(*mean_over(hits / fires.sum(1).clamp(min=1), known))
