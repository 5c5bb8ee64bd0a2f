"""Mean activation: how strongly a latent fires when it fires."""

from __future__ import annotations

from typing import ClassVar

import torch

from sae.evaluate import On, Reading, Seen


class MeanActivation:
    """Mean of the activations above 0, in host units; per latent, NaN for one that never fires."""

    version: ClassVar[int] = 1
    on: ClassVar[On] = "examples"
    needs: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        self.mass = self.fires = torch.empty(0, dtype=torch.float32, device="cpu")

    def update(self, seen: Seen) -> None:
        """Add a batch."""
        mass = seen.dense.sum(0, dtype=torch.float64) * seen.unit
        fires = seen.fired.sum(0).double()
        self.mass = mass if self.mass.numel() == 0 else self.mass + mass
        self.fires = fires if self.fires.numel() == 0 else self.fires + fires

    def reading(self) -> Reading:
        """One mean over all firings; `n` counts them."""
        n = int(self.fires.sum())
        return Reading(float(self.mass.sum()) / n if n else float("nan"), n, self.mass / self.fires)
