"""Cosine between a row and its reconstruction, both seen from the mean of the rows."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from sae.evaluate import On, Reading, Seen

# In steps of the number format, as a share of the rows' root mean square length: nearer to the mean is rounding.
ROUNDING = 16


class Cosine:
    """Mean over rows of the cosine of x - mean and x_hat - mean; `mean` is that of the rows x, in the input's space.

    The field's usual cosine (`cossim` of SAEBench) is taken from the origin. Rows of the latents kind are
    non-negative and share a large mean, so from the origin even the constant mean scores high; from the mean of the
    rows it scores exactly 0, as it does in `VarianceExplained`. Every row counts the same here, however long it is.

    A row x at the mean has no direction: it is left out, and `n` counts the rows that are in. A reconstruction at
    the mean of a row that has a direction counts as 0, for leaving it out would flatter an SAE that does not fire.
    NaN where no row has a direction. The mean is known only at the end, so both sides of all rows are kept: give it
    a sample of rows where 8 * rows * d_in bytes (float32) are too many.
    """

    version: ClassVar[int] = 1
    on: ClassVar[On] = "input"
    needs: ClassVar[tuple[str, ...]] = ("x", "x_hat")

    def __init__(self) -> None:
        self.kept: list[tuple[Tensor, Tensor]] = []

    def update(self, seen: Seen) -> None:
        """Keep a batch: copies, since a caller may fill the same buffer again."""
        assert seen.x is not None and seen.x_hat is not None
        self.kept.append((seen.x.detach().clone(), seen.x_hat.detach().clone()))

    def reading(self) -> Reading:
        """The mean over all rows seen that have a direction."""
        rows = sum(len(x) for x, _ in self.kept)
        if not rows:
            return Reading(float("nan"), 0)
        mean = torch.stack([x.double().sum(0) for x, _ in self.kept]).sum(0) / rows
        length = (sum(float(x.double().pow(2).sum()) for x, _ in self.kept) / rows) ** 0.5
        zero = ROUNDING * torch.finfo(self.kept[0][0].dtype).eps * length
        total, n = 0.0, 0
        for x, x_hat in self.kept:
            a, b = x.double() - mean, x_hat.double() - mean
            given, told = a.norm(dim=1), b.norm(dim=1)
            both = (given > zero) & (told > zero)
            total += float(((a * b).sum(1)[both] / (given * told)[both]).sum())
            n += int((given > zero).sum())
        return Reading(total / n if n else float("nan"), n)
