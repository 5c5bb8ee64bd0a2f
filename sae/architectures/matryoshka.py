"""Matryoshka: nested dictionaries, each of which has to reconstruct on its own. Bussmann et al., arXiv 2503.17547.

    z     = BatchTopK(pre), one for all prefixes
    x_m   = sum of the first m latents' z times their directions, + b_dec
    loss  = mean over the prefixes m of ||x - x_m||^2 / d_in, + aux_weight * AuxK on the largest prefix

A prefix cannot leave a general feature to the latents behind it, which works against splitting and absorption.
Implementations sum, average or weight the prefixes; here each prefix has the same weight and the weights sum to 1,
so that the loss stays comparable with the other architectures'. Prefixes are shares of the width.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sae.architectures.batch_topk import follow
from sae.dictionary import Dictionary
from sae.errors import ConfigError
from sae.kernels import above, decode_sparse, keep_top_of_batch
from sae.losses import auxk_terms, default_k_aux, squared_error
from sae.protocol import KMeaning
from sae.records import Codes, Loss
from sae.values import real, says_itself

PREFIXES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)


class Matryoshka(Dictionary):
    """Matryoshka BatchTopK SAE. Raises ConfigError for prefixes that do not ascend to 1."""

    k_is_met: ClassVar[KMeaning] = "on average"

    @says_itself
    def __init__(
        self,
        d_in: int,
        n_latents: int,
        *,
        k: int,
        prefixes: Sequence[float | int] = PREFIXES,
        k_aux: int = 0,
        aux_weight: float = 1 / 32,
        encoder_norm: float = 1.0,
        threshold_rate: float = 0.01,
    ) -> None:
        """`prefixes`: shares of the width, ascending, the last one 1. `threshold_rate` as in BatchTopK."""
        super().__init__(d_in, n_latents, k, encoder_norm)
        if isinstance(prefixes, str) or not isinstance(prefixes, Iterable):
            raise ConfigError(f"prefixes = {prefixes!r}: must be shares of the width that ascend from above 0 to 1")
        self.prefixes = tuple(real("prefixes", share, above=0, most=1) for share in prefixes)
        if not self.prefixes or self.prefixes[-1] != 1 or sorted(set(self.prefixes)) != list(self.prefixes):
            raise ConfigError(f"prefixes = {list(self.prefixes)}: must ascend from above 0 to 1")
        self.k_aux, self.aux_weight = default_k_aux(k_aux, self.d_in), real("aux_weight", aux_weight, least=0)
        self.threshold_rate = real("threshold_rate", threshold_rate, least=0, most=1)
        self.threshold: Tensor
        self.register_buffer("threshold", torch.tensor(-1.0, dtype=torch.float32, device="cpu"))

    def widths(self) -> list[int]:
        """How many latents each prefix has; prefixes that round to the same width are one."""
        return sorted({max(1, round(share * self.n_latents)) for share in self.prefixes})

    def encode(self, x: Float[Tensor, "batch d_in"]) -> Codes:
        """Pre-activations above the threshold; each row on its own."""
        return above(self.pre_activations(x), self.threshold)

    def loss(self, x: Float[Tensor, "batch d_in"], dead: Bool[Tensor, " n_latents"] | None = None) -> Loss:
        """Mean reconstruction error over the prefixes, plus AuxK over the `dead` latents."""
        pre = self.pre_activations(x)
        codes = Codes(*keep_top_of_batch(pre, self.k), self.n_latents)
        widths, first = self.widths(), 0
        terms: dict[str, Tensor] = {}
        x_hat: Tensor = self.b_dec
        for width in widths:
            here = (codes.indices >= first) & (codes.indices < width)
            x_hat = x_hat + decode_sparse(torch.where(here, codes.values, 0.0), codes.indices, self.W_dec)
            terms[f"reconstruction_{width}"] = squared_error(x, x_hat) / len(widths)
            first = width
        terms |= auxk_terms(pre, x - x_hat, self.W_dec, dead, self.k_aux, self.aux_weight)
        return Loss.of(terms, codes)

    def options(self) -> dict[str, Any]:
        """Keyword arguments that build the same SAE."""
        return {
            "k": self.k,
            "prefixes": list(self.prefixes),
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
