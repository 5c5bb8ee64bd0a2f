"""TopK trained jointly with a small meta-SAE that it must not please. After Levinson, arXiv 2604.03436.

    meta     a TopK SAE on the directions of this one: w_j -> v_j
    loss     = TopK's loss, AuxK included
             + mean over latents of ||w_j - v_j||^2, which trains the meta-SAE alone (w_j detached)
             + penalty * mean over latents of max(0, cos(w_j, v_j))^2, which trains the directions alone (v_j detached)

A direction that a few meta-latents give back is a mixture of something shared; the penalty turns it away from that
mixture. The paper reports that the mean |phi| of pairs of latents falls by 7.5%. The form of the penalty is ours: we
know the paper's idea and results, not its exact formula. Whether it helps here is measured (LOG.md), not assumed.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sae.architectures.topk import TopK
from sae.dictionary import Dictionary
from sae.errors import ConfigError
from sae.kernels import keep_top
from sae.losses import auxk_terms, default_k_aux, squared_error
from sae.protocol import KMeaning
from sae.records import Codes, Loss
from sae.values import real, says_itself, whole


class JointTopK(Dictionary):
    """TopK SAE with a meta-SAE inside. Raises ConfigError for a negative penalty or a meta-SAE without latents."""

    k_is_met: ClassVar[KMeaning] = "at most"

    @says_itself
    def __init__(
        self,
        d_in: int,
        n_latents: int,
        *,
        k: int,
        penalty: float = 0.1,
        meta_share: float = 0.25,
        meta_k: int = 4,
        k_aux: int = 0,
        aux_weight: float = 1 / 32,
        encoder_norm: float = 1.0,
    ) -> None:
        """`meta_share`: latents of the meta-SAE as a share of `n_latents`; `meta_k` of them give back a direction."""
        super().__init__(d_in, n_latents, k, encoder_norm)
        self.penalty, self.meta_share = real("penalty", penalty, least=0), real("meta_share", meta_share, above=0)
        self.meta_k, width = whole("meta_k", meta_k, 1), round(self.meta_share * self.n_latents)
        if width < 1:
            raise ConfigError(f"meta_share = {meta_share} of n_latents = {n_latents}: leaves no meta-latent")
        self.k_aux, self.aux_weight = default_k_aux(k_aux, self.d_in), real("aux_weight", aux_weight, least=0)
        self.meta = TopK(self.d_in, width, k=min(self.meta_k, width))

    def encode(self, x: Float[Tensor, "batch d_in"]) -> Codes:
        """The k largest pre-activations of each row, negatives cut to 0."""
        return Codes(*keep_top(self.pre_activations(x), self.k), self.n_latents)

    def loss(self, x: Float[Tensor, "batch d_in"], dead: Bool[Tensor, " n_latents"] | None = None) -> Loss:
        """TopK's terms, the meta-SAE's error and the penalty for being easy to give back."""
        pre = self.pre_activations(x)
        codes = Codes(*keep_top(pre, self.k), self.n_latents)
        x_hat = self.decode(codes)
        terms = {"reconstruction": squared_error(x, x_hat)}
        terms |= auxk_terms(pre, x - x_hat, self.W_dec, dead, self.k_aux, self.aux_weight)
        # unit rows, brought to a mean square of 1 a coordinate like all rows that an SAE reads
        rows = self.directions() * self.d_in**0.5
        back = self.meta.decode(self.meta.encode(rows))
        terms["meta"] = squared_error(rows, back)
        likeness = torch.nn.functional.cosine_similarity(self.W_dec, back.detach(), dim=1)
        terms["penalty"] = self.penalty * likeness.clamp(min=0).pow(2).mean()
        return Loss.of(terms, codes)

    def options(self) -> dict[str, Any]:
        """Keyword arguments that build the same SAE."""
        return {
            "k": self.k,
            "penalty": self.penalty,
            "meta_share": self.meta_share,
            "meta_k": self.meta_k,
            "k_aux": self.k_aux,
            "aux_weight": self.aux_weight,
            "encoder_norm": self.encoder_norm,
        }

    @torch.no_grad()
    def _begin(self, generator: torch.Generator) -> None:
        """The meta-SAE starts at random too; its rows, unit directions, are centred closely enough by 0."""
        self.meta._tie(generator)
        self.meta.b_enc.zero_()
        self.meta.b_dec.zero_()
