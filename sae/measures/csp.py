"""CSP, concept selectivity progression: how far latents prefer their best class, dead latents counted as 0."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from sae.evaluate import ClassSums, Reading
from sae.measures._sums import ClassMeasure


class Csp(ClassMeasure):
    """(largest - second class mean) / largest class mean, 0 for a latent that never fires; mean over ALL latents.

    0 to 1, free of units. `n` is the number of latents. Source: docs/metrics.md of jain18ayush/mnist-sae.

    Confounded: it falls as latents die, and rises with latents so rare that one class has them by accident (a single
    firing scores 1). `Selectivity` is the same ratio over latents that fire on 10 rows or more, `EligibleShare` says
    how many those are; read these two instead.
    """

    version: ClassVar[int] = 1

    @staticmethod
    def read(sums: ClassSums, chosen: Tensor) -> Reading:
        """The score of given sums."""
        first, second = sums.class_means().topk(2, dim=1).values.T
        score = torch.where(first > 0, (first - second) / first, 0.0)
        return Reading(float(score.mean()), len(score), score)
