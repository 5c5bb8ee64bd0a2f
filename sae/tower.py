"""A tower: SAEs trained on SAEs, depth by depth, and what it takes to read and decode them on host rows.

kind `latents`     depth d reads the codes of depth d-1.
kind `directions`  depth d reads the unit-norm directions of depth d-1 as its rows (Leask et al., arXiv 2502.04878).

In the directions kind an SAE never sees an example. What a meta-latent does on an example x is then *defined*:
z_d(x) = z_{d-1}(x) Phi_d, with Phi_d the codes of the directions of depth d-1. Decoding to the host replaces each
decoder by its reconstruction from the depth above it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import get_args

import torch
from jaxtyping import Float
from torch import Tensor

from sae.ambient import reading
from sae.config import TowerKind
from sae.errors import ConfigError
from sae.given import AnyRows, check_codes
from sae.layer import Layer
from sae.records import Codes
from sae.values import choice, says_itself, whole


@says_itself
@dataclass(frozen=True)
class Tower:
    """Layers from depth 1 up, of one kind. All methods take host rows (..., d_host) and count depths from 1.

    Raises ConfigError for a kind or a depth that is not there, and for latents that the layer above does not read.
    """

    kind: TowerKind
    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        choice("kind of a tower", self.kind, get_args(TowerKind))
        if self.kind == "directions":
            return  # its rows are directions, which `Layer.encode` looks at
        for depth, (below, layer) in enumerate(pairwise(self.layers), 2):
            if layer.sae.d_in != below.sae.n_latents:
                raise ConfigError(
                    f"depth {depth} of a latents tower reads rows of width {layer.sae.d_in}, depth {depth - 1} gives "
                    f"rows of width {below.sae.n_latents}"
                )

    @says_itself
    def _within(self, depth: int, least: int = 1) -> int:
        """`depth` if there is one: a slice would quietly take another."""
        return whole("depth", depth, least, len(self.layers))

    @property
    def depth(self) -> int:
        """How many depths there are."""
        return len(self.layers)

    @says_itself
    def unit(self, depth: int) -> float:
        """Host units of an activation of 1 at `depth`: the product of the scales from there down."""
        product = 1.0
        for layer in self.layers[: self._within(depth, 0)]:
            product *= layer.normaliser.scale
        return product

    @reading()
    @says_itself
    def all_codes(self, host: AnyRows, depth: int) -> list[Codes]:
        """Activations of depths 1 to `depth` on host rows; in the directions kind not sparse from depth 2 on."""
        depth = self._within(depth)
        found = [self.layers[0].encode(host)]
        for below, layer in zip(self.layers[: depth - 1], self.layers[1:depth], strict=True):
            z = found[-1].dense()
            if self.kind == "latents":
                found.append(layer.encode(z))
            else:
                found.append(Codes.from_dense(z @ layer.encode(below.sae.directions()).dense()))
        return found

    @says_itself
    def codes(self, host: AnyRows, depth: int) -> Codes:
        """Activations of the latents of `depth` on host rows."""
        return self.all_codes(host, depth)[-1]

    @says_itself
    def activations(self, host: AnyRows, depth: int) -> Float[Tensor, "*leading n_latents"]:
        """`codes`, with a column for every latent."""
        return self.codes(host, depth).dense()

    @says_itself
    def inputs(self, host: AnyRows, depth: int) -> Float[Tensor, "*rows d_in"]:
        """The rows that the SAE of `depth` reads: host rows, codes below, or directions below."""
        if self._within(depth) == 1:
            return host
        if self.kind == "latents":
            return self.activations(host, depth - 1)
        return self.layers[depth - 2].sae.directions()

    @says_itself
    def decode(self, host: AnyRows, depth: int) -> Float[Tensor, "*leading d_host"]:
        """Host rows as `depth` gives them back, decoded all the way down."""
        return self.decode_codes(self.all_codes(host, depth if self.kind == "latents" else 1)[-1], depth)

    @reading()
    @says_itself
    def decode_codes(self, codes: Codes, depth: int) -> Float[Tensor, "*leading d_host"]:
        """Host rows from codes: those of `depth` in the latents kind, those of depth 1 in the directions kind."""
        depth = self._within(depth)
        check_codes(codes, self.layers[depth - 1 if self.kind == "latents" else 0].sae.n_latents)
        if self.kind == "latents":
            rows = codes.dense()
            for layer in reversed(self.layers[:depth]):
                rows = layer.decode_with(rows, layer.sae.directions())
            return rows
        directions = self.layers[depth - 1].sae.directions()
        for below, layer in zip(reversed(self.layers[: depth - 1]), reversed(self.layers[1:depth]), strict=True):
            directions = layer.decode_with(layer.encode(below.sae.directions()).dense(), directions)
        return self.layers[0].decode_with(codes.dense(), directions)

    @reading()
    @says_itself
    def host_map(self, depth: int) -> tuple[Float[Tensor, "n_latents d_host"], Float[Tensor, " d_host"]] | None:
        """(directions, offset) with `decode(host, depth)` = offset + codes of `depth` @ directions, in host units.

        None in the directions kind from depth 2 on: there a host row is decoded from the codes of depth 1 with
        reconstructed directions, and is no function of the codes of `depth`.
        """
        depth = self._within(depth)
        if self.kind == "directions" and depth > 1:
            return None
        # from the host up, so that every product has only d_host columns
        directions, offset = _affine(self.layers[0])
        for layer in self.layers[1:depth]:
            above, constant = _affine(layer)
            directions, offset = above @ directions, offset + constant @ directions
        return directions, offset


def _affine(layer: Layer) -> tuple[Float[Tensor, "n_latents d_in"], Float[Tensor, " d_in"]]:
    """(directions, offset) of one layer: its decoder with the normaliser undone."""
    scale, mean = layer.normaliser.scale, layer.normaliser.mean
    directions = layer.sae.directions()
    return scale * directions, scale * layer.sae.bias() + mean.to(directions.device)


def training_rows(tower: Tower, host: Float[Tensor, "batch d_host"]) -> Float[Tensor, "rows d_in"] | Codes:
    """The rows on which the next depth of `tower` trains; in the latents kind k-sparse codes, as they are."""
    if not tower.layers:
        return host
    if tower.kind == "latents":
        return tower.codes(host, tower.depth)
    return tower.layers[-1].sae.directions().clone()


@says_itself
def folds_of(
    rows: Float[Tensor, "rows d_in"], folds: int, generator: torch.Generator
) -> list[tuple[Float[Tensor, "kept d_in"], Float[Tensor, "held d_in"]]]:
    """`folds` pairs (the other rows, held-out rows); held-out parts are disjoint, their sizes differ by at most 1.

    Raises ConfigError for fewer than 2 folds, which leave nothing, or more than there are rows.
    """
    folds, pairs = whole("folds", folds, 2, len(rows)), []
    for part in torch.randperm(len(rows), generator=generator, device="cpu").tensor_split(folds):
        kept = torch.ones(len(rows), dtype=torch.bool, device="cpu")
        kept[part] = False
        pairs.append((rows[kept], rows[part]))
    return pairs
