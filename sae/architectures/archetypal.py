"""Archetypal SAE (RA-SAE): directions are mixtures of training rows. Fel et al., arXiv 2502.12892.

    d_j   = sum over points p of a_jp c_p + e_j         a_jp >= 0, summing to 1 over p; ||e_j|| <= slack * sqrt(d_in)
    W_dec = d_j / ||d_j||
    pre, z, x_hat, loss as TopK, AuxK included

The points c_p are `points` rows of the training sample, as seen from b_dec where it starts, the sample's median, and
stay what they are. A dictionary that has to stand on data cannot go wherever one training happens to take it. The
paper's A-SAE is `slack` 0; its relaxed one, RA-SAE, leaves each atom a small way out of the points' convex hull. Rows
here have a mean square of d_in, so that `slack` is a share of a typical row's length. Directions have length 1 and
codes have the rest: the paper's scale of the dictionary, for each atom.

Points are far from one another, and the same for every seed on the same rows, and so is the start: each latent begins
near a point, or between two where there are more latents. Seeds of this SAE therefore agree by its making. That they
find the same says less than it does of an architecture that starts anywhere.

Ours: mixtures a_j are the softmax of `mixture`, where the released code cuts what is negative and divides by the sum.
A softmax is a mixture after every step, average and revival; and Adam moves each logit by a rate, where a step on the
shares themselves would wash a mixture of many points out. Points are rows, where the paper takes centroids of
millions of them. W_dec holds the directions as they follow from mixture, points and offset, written anew after every
step: what reads weights reads them there.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from sae.dictionary import Dictionary
from sae.errors import ConfigError
from sae.kernels import decode_sparse, keep_top
from sae.losses import auxk_terms, default_k_aux, squared_error
from sae.protocol import KMeaning
from sae.records import Codes, Loss
from sae.values import real, says_itself, whole

# An atom without a length has no direction.
LEAST = 1e-12
# Points where none are asked for.
FEWEST, MOST = 512, 1024
# Rows among which points are looked for: each point is a pass over them.
CANDIDATES = 4096


class Archetypal(Dictionary):
    """Archetypal SAE with TopK codes. Raises ConfigError for options out of range, such as a negative slack."""

    k_is_met: ClassVar[KMeaning] = "at most"

    @says_itself
    def __init__(
        self,
        d_in: int,
        n_latents: int,
        *,
        k: int,
        points: int = 0,
        slack: float = 0.1,
        k_aux: int = 0,
        aux_weight: float = 1 / 32,
        encoder_norm: float = 1.0,
    ) -> None:
        """`points`: how many rows the directions are mixtures of, 0 as many as there are latents, at least 512 and at
        most 1,024: a step costs latents * points * d_in. Of fewer rows some are there twice. `slack`: how far an atom
        may be from all mixtures, as a share of sqrt(d_in)."""
        super().__init__(d_in, n_latents, k, encoder_norm)
        self.n_points = whole("points", points) or min(max(FEWEST, self.n_latents), MOST)
        self.slack = real("slack", slack, least=0)
        if self.n_points**2 < self.n_latents:
            least = math.isqrt(self.n_latents - 1) + 1
            raise ConfigError(f"points = {points}: at least {least} for {n_latents} latents, or some would be the same")
        self.k_aux, self.aux_weight = default_k_aux(k_aux, self.d_in), real("aux_weight", aux_weight, least=0)
        try:
            self.mixture = nn.Parameter(self._new(self.n_latents, self.n_points))
            self.offset = nn.Parameter(self._new(self.n_latents, self.d_in))
            self.points: Tensor
            self.register_buffer("points", self._new(self.n_points, self.d_in))
        except RuntimeError as error:
            size = f"{4 * (self.n_latents + self.d_in) * self.n_points / 1e9:.3g} GB"
            raise ConfigError(
                f"points = {self.n_points}: no memory for {size} of mixtures; fewer points need less"
            ) from error

    def atoms(self) -> Float[Tensor, "n_latents d_in"]:
        """The directions before they are of length 1: mixtures of points, and how far each is from its mixture."""
        return torch.softmax(self.mixture, dim=1) @ self.points + self.offset

    def encode(self, x: Float[Tensor, "batch d_in"]) -> Codes:
        """The k largest pre-activations of each row, negatives cut to 0."""
        return Codes(*keep_top(self.pre_activations(x), self.k), self.n_latents)

    def loss(self, x: Float[Tensor, "batch d_in"], dead: Bool[Tensor, " n_latents"] | None = None) -> Loss:
        """Reconstruction error plus AuxK over the `dead` latents."""
        pre = self.pre_activations(x)
        codes = Codes(*keep_top(pre, self.k), self.n_latents)
        found = unit(self.atoms(), self.W_dec)
        directions = self.W_dec + (found - found.detach())  # the values of W_dec, the gradients of what it is made of
        x_hat = decode_sparse(codes.values, codes.indices, directions) + self.b_dec
        terms = {"reconstruction": squared_error(x, x_hat)}
        terms |= auxk_terms(pre, x - x_hat, directions, dead, self.k_aux, self.aux_weight)
        return Loss.of(terms, codes)

    def latent_axes(self) -> dict[str, int]:
        """A latent also has its mixture and its offset."""
        return super().latent_axes() | {"mixture": 0, "offset": 0}

    def decoder_weights(self) -> tuple[str, ...]:
        """W_dec, and what it is made of."""
        return ("W_dec", "mixture", "offset")

    def options(self) -> dict[str, Any]:
        """Keyword arguments that build the same SAE."""
        return {
            "k": self.k,
            "points": self.n_points,
            "slack": self.slack,
            "k_aux": self.k_aux,
            "aux_weight": self.aux_weight,
            "encoder_norm": self.encoder_norm,
        }

    @torch.no_grad()
    def _start(self, sample: Float[Tensor, "rows d_in"], generator: torch.Generator) -> None:
        """Points of the sample, far from one another; each latent begins near one, its encoder along it.

        Raises ConfigError for a part of the decoder that takes no gradients: other points would make it another.
        """
        for name in self.decoder_weights():
            if not self.get_parameter(name).requires_grad:
                raise ConfigError(
                    f"{name} of the archetypal SAE takes no gradients, and means nothing for the points that training "
                    "draws: Trainee(..., frozen_decoder=True) leaves W_dec, mixture and offset as they start"
                )
        super()._start(sample, generator)
        found = spread(sample - self.b_dec, self.n_points)
        self.points.copy_(found[torch.arange(self.n_points, device=found.device) % len(found)])
        every = torch.arange(self.n_latents, device=found.device)
        first, turn = every % len(found), every // len(found)
        self._stand_on(every, first, (first + turn) % len(found))
        self.W_enc.copy_(self.W_dec).mul_(self.encoder_norm)

    @torch.no_grad()
    def _constrain(self) -> None:
        """Offsets within their bound, and the directions that follow."""
        bound = self.slack * math.sqrt(self.d_in)
        self.offset.mul_((bound / self.offset.norm(dim=1, keepdim=True).clamp(min=LEAST)).clamp(max=1))
        self.W_dec.copy_(unit(self.atoms(), self.W_dec))
        super()._constrain()

    @torch.no_grad()
    def _reopen(self, latents: Int[Tensor, " some"]) -> None:
        """A revived latent cannot stand on its row, but on the point that is most like it."""
        wanted = self.W_dec[latents]
        likeness = wanted @ unit(self.points, torch.zeros_like(self.points)).T
        lengths = self.W_enc[latents].norm(dim=1, keepdim=True)
        nearest = likeness.argmax(1)
        self._stand_on(latents, nearest, nearest)
        self.W_enc[latents] = self.W_dec[latents] * lengths

    def _stand_on(
        self, latents: Int[Tensor, " some"], points: Int[Tensor, " some"], others: Int[Tensor, " some"]
    ) -> None:
        """Begin each of these latents with half of its mixture at its point and the rest spread evenly over all others,
        or, where it has another point, with half as much there."""
        each, most = torch.arange(len(latents), device=points.device), math.log(max(1, self.n_points - 1))
        logits = self.mixture.new_zeros(len(latents), self.n_points)
        logits[each, others] = max(0.0, most - math.log(2))
        logits[each, points] = most
        self.mixture[latents] = logits
        self.offset[latents] = 0.0
        self.W_dec[latents] = unit(torch.softmax(logits, dim=1) @ self.points, self.W_dec[latents])


def unit(rows: Float[Tensor, "rows d_in"], instead: Float[Tensor, "rows d_in"]) -> Float[Tensor, "rows d_in"]:
    """Rows of length 1; `instead` where one has no length."""
    length = rows.norm(dim=1, keepdim=True)
    return torch.where(length > LEAST, rows / length.clamp(min=LEAST), instead)


def spread(rows: Float[Tensor, "rows d_in"], count: int) -> Float[Tensor, "found d_in"]:
    """`count` of the rows, or all that differ: each as far as can be from 0, where directions begin, and from those
    before it.

    The same whatever order rows are in; of many, some are looked at, near ones and far ones.
    """
    lengths = rows.square().sum(1)
    if len(rows) > CANDIDATES:
        order = lengths.argsort(stable=True)
        rows = rows[
            order[torch.linspace(0, len(rows) - 1, CANDIDATES, dtype=torch.float64, device=rows.device).round().long()]
        ]
        lengths = rows.square().sum(1)
    distance, chosen, same = lengths, [int(lengths.argmax())], 1e-6 * float(lengths.max())
    while len(chosen) < count:
        last = chosen[-1]
        distance = torch.minimum(distance, lengths + lengths[last] - 2 * (rows @ rows[last]))
        following = int(distance.argmax())
        if float(distance[following]) <= same:
            break
        chosen.append(following)
    return rows[chosen]
