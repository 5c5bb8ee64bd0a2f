"""Copies among the latents that live: a dead latent copies nothing, and must not hide how many of the others do."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch.nn.functional import normalize

from sae import ambient
from sae.evaluate import On, Reading, Seen
from sae.measures.copy_score import COPY


class LiveCopies:
    """Of the latents that fire on these rows, the share whose largest |cosine| to a reference exceeds .9.

    `copy_score` has all latents below the line, this has the live ones. NaN where none fires; `n` counts them.
    """

    version: ClassVar[int] = 1
    on: ClassVar[On] = "input"
    needs: ClassVar[tuple[str, ...]] = ("directions", "references")

    def __init__(self) -> None:
        self.cosine = torch.empty(0, dtype=torch.float32, device="cpu")
        self.live = torch.empty(0, dtype=torch.bool, device="cpu")

    @ambient.reading()
    def update(self, seen: Seen) -> None:
        """Who fires adds up over batches; weights are those of the last."""
        assert seen.directions is not None and seen.references is not None
        directions, references = normalize(seen.directions, dim=1), normalize(seen.references, dim=1)
        self.cosine = (directions @ references.T).abs().max(1).values
        fired = seen.codes.fired()
        self.live = fired if not len(self.live) else self.live | fired

    def reading(self) -> Reading:
        """The share over live latents; per latent NaN for the dead."""
        n = int(self.live.sum())
        copies = (self.cosine > COPY) & self.live
        latents = torch.where(self.live, self.cosine, torch.nan)
        return Reading(float(copies.sum()) / n if n else float("nan"), n, latents)
