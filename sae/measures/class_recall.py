"""Recall of a latent as a detector of its class."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from sae.evaluate import ClassSums, Reading
from sae.measures._sums import ClassMeasure, eligible, mean_over


class ClassRecall(ClassMeasure):
    """Of the examples of its class, the share on which a latent fires. The class was chosen on training rows.

    Mean over latents firing on 10 rows or more; `n` counts them.
    """

    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("labels", "chosen")

    @staticmethod
    def read(sums: ClassSums, chosen: Tensor) -> Reading:
        """The recall of given sums."""
        fires, best = sums.fires, chosen.clamp(min=0)
        hits = fires.gather(1, best[:, None])[:, 0]
        known = eligible(sums) & (chosen >= 0)
        return Reading(*mean_over(hits / sums.rows[best].clamp(min=1), known))
