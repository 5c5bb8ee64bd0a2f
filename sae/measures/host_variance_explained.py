"""Fraction of the variance of the host's activations that is left when a depth is decoded all the way down."""

from __future__ import annotations

from typing import ClassVar

from sae.evaluate import On, Reading, Seen
from sae.measures.variance_explained import VarianceExplained


class HostVarianceExplained:
    """`VarianceExplained` of the host's rows by their reconstruction through every layer below."""

    version: ClassVar[int] = 1
    on: ClassVar[On] = "examples"
    needs: ClassVar[tuple[str, ...]] = ("host", "host_hat")

    def __init__(self) -> None:
        self.inner = VarianceExplained()

    def update(self, seen: Seen) -> None:
        """Add a batch."""
        self.inner.update(Seen(codes=seen.codes, x=seen.host, x_hat=seen.host_hat))

    def reading(self) -> Reading:
        """The fraction over all examples seen."""
        return self.inner.reading()
