"""Directions as points of a plane: near each other where they are near in the host's space."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from torch import Tensor

from analysis.plan.map_config import NO_CLASS

# Components in which neighbours are sought, and how many neighbours a point has, about: the usual values.
COMPONENTS, NEIGHBOURS = 50, 30
# Places hardly move after this.
STEPS = 500
# Fewer points than this have no neighbourhoods: their principal components say all.
FEW = 8
SEED = 0
"""Of the embedding, whatever the run's: equal directions get equal places."""


def embedded(directions: Float[Tensor, "n width"]) -> Float[Tensor, "n 2"]:
    """A place for each direction, within -1..1: principal components of the unit directions, then t-SNE.

    Between unit directions distance is a matter of their cosine. Lengths play no part; a direction of length 0 is one
    like any other.
    """
    unit = torch.nn.functional.normalize(directions.double(), dim=1).numpy()
    n = len(unit)
    if n < 2:
        return torch.zeros(n, 2)
    parts = min(COMPONENTS, *unit.shape)
    places = PCA(parts, svd_solver="full", random_state=SEED).fit_transform(unit)
    if parts < 2:
        places = np.pad(places, ((0, 0), (0, 2 - parts)))
    if n >= FEW:
        near = min(NEIGHBOURS, (n - 1) / 3)
        places = TSNE(perplexity=near, init=_start(places), max_iter=STEPS, random_state=SEED).fit_transform(places)
    places = places[:, :2] - (places[:, :2].max(0) + places[:, :2].min(0)) / 2
    return torch.from_numpy(places / max(np.abs(places).max(), 1e-12)).float()


def _start(components: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """The first two components, small, from which points find their places: what was far apart starts far apart."""
    small = 1e-4 / max(float(components[:, 0].std()), 1e-12)
    return np.asarray(components[:, :2] * small, np.float32)


def main_classes(
    codes: Float[Tensor, "rows n"], labels: Int[Tensor, " rows"] | None, n_classes: int
) -> Int[Tensor, " n"]:
    """The class on which most of each latent's activation falls; NO_CLASS for one that is silent, or without labels."""
    silent = torch.full((codes.shape[1],), NO_CLASS)
    if labels is None:
        return silent
    mass = torch.zeros(n_classes, codes.shape[1], dtype=codes.dtype).index_add(0, labels, codes)
    return torch.where(mass.sum(0) > 0, mass.argmax(0), silent)


def strongest_codes(
    rows: Float[Tensor, "rows width"], directions: Float[Tensor, "n width"], k: int
) -> Float[Tensor, "rows n"]:
    """How an SAE with these directions and a tied encoder would fire: each row's k largest positive projections, of
    rows without their mean; 0 elsewhere."""
    along = torch.relu((rows - rows.mean(0)) @ directions.T)
    top = along.topk(min(k, along.shape[1]), dim=1)
    return torch.zeros_like(along).scatter(1, top.indices, top.values)
