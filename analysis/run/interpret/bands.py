"""Images over the whole range of a latent's activation: the strongest alone hide what weaker firing looks like."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

TOP, PER_BAND = 9, 5
# Band 0 are the strongest rows of all; the others are parts of the rows that fire, by rank, strongest part first.
BANDS = ("strongest", "upper quarter", "second quarter", "third quarter", "weakest quarter")
BINS = 12


@dataclass(frozen=True)
class Banded:
    """Row numbers that show a latent."""

    rows: Int[Tensor, "latents bands images"]
    """Strongest first within a band: at most 9 in band 0, 5 in the others; -1 where a band has no more rows."""


def banded(activations: Float[Tensor, "rows latents"]) -> Banded:
    """The strongest rows of each latent, and evenly spaced ones from each quarter of the rows on which it fires.

    A latent that fires on fewer than four rows has empty quarters; one that never fires has only -1.
    """
    latents = activations.shape[1]
    order = activations.argsort(dim=0, descending=True, stable=True)
    fires = (activations > 0).sum(0)
    found = torch.full((latents, len(BANDS), max(TOP, PER_BAND)), -1)
    ranks = torch.arange(PER_BAND)
    for latent in fires.nonzero().flatten().tolist():
        count = int(fires[latent])
        own = order[:count, latent]
        found[latent, 0, : min(TOP, count)] = own[:TOP]
        edges = [round(part * count / 4) for part in range(5)]
        for band, (start, stop) in enumerate(itertools.pairwise(edges), 1):
            size = stop - start
            if size:
                # evenly spaced, and each row once where a quarter has fewer than there are places
                few = size <= PER_BAND
                picked = torch.arange(start, stop) if few else start + (ranks * size) // PER_BAND
                found[latent, band, : len(picked)] = own[picked]
    return Banded(found)


def histogram(activations: Float[Tensor, "rows latents"]) -> Int[Tensor, "latents bins"]:
    """How many rows fire in each of 12 equal parts of 0..largest, per latent; all 0 for one that never fires."""
    largest = activations.amax(0)
    place = (activations / largest.clamp(min=1e-30) * BINS).ceil().long() - 1
    counts = torch.zeros(activations.shape[1], BINS, dtype=torch.int64)
    rows, latents = (activations > 0).nonzero(as_tuple=True)
    counts.index_put_((latents, place[rows, latents].clamp(0, BINS - 1)), torch.ones_like(rows), accumulate=True)
    return counts
