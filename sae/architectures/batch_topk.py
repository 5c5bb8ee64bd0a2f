"""BatchTopK: keep the k * batch largest pre-activations of the whole batch. Bussmann et al., arXiv 2412.06410.

    training    z = ReLU(pre) where it is among the k * batch largest of the batch, else 0
    inference   z = pre where pre > threshold, else 0
    loss        as TopK, AuxK included

A row may use more latents than another; k holds on average. Among other rows a row would get other codes, so that
inference has a threshold instead: the running mean of the smallest activation that a batch keeps (section 3). The
threshold is part of the checkpoint. L0 of the two paths is close but not equal, and both are reported: of the
training path as k, of the inference path as measured.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sae.dictionary import Dictionary
from sae.kernels import above, keep_top_of_batch
from sae.losses import auxk_terms, default_k_aux, squared_error
from sae.protocol import KMeaning
from sae.records import Codes, Loss
from sae.values import real, says_itself


class BatchTopK(Dictionary):
    """BatchTopK SAE. Raises ConfigError for options out of range, such as a k outside 1..n_latents."""

    k_is_met: ClassVar[KMeaning] = "on average"

    @says_itself
    def __init__(
        self,
        d_in: int,
        n_latents: int,
        *,
        k: int,
        k_aux: int = 0,
        aux_weight: float = 1 / 32,
        encoder_norm: float = 1.0,
        threshold_rate: float = 0.01,
    ) -> None:
        """`threshold_rate`: how far a batch moves the inference threshold towards its own smallest activation."""
        super().__init__(d_in, n_latents, k, encoder_norm)
        self.k_aux, self.aux_weight = default_k_aux(k_aux, self.d_in), real("aux_weight", aux_weight, least=0)
        self.threshold_rate = real("threshold_rate", threshold_rate, least=0, most=1)
        self.threshold: Tensor
        # below 0: no batch was seen yet
        self.register_buffer("threshold", torch.tensor(-1.0, dtype=torch.float32, device="cpu"))

    def encode(self, x: Float[Tensor, "batch d_in"]) -> Codes:
        """Pre-activations above the threshold; each row on its own."""
        return above(self.pre_activations(x), self.threshold)

    def loss(self, x: Float[Tensor, "batch d_in"], dead: Bool[Tensor, " n_latents"] | None = None) -> Loss:
        """Reconstruction error from the batch's k * batch largest, plus AuxK over the `dead` latents."""
        pre = self.pre_activations(x)
        codes = Codes(*keep_top_of_batch(pre, self.k), self.n_latents)
        x_hat = self.decode(codes)
        terms = {"reconstruction": squared_error(x, x_hat)}
        terms |= auxk_terms(pre, x - x_hat, self.W_dec, dead, self.k_aux, self.aux_weight)
        return Loss.of(terms, codes)

    def options(self) -> dict[str, Any]:
        """Keyword arguments that build the same SAE."""
        return {
            "k": self.k,
            "k_aux": self.k_aux,
            "aux_weight": self.aux_weight,
            "encoder_norm": self.encoder_norm,
            "threshold_rate": self.threshold_rate,
        }

    @torch.no_grad()
    def _begin(self, generator: torch.Generator) -> None:
        """No batch was seen yet."""
        self.threshold.fill_(-1.0)

    @torch.no_grad()
    def _adapt(self, loss: Loss) -> None:
        """Move the threshold towards the smallest activation that the batch kept."""
        self.threshold.copy_(follow(self.threshold, loss.codes, self.threshold_rate))


def follow(threshold: Float[Tensor, ""], codes: Codes, rate: float) -> Float[Tensor, ""]:
    """The threshold after a batch with these codes; the first batch sets it."""
    kept = codes.values.detach()
    kept = kept[kept > 0]
    if not len(kept):
        return threshold
    return kept.min() if float(threshold) < 0 else torch.lerp(threshold, kept.min(), rate)
