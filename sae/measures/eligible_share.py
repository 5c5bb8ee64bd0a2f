"""Share of latents that fire often enough for class measures to mean anything."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from sae.evaluate import ClassSums, Reading
from sae.measures._sums import ClassMeasure, eligible


class EligibleShare(ClassMeasure):
    """Share of all latents that fire on 10 examples or more: the denominator behind the class measures."""

    version: ClassVar[int] = 1

    @staticmethod
    def read(sums: ClassSums, chosen: Tensor) -> Reading:
        """The share over all latents."""
        often = eligible(sums).double()
        return Reading(float(often.mean()), len(often), often)
