"""Selectivity index: how far a latent prefers its best class over the runner-up."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from sae.evaluate import ClassSums, Reading
from sae.measures._sums import ClassMeasure, eligible, mean_over


class Selectivity(ClassMeasure):
    """(largest - second class mean) / largest class mean, per latent; mean over latents firing on 10 rows or more.

    0: two classes drive it equally; 1: no other class drives it. `n` counts the latents of the mean.
    """

    version: ClassVar[int] = 1

    @staticmethod
    def read(sums: ClassSums, chosen: Tensor) -> Reading:
        """The index of given sums."""
        first, second = sums.class_means().topk(2, dim=1).values.T
        return Reading(*mean_over((first - second) / first.clamp(min=1e-30), eligible(sums)))
