"""Latents of SAEs of several sizes and how they come apart, as `data/language/web.json` holds them.

A family is a latent of the smallest SAE with its children in the next larger one, theirs in the next, and so on
(`sae.evaluations.feature_splitting`). Those with most descendants are taken, whole, as long as there is room.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from analysis.run.language.latents import Read
from analysis.run.language.words import Lexicon, described
from sae.errors import ConfigError
from sae.evaluations.feature_splitting import Splitting, feature_splitting
from sae.layer import Layer
from sae.nulls import random_directions
from sae.records import Codes
from sae.seeding import stream

QUANTILES = (0.5, 0.9, 0.95, 0.99, 0.999)
# Latents of the smallest SAE that are shown with their nearest where none has a child at all.
NEAREST = 10
SMALLEST_WEB, LARGEST_WEB = 2, 4


@dataclass(frozen=True)
class Sized:
    """An SAE and what it says of the held-out contexts."""

    layer: Layer
    found: Read

    @property
    def size(self) -> int:
        """How many latents it has."""
        return self.layer.sae.n_latents

    @property
    def rows(self) -> Codes:
        """Codes of the places that were kept."""
        kept, codes = self.found.contexts.kept, self.found.codes
        return Codes(codes.values[kept], codes.indices[kept], codes.n_latents)


def web(
    saes: Sequence[Sized], lexicon: Lexicon, most: int, random_host: Float[Tensor, "n_null width"] | None = None,
    seed: int = 0,
) -> dict[str, Any]:  # fmt: skip
    """The nodes, edges and nulls of the SAEs, smallest first.

    `random_host`: the directions of an SAE on a random host. For the cosine the null is the greater, at each quantile
    and over all pairs of sizes, of isotropic directions and of these. Raises ConfigError for SAEs of one size, or of
    more than four, InputError where no latent fires often enough.
    """
    saes = sorted(saes, key=lambda one: one.size)
    sizes = [one.size for one in saes]
    if not SMALLEST_WEB <= len(set(sizes)) == len(sizes) <= LARGEST_WEB:
        raise ConfigError(f"SAEs of {sizes} latents: a web needs two to four, of different sizes")
    steps = [
        feature_splitting(
            coarse.rows, fine.rows, coarse.layer.sae.directions(), fine.layer.sae.directions(),
            null_directions=random_host, seed=seed,
        )
        for coarse, fine in pairwise(saes)
    ]  # fmt: skip
    chosen, left = families(steps, most)
    place = {one: at for at, one in enumerate(chosen)}
    nodes = [
        {"size": sizes[level], "latent": latent, **described(saes[level].found, latent, lexicon)}
        for level, latent in chosen
    ]
    edges = []
    for level, step in enumerate(steps):
        found = step.edges
        for coarse, fine, cosine, phi in zip(
            found.coarse.tolist(), found.fine.tolist(), found.cosine.tolist(), found.phi.tolist(), strict=True
        ):
            start, end = place.get((level, coarse)), place.get((level + 1, fine))
            if start is not None and end is not None:
                edges.append({"from": start, "to": end, "cosine": round(cosine, 4), "coactivation": round(phi, 4)})
    cosines = [step.cosine_by_chance for step in steps]
    if random_host is not None:
        cosines += [_isotropic(one, step, seed) for one, step in zip(saes, steps, strict=False)]
    return {
        "sizes": sizes,
        "nodes": nodes,
        "edges": edges,
        "nulls": {"cosine": _greatest(cosines), "coactivation": _greatest([step.edges.matched_phi for step in steps])},
        "null_of_cosine": ["isotropic directions", *(["an SAE on a random host"] if random_host is not None else [])],
        "families_left_out": left,
        "split_share": [
            {
                "from": small, "to": large, "share": round(step.split_share, 4),
                "by_cosine": round(step.split_share_by_cosine, 4), "by_chance": round(step.split_share_by_chance, 4),
            }
            for small, large, step in zip(sizes, sizes[1:], steps, strict=False)
        ],
    }  # fmt: skip


def families(steps: Sequence[Splitting], most: int) -> tuple[list[tuple[int, int]], int]:
    """(level, latent) of the families with most descendants, whole, level by level; and how many found no room.

    Where no latent has a child beyond chance: the coarse latents that have the nearest fine ones, with these.
    """

    def descendants(level: int, latent: int) -> list[tuple[int, int]]:
        if level == len(steps):
            return []
        own = [(level + 1, child) for child in steps[level].children(latent)]
        return own + [one for child in own for one in descendants(*child)]

    parents = steps[0].parent
    found = [
        [(0, root), *descendants(0, root)] for root in torch.unique(parents[parents >= 0]).tolist()
    ] or _nearest(steps[0])  # fmt: skip
    found.sort(key=lambda family: (-len(family), family[0]))
    chosen: list[tuple[int, int]] = []
    left = 0
    for family in found:
        if len(chosen) + len(family) > most:
            left += 1
        else:
            chosen += family
    if not chosen:  # one family, larger than all the room
        chosen = found[0][:most]
    return sorted(chosen), left


def _nearest(step: Splitting) -> list[list[tuple[int, int]]]:
    """Pairs of largest cosine, no latent twice."""
    seen: set[tuple[int, int]] = set()
    found: list[list[tuple[int, int]]] = []
    for at in step.edges.cosine.argsort(descending=True, stable=True).tolist():
        pair = [(0, int(step.edges.coarse[at])), (1, int(step.edges.fine[at]))]
        if len(found) < NEAREST and seen.isdisjoint(pair):
            seen |= set(pair)
            found.append(pair)
    return found


def _isotropic(coarse: Sized, step: Splitting, seed: int) -> Tensor:
    """The best cosine to a live coarse direction of as many random directions."""
    own = normalize(coarse.layer.sae.directions()[step.live_coarse].float())
    n, width = len(step.cosine_by_chance), own.shape[1]
    drawn = random_directions(n, width, stream(seed, "isotropic"))
    return torch.cat([(part @ own.T).max(1).values for part in torch.split(drawn, 1024)])


def _greatest(nulls: Sequence[Tensor]) -> list[dict[str, float]]:
    """By quantile the greatest over several samples."""
    return [
        {"quantile": one, "value": round(max(float(null.float().quantile(one)) for null in nulls), 4)}
        for one in QUANTILES
    ]
