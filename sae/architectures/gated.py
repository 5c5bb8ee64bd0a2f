"""Gated: one path decides which latents are active, another how much. Rajamanoharan et al., arXiv 2404.16014.

    gate  = W_enc (x - b_dec) + b_enc                                   (pi_gate in the paper)
    size  = ReLU(exp(r_mag) * W_enc (x - b_dec) + b_mag)
    z     = 1[gate > 0] * size
    loss  = ||x - x_hat||^2 / d_in + penalty * mean over rows of sum_j ReLU(gate_j) / d_in
          + ||x - x_gate||^2 / d_in,   x_gate decoded from ReLU(gate) with the decoder and b_dec DETACHED

The penalty acts on the gate only, so that it does not shrink what the size path says (section 3.2). The third term
trains the gate to be useful; were its decoder not detached, it would pull directions towards a shrunk solution.
k is a target that the penalty is steered towards (`sae.sparsity`).
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from sae.dictionary import Dictionary
from sae.losses import squared_error
from sae.protocol import KMeaning
from sae.records import Codes, Loss
from sae.sparsity import PenaltyWeight
from sae.values import says_itself


class Gated(Dictionary):
    """Gated SAE with tied gate and size encoders. `b_enc` is the gate's bias."""

    k_is_met: ClassVar[KMeaning] = "as a target"

    @says_itself
    def __init__(
        self,
        d_in: int,
        n_latents: int,
        *,
        k: int,
        penalty: float = 0.1,
        penalty_rate: float = 0.02,
        penalty_warmup: int = 100,
        encoder_norm: float = 1.0,
    ) -> None:
        """`penalty_warmup` in steps; `penalty_rate` 0 fixes the penalty."""
        super().__init__(d_in, n_latents, k, encoder_norm)
        self.r_mag = nn.Parameter(self._new(self.n_latents))
        self.b_mag = nn.Parameter(self._new(self.n_latents))
        self.weight = PenaltyWeight(penalty, penalty_rate, penalty_warmup)
        self.penalty = self.weight.start

    def paths(
        self, x: Float[Tensor, "batch d_in"]
    ) -> tuple[Float[Tensor, "batch n_latents"], Float[Tensor, "batch n_latents"]]:
        """(gate, z): the gate's pre-activations and the dense code."""
        shared = self.product(x)
        gate = shared + self.b_enc
        size = torch.relu(torch.exp(self.r_mag) * shared + self.b_mag)
        return gate, (gate > 0).to(size.dtype) * size

    def encode(self, x: Float[Tensor, "batch d_in"]) -> Codes:
        """Sizes where the gate is open."""
        return Codes.from_active(self.paths(x)[1])

    def loss(self, x: Float[Tensor, "batch d_in"], dead: Bool[Tensor, " n_latents"] | None = None) -> Loss:
        """Reconstruction, the gate's penalty and the gate's own reconstruction."""
        gate, z = self.paths(x)
        opened = torch.relu(gate)
        terms = {
            "reconstruction": squared_error(x, z @ self.W_dec + self.b_dec),
            "l1": self.weight.value() * opened.sum(1).mean() / self.d_in,
            "gate": squared_error(x, opened @ self.W_dec.detach() + self.b_dec.detach()),
        }
        return Loss.of(terms, Codes.from_dense(z.detach()))

    def latent_axes(self) -> dict[str, int]:
        """The size path has a part for each latent, too."""
        return super().latent_axes() | {"r_mag": 0, "b_mag": 0}

    def options(self) -> dict[str, Any]:
        """Keyword arguments that build the same SAE."""
        return {
            "k": self.k,
            "penalty": self.penalty,
            "penalty_rate": self.weight.rate,
            "penalty_warmup": self.weight.warmup,
            "encoder_norm": self.encoder_norm,
        }

    @torch.no_grad()
    def _begin(self, generator: torch.Generator) -> None:
        """The size path as the gate's, the penalty at its start."""
        self.r_mag.zero_()
        self.b_mag.zero_()
        self.weight.restart()

    @torch.no_grad()
    def _reopen(self, latents: Int[Tensor, " some"]) -> None:
        """A size path that has learned to say 0 would keep a revived latent silent."""
        self.r_mag[latents] = 0.0
        self.b_mag[latents] = 0.0

    def _adapt(self, loss: Loss) -> None:
        """Let the penalty follow L0."""
        self.weight.follow(loss.codes.l0(), self.k)
