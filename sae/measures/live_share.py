"""Share of live latents."""

from __future__ import annotations

from typing import ClassVar

from sae.evaluate import On, Reading, Seen
from sae.measures.firing_rate import FiringRate


class LiveShare:
    """Share of all latents that fire on at least one of the examples. `n` is the number of latents."""

    version: ClassVar[int] = 1
    on: ClassVar[On] = "examples"
    needs: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        self.rate = FiringRate()

    def update(self, seen: Seen) -> None:
        """Add a batch."""
        self.rate.update(seen)

    def reading(self) -> Reading:
        """The share over all latents."""
        rates = self.rate.reading().latents
        assert rates is not None
        return Reading(float((rates > 0).double().mean()), len(rates))
