"""Latents that are there twice: two of one SAE whose directions hardly differ, and which fire for the same rows."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch.nn.functional import normalize

from sae import ambient
from sae.evaluate import On, Reading, Seen
from sae.measures.copy_score import COPY


class NearDuplicates:
    """Of the latents that fire on these rows, the share whose direction has a |cosine| above .9 with another's of them.

    A depth above finds that such latents fire together, which is no habit of the data. `latents` holds each one's
    largest |cosine|, NaN for the dead. NaN where fewer than two fire; `n` counts the live ones.
    """

    version: ClassVar[int] = 1
    on: ClassVar[On] = "input"
    needs: ClassVar[tuple[str, ...]] = ("directions",)

    def __init__(self) -> None:
        self.directions = torch.empty(0, 0, dtype=torch.float32, device="cpu")
        self.live = torch.empty(0, dtype=torch.bool, device="cpu")

    @ambient.reading()
    def update(self, seen: Seen) -> None:
        """Who fires adds up over batches; weights are those of the last."""
        assert seen.directions is not None
        self.directions = normalize(seen.directions, dim=1)
        fired = seen.codes.fired()
        self.live = fired if not len(self.live) else self.live | fired

    @ambient.reading()
    def reading(self) -> Reading:
        """The share over live latents."""
        n = int(self.live.sum())
        nearest = torch.full((len(self.live),), torch.nan, dtype=self.directions.dtype, device="cpu")
        if n > 1:
            alive = self.directions[self.live]
            cosine = (alive @ alive.T).abs().fill_diagonal_(0)
            nearest[self.live] = cosine.max(1).values
        return Reading(float((nearest > COPY).sum()) / n if n > 1 else float("nan"), n, nearest)
