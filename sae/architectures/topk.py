"""TopK: keep the k largest pre-activations of each row. Gao et al., arXiv 2406.04093.

    pre   = W_enc (x - b_pre) + b_enc
    z     = ReLU(TopK(pre))
    x_hat = W_dec^T z + b_pre
    loss  = ||x - x_hat||^2 / d_in + aux_weight * AuxK

AuxK (section 2.4, appendix A.2): the k_aux largest dead latents reconstruct what the live ones left over, so that
a dead latent has a gradient to come back by. The bias is part of x_hat and is not added a second time
(sparsify#132 is the bug of doing so).
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from sae.errors import ConfigError
from sae.kernels import decode_sparse, keep_top
from sae.losses import auxiliary_error, squared_error
from sae.median import geometric_median
from sae.records import Codes, Loss

# The bias starts at the median of this many rows (the paper's code).
MEDIAN_SAMPLE = 32_768


class TopK(nn.Module):
    """TopK SAE. Raises ConfigError for a k outside 1..n_latents or a negative k_aux."""

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
        """`k_aux` 0 means d_in / 2 rounded to a power of two (Gao et al., appendix A.2).
        `encoder_norm` is the length of an encoder row at the start."""
        super().__init__()
        if not 1 <= k <= n_latents:
            raise ConfigError(f"k = {k} active latents of n_latents = {n_latents}: k must be in 1..{n_latents}")
        if k_aux < 0:
            raise ConfigError(f"k_aux = {k_aux}: must be at least 0 (0 means d_in / 2 rounded to a power of two)")
        self.d_in, self.n_latents, self.k = d_in, n_latents, k
        self.k_aux = k_aux or 2 ** max(0, round(torch.tensor(d_in / 2).log2().item()))
        self.aux_weight, self.encoder_norm = aux_weight, encoder_norm
        self.W_enc = nn.Parameter(torch.empty(n_latents, d_in))
        self.b_enc = nn.Parameter(torch.zeros(n_latents))
        self.W_dec = nn.Parameter(torch.empty(n_latents, d_in))
        self.b_pre = nn.Parameter(torch.zeros(d_in))
        self._start(torch.zeros(1, d_in), torch.Generator().manual_seed(0))

    def pre_activations(self, x: Float[Tensor, "batch d_in"]) -> Float[Tensor, "batch n_latents"]:
        """W_enc (x - b_pre) + b_enc, before anything is cut."""
        return torch.nn.functional.linear(x - self.b_pre, self.W_enc, self.b_enc)

    def encode(self, x: Float[Tensor, "batch d_in"]) -> Codes:
        """The k largest pre-activations of each row, negatives cut to 0."""
        return Codes(*keep_top(self.pre_activations(x), self.k), self.n_latents)

    def decode(self, codes: Codes) -> Float[Tensor, "batch d_in"]:
        """Weighted sum of directions plus b_pre."""
        return decode_sparse(codes.values, codes.indices, self.W_dec) + self.b_pre

    def directions(self) -> Float[Tensor, "n_latents d_in"]:
        """W_dec: unit rows."""
        return self.W_dec.detach()

    def bias(self) -> Float[Tensor, " d_in"]:
        """b_pre."""
        return self.b_pre.detach()

    def loss(self, x: Float[Tensor, "batch d_in"], dead: Bool[Tensor, " n_latents"] | None = None) -> Loss:
        """Reconstruction error plus AuxK over the `dead` latents."""
        pre = self.pre_activations(x)
        codes = Codes(*keep_top(pre, self.k), self.n_latents)
        x_hat = self.decode(codes)
        terms = {"reconstruction": squared_error(x, x_hat)}
        if dead is not None and bool(dead.any()):
            # only the dead latents' columns: they are few, and a product over all would cost as much as the decoder
            chosen = dead.nonzero().flatten()
            values, indices = keep_top(pre[:, chosen], min(self.k_aux, len(chosen)))
            residual_hat = decode_sparse(values, indices, self.W_dec[chosen])
            terms["auxk"] = self.aux_weight * auxiliary_error((x - x_hat).detach(), residual_hat)
        return Loss(torch.stack(list(terms.values())).sum(), terms, codes)

    def options(self) -> dict[str, Any]:
        """Keyword arguments that build the same SAE."""
        return {
            "k": self.k,
            "k_aux": self.k_aux,
            "aux_weight": self.aux_weight,
            "encoder_norm": self.encoder_norm,
        }

    @torch.no_grad()
    def _start(self, sample: Float[Tensor, "rows d_in"], generator: torch.Generator) -> None:
        """Random unit directions, the encoder tied to them at the start only, the bias at the geometric median."""
        directions = torch.randn(self.n_latents, self.d_in, generator=generator).to(self.W_dec.device)
        self.W_dec.copy_(directions / directions.norm(dim=1, keepdim=True))
        self.W_enc.copy_(self.W_dec * self.encoder_norm)
        self.b_enc.zero_()
        self.b_pre.copy_(geometric_median(sample[:MEDIAN_SAMPLE]))

    @torch.no_grad()
    def _before_step(self) -> None:
        """Drop the part of each direction's gradient that would only change its length."""
        if self.W_dec.grad is not None:
            along = (self.W_dec.grad * self.W_dec).sum(1, keepdim=True)
            self.W_dec.grad.addcmul_(along, self.W_dec, value=-1)

    @torch.no_grad()
    def _after_step(self) -> None:
        """Renormalise after the step, so that what is saved is of unit norm."""
        self.W_dec.div_(self.W_dec.norm(dim=1, keepdim=True))
