"""Which latents of several SAEs a web shows: families that split clearly, few enough to be looked at.

The counterpart of `analysis.results.webs`: it chooses the nodes and edges of `data/language/web.json` out of all edges
between SAEs, as `sae.evaluations.feature_splitting` finds them for each two neighbouring sizes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from analysis.results.webs import MOST
from sae.errors import DataError

Latent = tuple[int, int]
"""Size of the SAE, and which of its latents."""


@dataclass(frozen=True)
class Step:
    """Edges between two neighbouring sizes, one an entry: coarse latent, fine latent, cosine, correlation of firing."""

    coarse: int
    fine: int
    edges: Sequence[tuple[int, int, float, float]]
    least: tuple[float, float]
    """What cosine and correlation have to exceed to be no accident."""


def chosen(
    steps: Sequence[Step], most: int = MOST, children: int = 12
) -> tuple[list[Latent], list[dict[str, Any]]]:  # fmt: skip
    """Latents and the edges among them, in the form of `web.json` (nodes lack names).

    A latent's parent is the coarse one of largest cosine, where both strengths exceed `least`. The roots that have most
    children come first, of those that have equally many the ones whose children's weaker strength is largest; one with
    more than `children` is left out, as latents that are on nearly everywhere split into everything. Families are added
    whole while they fit among `most` latents. Raises DataError for steps that do not follow each other, or where no
    latent splits.
    """
    if not steps or any(one.fine != two.coarse for one, two in pairwise(steps)):
        raise DataError("edges must lead from each size to the next larger one, smallest first")
    below = _children(steps)
    roots = [
        latent for latent, found in below.items() if latent[0] == steps[0].coarse and 2 <= len(found) <= children
    ]  # fmt: skip
    roots.sort(key=lambda root: (-len(below[root]), -_weakest(below[root]), root))
    nodes: list[Latent] = []
    for root in roots:
        family = _family(root, below)
        if len(nodes) + len(family) <= most:
            nodes += family
    if not nodes:
        raise DataError(
            f"no latent of the {steps[0].coarse} has 2 to {children} children beyond chance with a family of at most "
            f"{most} latents"
        )
    place = {latent: at for at, latent in enumerate(nodes)}
    edges = [
        {"from": place[step.coarse, a], "to": place[step.fine, b], "cosine": cosine, "coactivation": together}
        for step in steps
        for a, b, cosine, together in step.edges
        if (step.coarse, a) in place and (step.fine, b) in place
    ]
    return nodes, edges


def _children(steps: Sequence[Step]) -> dict[Latent, list[tuple[Latent, float]]]:
    """By latent its children, each with the smaller of its two strengths, the one with the largest cosine first."""
    found: dict[Latent, list[tuple[Latent, float]]] = defaultdict(list)
    for step in steps:
        nearest: dict[int, tuple[float, int, float]] = {}
        for a, b, cosine, together in step.edges:
            if b not in nearest or cosine > nearest[b][0]:
                nearest[b] = (cosine, a, together)
        for b, (cosine, a, together) in sorted(nearest.items(), key=lambda item: -item[1][0]):
            if cosine > step.least[0] and together > step.least[1]:
                found[step.coarse, a].append(((step.fine, b), min(cosine, together)))
    return found


def _weakest(children: Sequence[tuple[Latent, float]]) -> float:
    return min(strength for _, strength in children)


def _family(root: Latent, below: Mapping[Latent, Sequence[tuple[Latent, float]]]) -> list[Latent]:
    found = [root]
    for child, _ in below.get(root, ()):
        found += _family(child, below)
    return found
