"""Firing rate: on which share of the examples a latent fires."""

from __future__ import annotations

from typing import ClassVar

import torch

from sae.evaluate import On, Reading, Seen


class FiringRate:
    """Share of examples on which a latent is above 0; the value is the mean over all latents.

    NaN without examples.
    """

    version: ClassVar[int] = 1
    on: ClassVar[On] = "examples"
    needs: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        self.fires, self.n = torch.empty(0, dtype=torch.float32, device="cpu"), 0

    def update(self, seen: Seen) -> None:
        """Add a batch."""
        fires = seen.fired.sum(0).double()
        self.fires = fires if self.fires.numel() == 0 else self.fires + fires
        self.n += len(seen.codes)

    def reading(self) -> Reading:
        """Rates over all examples seen; `n` counts the latents."""
        rates = self.fires / self.n
        return Reading(float(rates.mean()), len(rates), rates)
