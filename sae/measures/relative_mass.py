"""Activation mass relative to the depth's own input."""

from __future__ import annotations

from typing import ClassVar

from sae.evaluate import On, Reading, Seen


class RelativeMass:
    """Sum of activations, in the input's units, over the sum of |input|. It cannot change with units.

    Below 1, a depth says the same with less activation than it was given. NaN for an input of zeros.
    """

    version: ClassVar[int] = 1
    on: ClassVar[On] = "input"
    needs: ClassVar[tuple[str, ...]] = ("x",)

    def __init__(self) -> None:
        self.mass, self.given, self.n = 0.0, 0.0, 0

    def update(self, seen: Seen) -> None:
        """Add a batch."""
        assert seen.x is not None
        self.mass += float(seen.codes.values.double().sum()) * seen.scale
        self.given += float(seen.x.double().abs().sum())
        self.n += len(seen.codes)

    def reading(self) -> Reading:
        """The ratio of the two sums."""
        return Reading(self.mass / self.given if self.given > 0 else float("nan"), self.n)
