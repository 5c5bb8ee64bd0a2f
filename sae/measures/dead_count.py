"""How many latents never fire."""

from __future__ import annotations

from typing import ClassVar

from sae.evaluate import On, Reading, Seen
from sae.measures.firing_rate import FiringRate


class DeadCount:
    """Number of latents that fire on none of the examples, a whole number. `n` is the number of latents."""

    version: ClassVar[int] = 1
    on: ClassVar[On] = "examples"
    needs: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        self.rate = FiringRate()

    def update(self, seen: Seen) -> None:
        """Add a batch."""
        self.rate.update(seen)

    def reading(self) -> Reading:
        """The count over all latents."""
        fires = self.rate.fires
        return Reading(float((fires == 0).sum()), len(fires))
