"""Firing density of the latents on a log scale, and its histogram."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sae.errors import ConfigError
from sae.evaluate import On, Reading, Seen
from sae.measures.firing_rate import FiringRate


class Density:
    """Per latent log10 of the share of examples on which it fires; the value is the median over live latents.

    A dead latent has no density: NaN in `latents` (its log would be minus infinity). `n` counts the live ones; with
    none the value is NaN. The least density that can be seen is that of one firing, -log10 of the number of examples.
    """

    version: ClassVar[int] = 1
    on: ClassVar[On] = "examples"
    needs: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        self.rate = FiringRate()

    def update(self, seen: Seen) -> None:
        """Add a batch."""
        self.rate.update(seen)

    def reading(self) -> Reading:
        """Densities over all examples seen."""
        rates = self.rate.reading().latents
        assert rates is not None
        live = rates > 0
        median = float(rates[live].log10().quantile(0.5)) if bool(live.any()) else float("nan")
        return Reading(median, int(live.sum()), torch.where(live, rates.log10(), torch.nan))


@dataclass(frozen=True)
class DensityHistogram:
    """Live latents by log10 density, and the dead apart; `counts` and `dead` add up to the number of latents."""

    edges: Float[Tensor, " n_edges"]
    """log10 densities, from `low` to 0 in equal steps; one more than there are bins."""
    counts: Int[Tensor, " bins"]
    dead: int


def histogram(densities: Float[Tensor, " n_latents"], low: int = -5, bins_per_decade: int = 4) -> DensityHistogram:
    """Bin the `latents` of a `Density` reading; the edges depend on nothing seen, so depths and runs can be compared.

    A bin holds its lower edge and not its upper one; the last holds density 1 too. Latents rarer than 10^low are
    counted in the first bin: none is dropped. Raises ConfigError for `low` of 0 or more, or less than one bin.
    """
    if low >= 0 or bins_per_decade < 1:
        raise ConfigError(f"low must be below 0 and bins_per_decade 1 or more, not {low} and {bins_per_decade}")
    bins = -low * bins_per_decade
    edges = low + torch.arange(bins + 1, dtype=torch.float64, device="cpu") / bins_per_decade
    live = densities[~densities.isnan()].double()
    place = (torch.bucketize(live, edges, right=True) - 1).clamp(0, bins - 1)
    return DensityHistogram(edges, torch.bincount(place, minlength=bins), len(densities) - len(live))
