"""Rows made of features that are known: what firing together and sharing dimensions does to an SAE, one cause a family.

After SynthSAEBench (Chanin, arXiv 2602.14687) and SAELens's `synthetic`, from the paper's definitions and much
smaller. Rows are sums of features' unit directions, each as strongly as the feature is on. Firing is drawn by a
Gaussian copula, so that every feature keeps its rate whatever it is correlated with; rates follow Zipf's law; the mean
strength falls from the first feature to the last. Families differ from `plain` in one thing, `all` in everything:

plain         independent features, as many as dimensions
superposed    four times as many features as dimensions: what overlaps is noise to the others
correlated    firing has a covariance of low rank
hierarchy     trees: a child is on only with its parent
exclusive     the same, and of the children of one parent one at most is on

Not here: the paper's loss that spreads directions apart, its 16,384 features, and a parent's strength in its children.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

D_IN = 48
RATES = (0.4, 0.04)
"""Of the most and of the least frequent feature."""
ZIPF = 0.7
STRENGTHS = (3.0, 1.0)
SPREAD = 0.3
"""Standard deviation of a feature's strength."""
RANK, SCALE = 6, 0.45
"""Of the covariance of firing: common causes, and how far a feature follows each."""
TREES, CHILDREN, GRANDCHILDREN = 4, 3, 2
WITH_PARENT = 0.5
"""How often a child is on where its parent is, before siblings exclude each other."""


@dataclass(frozen=True)
class Family:
    """What rows are made like."""

    name: str
    features: int = D_IN
    correlated: bool = False
    hierarchy: bool = False
    exclusive: bool = False


FAMILIES = (
    Family("plain"),
    Family("superposed", features=4 * D_IN),
    Family("correlated", correlated=True),
    Family("hierarchy", hierarchy=True),
    Family("exclusive", hierarchy=True, exclusive=True),
    Family("all", features=4 * D_IN, correlated=True, hierarchy=True, exclusive=True),
)


@dataclass(frozen=True)
class Known:
    """Rows, and what they are made of."""

    rows: Float[Tensor, "rows d_in"]
    strengths: Float[Tensor, "rows features"]
    """0 where a feature is off."""
    directions: Float[Tensor, "features d_in"]

    @property
    def l0(self) -> float:
        """How many features are on in a row."""
        return float((self.strengths > 0).sum(1).float().mean())


def made(family: Family, n: int, seed: int) -> Known:
    """So many rows of a family; the features of a seed are the same whatever n is."""
    draw = torch.Generator().manual_seed(seed)
    directions = normalize(torch.randn(family.features, D_IN, generator=draw), dim=1)
    causes = SCALE * torch.randn(family.features, RANK, generator=draw) / RANK**0.5
    order = torch.randperm(family.features, generator=draw)  # which trees are frequent is by chance
    forest, rate = trees(order), rates(family.features)
    if family.hierarchy:
        rate[[child for _, children in forest for child in children]] = WITH_PARENT
    share = causes.pow(2).sum(1, keepdim=True).clamp(max=0.95)
    common = torch.randn(n, RANK, generator=draw) @ (causes * (share / causes.pow(2).sum(1, keepdim=True)).sqrt()).T
    level = torch.randn(n, family.features, generator=draw)
    if family.correlated:
        level = common + (1 - share).sqrt().T * level
    on = level > torch.special.ndtri(1 - rate)
    if family.hierarchy:
        on = gated(on, forest, draw if family.exclusive else None)
    mean = torch.linspace(*STRENGTHS, family.features)
    sizes = (mean + SPREAD * torch.randn(n, family.features, generator=draw)).clamp(min=0.05)
    strengths = on * sizes
    return Known(strengths @ directions, strengths, directions)


def rates(features: int) -> Float[Tensor, " features"]:
    """How often each feature is on by itself: Zipf's law between both `RATES`."""
    falling = torch.arange(1, features + 1, dtype=torch.float32) ** -ZIPF
    least = falling[-1]
    return RATES[1] + (falling - least) / (1 - least) * (RATES[0] - RATES[1])


def trees(order: Tensor) -> list[tuple[int, list[int]]]:
    """Parents, each with its children, those nearer to the root first; features that are in no tree stand alone."""
    given, found = iter(order.tolist()), []
    for _ in range(TREES):
        root = next(given)
        children = [next(given) for _ in range(CHILDREN)]
        found.append((root, children))
        found += [(child, [next(given) for _ in range(GRANDCHILDREN)]) for child in children]
    return found


def gated(on: Tensor, forest: list[tuple[int, list[int]]], draw: torch.Generator | None) -> Tensor:
    """Children off where their parent is; with `draw`, of those that are on one by chance stays on."""
    on = on.clone()
    for parent, children in forest:
        own = on[:, children] & on[:, [parent]]
        if draw is not None:
            first = torch.where(own, torch.rand(own.shape, generator=draw), -1.0).argmax(1, keepdim=True)
            own = own & torch.zeros_like(own).scatter(1, first, True)
        on[:, children] = own
    return on
