"""Accuracy of the host with a depth's reconstruction spliced in at the hook."""

from __future__ import annotations

from typing import ClassVar

from sae.evaluate import On, Reading, Seen


class HostAccuracy:
    """Share of examples whose largest logit is their label. NaN without examples."""

    version: ClassVar[int] = 1
    on: ClassVar[On] = "examples"
    needs: ClassVar[tuple[str, ...]] = ("logits", "labels")

    def __init__(self) -> None:
        self.right, self.n = 0, 0

    def update(self, seen: Seen) -> None:
        """Add a batch."""
        assert seen.logits is not None and seen.labels is not None
        self.right += int((seen.logits.argmax(1) == seen.labels).sum())
        self.n += len(seen.labels)

    def reading(self) -> Reading:
        """The share over all examples seen."""
        return Reading(self.right / self.n if self.n else float("nan"), self.n)
