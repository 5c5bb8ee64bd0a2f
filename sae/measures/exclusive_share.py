"""Exclusive latents: those with nearly all of their activation on one class."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from sae.evaluate import ClassSums, Reading
from sae.measures._sums import ClassMeasure, eligible

EXCLUSIVE = 0.9


class ExclusiveShare(ClassMeasure):
    """Share of ALL latents that fire on 10 rows or more and have at least 90% of their mass in one class.

    The denominator is fixed (all latents, dead ones too), so the number cannot rise by latents dying.
    """

    version: ClassVar[int] = 1

    @staticmethod
    def read(sums: ClassSums, chosen: Tensor) -> Reading:
        """The share; `latents` is 1 for an exclusive latent, 0 for any other."""
        mass = sums.mass
        share = mass.max(1).values / mass.sum(1).clamp(min=1e-30)
        exclusive = (eligible(sums) & (share >= EXCLUSIVE)).double()
        return Reading(float(exclusive.mean()), len(exclusive), exclusive)
