"""ReLU + L1: the first kind of SAE. Bricken et al. 2023, "Towards Monosemanticity"; Templeton et al. 2024.

    z     = ReLU(W_enc (x - b_dec) + b_enc)
    x_hat = W_dec^T z + b_dec
    loss  = ||x - x_hat||^2 / d_in + penalty * mean over rows of sum_j z_j ||W_dec[j]|| / d_in

`norm = "unit"` keeps decoder rows at length 1 (Bricken et al.); `norm = "weighted"` leaves them free and weights the
L1 by their length (Templeton et al.), so that no length can cheat the penalty. Codes are given with the length in
them: directions are of unit norm either way. L1 is a mean over rows: summed over the batch beside a mean squared
error, it would grow with the batch and make everything 0.

The penalty shrinks activations and kills latents. Dead ones are revived by the loop (`train.revivals`, after the
resampling of Bricken et al.). k is a target that the penalty is steered towards (`sae.sparsity`).
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sae.dictionary import Dictionary
from sae.errors import ConfigError
from sae.losses import squared_error
from sae.protocol import KMeaning
from sae.records import Codes, Loss
from sae.sparsity import PenaltyWeight

NORMS = ("unit", "weighted")


class ReluL1(Dictionary):
    """ReLU SAE with an L1 penalty. Raises ConfigError for an unknown `norm` or a penalty that is not above 0."""

    k_is_met: ClassVar[KMeaning] = "as a target"

    def __init__(
        self,
        d_in: int,
        n_latents: int,
        *,
        k: int,
        norm: str = "unit",
        penalty: float = 0.1,
        penalty_rate: float = 0.02,
        penalty_warmup: int = 100,
        encoder_norm: float = 1.0,
    ) -> None:
        """`penalty_warmup` in steps; `penalty_rate` 0 fixes the penalty."""
        if norm not in NORMS:
            raise ConfigError(f"norm = {norm!r}: must be one of {', '.join(NORMS)}")
        super().__init__(d_in, n_latents, k, encoder_norm, unit_norm=norm == "unit")
        self.norm, self.penalty = norm, penalty
        self.weight = PenaltyWeight(penalty, penalty_rate, penalty_warmup)

    def activations(self, x: Float[Tensor, "batch d_in"]) -> Float[Tensor, "batch n_latents"]:
        """The codes with a column for every latent, the decoder row's length in them."""
        z = torch.relu(self.pre_activations(x))
        return z if self.unit_norm else z * self.lengths()

    def encode(self, x: Float[Tensor, "batch d_in"]) -> Codes:
        """All activations above 0."""
        return Codes.from_active(self.activations(x))

    def loss(self, x: Float[Tensor, "batch d_in"], dead: Bool[Tensor, " n_latents"] | None = None) -> Loss:
        """Reconstruction error plus the L1 penalty. `dead` latents get nothing: they are for the loop to revive."""
        z = self.activations(x)
        x_hat = z @ self.unit_directions() + self.b_dec
        terms = {
            "reconstruction": squared_error(x, x_hat),
            "l1": self.weight.value() * z.sum(1).mean() / self.d_in,
        }
        return Loss.of(terms, Codes.from_dense(z.detach()))

    def options(self) -> dict[str, Any]:
        """Keyword arguments that build the same SAE."""
        return {
            "k": self.k,
            "norm": self.norm,
            "penalty": self.penalty,
            "penalty_rate": self.weight.rate,
            "penalty_warmup": self.weight.warmup,
            "encoder_norm": self.encoder_norm,
        }

    def _begin(self, generator: torch.Generator) -> None:
        """The penalty at its start."""
        self.weight.restart()

    def _adapt(self, loss: Loss) -> None:
        """Let the penalty follow L0."""
        self.weight.follow(loss.codes.l0(), self.k)
