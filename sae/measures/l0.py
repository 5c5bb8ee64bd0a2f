"""L0: how many latents are active on a row of the SAE's input."""

from __future__ import annotations

from typing import ClassVar

from sae.evaluate import On, Reading, Seen


class L0:
    """Mean number of latents above 0 per row. NaN without rows."""

    version: ClassVar[int] = 1
    on: ClassVar[On] = "input"
    needs: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        self.active, self.n = 0, 0

    def update(self, seen: Seen) -> None:
        """Add a batch."""
        self.active += int((seen.codes.values > 0).sum())
        self.n += len(seen.codes)

    def reading(self) -> Reading:
        """The mean over all rows seen."""
        return Reading(self.active / self.n if self.n else float("nan"), self.n)
