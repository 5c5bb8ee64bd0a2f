"""Activation mass: the summed activation of an example."""

from __future__ import annotations

from typing import ClassVar

from sae.evaluate import On, Reading, Seen


class ActivationMass:
    """Mean over examples of the sum of activations, in host units, so that depths can be compared.

    NaN without examples.
    """

    version: ClassVar[int] = 1
    on: ClassVar[On] = "examples"
    needs: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        self.mass, self.n = 0.0, 0

    def update(self, seen: Seen) -> None:
        """Add a batch."""
        self.mass += float(seen.codes.values.double().sum()) * seen.unit
        self.n += len(seen.codes)

    def reading(self) -> Reading:
        """The mean over all examples seen."""
        return Reading(self.mass / self.n if self.n else float("nan"), self.n)
