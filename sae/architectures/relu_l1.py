"""ReLU + L1: the first kind of SAE. Bricken et al. 2023, "Towards Monosemanticity"; Templeton et al. 2024.

    z     = ReLU(W_enc (x - b_dec) + b_enc)
    x_hat = W_dec^T z + b_dec
    loss  = mean over rows of ||x - x_hat||^2 / d_in + penalty * L1

What the L1 adds up for a latent, by `norm`:

    unit      z_j, decoder rows kept at length 1 (Bricken et al.)
    weighted  z_j ||W_dec[j]||, rows of any length, so that no length can cheat the penalty (Templeton et al.)
    free      z_j, rows of any length. Long rows and a short encoder give the same x_hat for a smaller penalty: a flaw
              of plain autoencoder recipes, here to be reproduced and not to be used

Codes are given with the length in them: directions are of unit norm whatever the `norm`.

How latents and rows become one number, by `l1`, dearest last:

    coordinates  mean over rows of the sum over latents, / d_in: the loss of both papers, of SAELens and of
                 dictionary_learning, divided by d_in. Their error is a sum over coordinates: their penalty fits
    rows         mean over rows of the sum over latents, beside an error that is a mean over coordinates: recipes
                 with torch's MSELoss. The same penalty weighs d_in times as much
    batch        sum over rows and latents, beside that mean error: the recipe of a published tower of SAEs on MNIST
                 (jain18ayush/mnist-sae). It weighs batch * d_in times as much: the scale error that made every
                 code 0, so that the tower collapsed

The penalty shrinks activations and kills latents. Dead ones are revived by the loop (`train.revivals`, after the
resampling of Bricken et al.). k is a target that the penalty is steered towards (`sae.sparsity`).
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sae.dictionary import Dictionary
from sae.losses import squared_error
from sae.protocol import KMeaning
from sae.records import Codes, Loss
from sae.sparsity import PenaltyWeight
from sae.values import choice, says_itself

NORMS = ("unit", "weighted", "free")
REDUCTIONS = ("coordinates", "rows", "batch")


class ReluL1(Dictionary):
    """ReLU SAE with an L1 penalty. Raises ConfigError for an unknown `norm` or `l1`, or a penalty not above 0."""

    k_is_met: ClassVar[KMeaning] = "as a target"

    @says_itself
    def __init__(
        self,
        d_in: int,
        n_latents: int,
        *,
        k: int,
        norm: str = "unit",
        l1: str = "coordinates",
        penalty: float = 0.1,
        penalty_rate: float = 0.02,
        penalty_warmup: int = 100,
        encoder_norm: float = 1.0,
    ) -> None:
        """`penalty_warmup` in steps; `penalty_rate` 0 fixes the penalty."""
        norm, l1 = choice("norm", norm, NORMS), choice("l1", l1, REDUCTIONS)
        super().__init__(d_in, n_latents, k, encoder_norm, unit_norm=norm == "unit")
        self.norm, self.l1 = norm, l1
        self.weight = PenaltyWeight(penalty, penalty_rate, penalty_warmup)
        self.penalty = self.weight.start

    def activations(self, x: Float[Tensor, "batch d_in"]) -> Float[Tensor, "batch n_latents"]:
        """The codes with a column for every latent, the decoder row's length in them."""
        return self._with_lengths(torch.relu(self.pre_activations(x)))

    def encode(self, x: Float[Tensor, "batch d_in"]) -> Codes:
        """All activations above 0."""
        return Codes.from_active(self.activations(x))

    def loss(self, x: Float[Tensor, "batch d_in"], dead: Bool[Tensor, " n_latents"] | None = None) -> Loss:
        """Reconstruction error plus the L1 penalty. `dead` latents get nothing: they are for the loop to revive."""
        plain = torch.relu(self.pre_activations(x))
        z = self._with_lengths(plain)
        x_hat = z @ self.unit_directions() + self.b_dec
        terms = {
            "reconstruction": squared_error(x, x_hat),
            "l1": self._cost(plain if self.norm == "free" else z),
        }
        return Loss.of(terms, Codes.from_dense(z.detach()))

    def options(self) -> dict[str, Any]:
        """Keyword arguments that build the same SAE."""
        return {
            "k": self.k,
            "norm": self.norm,
            "l1": self.l1,
            "penalty": self.penalty,
            "penalty_rate": self.weight.rate,
            "penalty_warmup": self.weight.warmup,
            "encoder_norm": self.encoder_norm,
        }

    def _with_lengths(self, plain: Float[Tensor, "batch n_latents"]) -> Float[Tensor, "batch n_latents"]:
        """Codes for unit directions from the encoder's activations."""
        return plain if self.unit_norm else plain * self.lengths()

    def _cost(self, priced: Float[Tensor, "batch n_latents"]) -> Float[Tensor, ""]:
        """The penalty on a batch, its weight in it."""
        sums = priced.sum(1)
        cost: Tensor = self.weight.value() * (sums.sum() if self.l1 == "batch" else sums.mean())
        return cost / self.d_in if self.l1 == "coordinates" else cost

    def _begin(self, generator: torch.Generator) -> None:
        """The penalty at its start."""
        self.weight.restart()

    def _adapt(self, loss: Loss) -> None:
        """Let the penalty follow L0."""
        self.weight.follow(loss.codes.l0(), self.k)
