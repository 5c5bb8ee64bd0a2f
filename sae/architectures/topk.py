"""TopK: keep the k largest pre-activations of each row. Gao et al., arXiv 2406.04093.

    pre   = W_enc (x - b_dec) + b_enc
    z     = ReLU(TopK(pre))
    x_hat = W_dec^T z + b_dec
    loss  = ||x - x_hat||^2 / d_in + aux_weight * AuxK

AuxK (section 2.4, appendix A.2): the k_aux largest dead latents reconstruct what the live ones left over, so that
a dead latent has a gradient to come back by. The bias is part of x_hat and is not added a second time
(sparsify#132 is the bug of doing so).
"""

from __future__ import annotations

from typing import Any, ClassVar

from jaxtyping import Bool, Float
from torch import Tensor

from sae.dictionary import Dictionary
from sae.kernels import keep_top
from sae.losses import auxk_terms, default_k_aux, squared_error
from sae.protocol import KMeaning
from sae.records import Codes, Loss
from sae.values import real, says_itself


class TopK(Dictionary):
    """TopK SAE. Raises ConfigError for options out of range, such as a k outside 1..n_latents."""

    k_is_met: ClassVar[KMeaning] = "at most"
    selects: ClassVar[str] = "row"

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
    ) -> None:
        """`k_aux` 0 means d_in / 2 rounded to a power of two (Gao et al., appendix A.2)."""
        super().__init__(d_in, n_latents, k, encoder_norm)
        self.k_aux, self.aux_weight = default_k_aux(k_aux, self.d_in), real("aux_weight", aux_weight, least=0)

    def encode(self, x: Float[Tensor, "batch d_in"]) -> Codes:
        """The k largest pre-activations of each row, negatives cut to 0."""
        return Codes(*keep_top(self.pre_activations(x), self.k), self.n_latents)

    def loss(self, x: Float[Tensor, "batch d_in"], dead: Bool[Tensor, " n_latents"] | None = None) -> Loss:
        """Reconstruction error plus AuxK over the `dead` latents."""
        pre = self.pre_activations(x)
        codes = Codes(*keep_top(pre, self.k), self.n_latents)
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
        }
