"""What the class measures share: sums per latent and class, divided by each in its own way."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from sae.evaluate import ClassSums, On, Reading, Seen

# A latent that fires on fewer rows than this is "selective" by accident; class measures leave it undefined.
MIN_FIRINGS = 10


class ClassMeasure(ABC):
    """A measure of class sums; what is left to write is `read`, its one division.

    Where no latent fires often enough the value is NaN and `n` is 0.
    """

    version: ClassVar[int] = 1
    on: ClassVar[On] = "examples"
    needs: ClassVar[tuple[str, ...]] = ("labels",)

    def __init__(self) -> None:
        self.sums: ClassSums | None = None
        self.chosen = torch.empty(0, dtype=torch.long, device="cpu")

    def update(self, seen: Seen) -> None:
        """Add a batch."""
        self.sums = seen.by_class if self.sums is None else self.sums + seen.by_class
        if seen.chosen is not None:
            self.chosen = seen.chosen

    def reading(self) -> Reading:
        """Over all examples seen."""
        assert self.sums is not None
        return self.read(self.sums, self.chosen)

    @staticmethod
    @abstractmethod
    def read(sums: ClassSums, chosen: Tensor) -> Reading:
        """The value of given sums; `chosen` is the class of each latent (only some measures use it)."""


def eligible(sums: ClassSums) -> Tensor:
    """Latents that fire on at least MIN_FIRINGS rows."""
    return sums.fires.sum(1) >= MIN_FIRINGS


def mean_over(values: Tensor, mask: Tensor) -> tuple[float, int, Tensor]:
    """Mean of `values` over `mask` (NaN for an empty mask), how many, and the values with NaN elsewhere."""
    n = int(mask.sum())
    shown = torch.where(mask, values, torch.nan)
    return (float(values[mask].mean()) if n else float("nan")), n, shown
