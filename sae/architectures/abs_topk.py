"""AbsTopK: keep the k largest pre-activations of each row by absolute value. Zhu et al., arXiv 2510.00404.

    pre   = W_enc (x - b_dec) + b_enc                   for n_latents / 2 directions
    s     = pre where |pre| is among the k largest of the row, else 0; signed
    x_hat = W_dec^T s + b_dec
    loss  = ||x - x_hat||^2 / d_in + aux_weight * AuxK

A direction serves both senses of what it stands for (hot and cold), where TopK needs two latents that know nothing
of each other. Codes here are never negative: measures, nulls and towers ask what is on. So each direction w is two
latents, i for its positive and i + n_latents / 2 for its negative part:

    z_i = max(s_i, 0)          direction  w_i
    z_i' = max(-s_i, 0)        direction -w_i           i' = i + n_latents / 2

That is the same SAE, with as many active latents a row, and at most one of the two is on. The rows i' of the weights
are those of i with the other sign, written anew after every step: whoever reads the weights sees all latents. A
direction is dead, for AuxK and revivals, when both of its latents are.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sae.dictionary import Dictionary
from sae.errors import ConfigError
from sae.kernels import decode_sparse
from sae.losses import auxk_terms, default_k_aux, squared_error
from sae.protocol import KMeaning
from sae.records import Codes, Loss
from sae.values import real, says_itself


class AbsTopK(Dictionary):
    """AbsTopK SAE, two latents a direction. Raises ConfigError for options out of range, such as an odd number of
    latents or a k above n_latents / 2."""

    k_is_met: ClassVar[KMeaning] = "at most"

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
        if self.n_latents % 2:
            raise ConfigError(f"n_latents = {n_latents}: must be even, for abs_topk has two latents a direction")
        self.pairs = self.n_latents // 2
        if self.k > self.pairs:
            raise ConfigError(
                f"k = {k} active latents of n_latents = {n_latents}: must be in 1..{self.pairs}, for of the two "
                "latents of a direction abs_topk has one on"
            )
        self.k_aux, self.aux_weight = default_k_aux(k_aux, self.d_in), real("aux_weight", aux_weight, least=0)
        self._mirror()

    def signed(
        self, x: Float[Tensor, "batch d_in"]
    ) -> tuple[Float[Tensor, "batch pairs"], Float[Tensor, "batch k"], Int[Tensor, "batch k"]]:
        """(pre, s, direction): pre-activations of all directions, and of the k largest by absolute value what they
        are, with their sign, and which."""
        pre = self.pre_activations(x)[:, : self.pairs]
        chosen = pre.detach().abs().topk(self.k, dim=1, sorted=False).indices
        return pre, pre.gather(1, chosen), chosen

    def encode(self, x: Float[Tensor, "batch d_in"]) -> Codes:
        """The k largest pre-activations of each row by absolute value, each at the latent of its sign."""
        _, signed, chosen = self.signed(x)
        return self._codes(signed, chosen)

    def loss(self, x: Float[Tensor, "batch d_in"], dead: Bool[Tensor, " n_latents"] | None = None) -> Loss:
        """Reconstruction error plus AuxK over the directions of which both latents are `dead`."""
        pre, signed, chosen = self.signed(x)
        directions = self.W_dec[: self.pairs]
        x_hat = decode_sparse(signed, chosen, directions) + self.b_dec
        terms = {"reconstruction": squared_error(x, x_hat)}
        if dead is not None:
            both = (dead[: self.pairs] & dead[self.pairs :]).repeat(2)
            halves = torch.cat([pre, -pre], 1), torch.cat([directions, -directions])
            terms |= auxk_terms(halves[0], x - x_hat, halves[1], both, self.k_aux, self.aux_weight)
        return Loss.of(terms, self._codes(signed, chosen))

    def options(self) -> dict[str, Any]:
        """Keyword arguments that build the same SAE."""
        return {
            "k": self.k,
            "k_aux": self.k_aux,
            "aux_weight": self.aux_weight,
            "encoder_norm": self.encoder_norm,
        }

    def load_state_dict(self, *given: Any, **options: Any) -> Any:
        """As of any module. Raises ConfigError for weights that are no mirror images: another architecture's."""
        found = super().load_state_dict(*given, **options)
        for name in self.latent_axes():
            weight = self.get_parameter(name)
            if not torch.equal(weight[self.pairs :], -weight[: self.pairs]):
                raise ConfigError(
                    f"{name}: the last {self.pairs} rows are not the first ones with the other sign, as those of an "
                    "abs_topk SAE are"
                )
        return found

    @torch.no_grad()
    def _start(self, sample: Float[Tensor, "rows d_in"], generator: torch.Generator) -> None:
        """As any other. Raises ConfigError for weights that take no gradients and are no mirror images: nothing could
        make them so."""
        for name in self.latent_axes():
            weight = self.get_parameter(name)
            if not weight.requires_grad and not torch.equal(weight[self.pairs :], -weight[: self.pairs]):
                raise ConfigError(
                    f"{name} of the abs_topk SAE takes no gradients, and its last {self.pairs} rows are not the first "
                    "ones with the other sign: make them so first"
                )
        super()._start(sample, generator)

    def _begin(self, generator: torch.Generator) -> None:
        """Only the first half was drawn to stay."""
        self._mirror()

    @torch.no_grad()
    def _constrain(self) -> None:
        """Unit norm, and the second half from the first, the only one that has gradients."""
        super()._constrain()
        self._mirror()

    @torch.no_grad()
    def _reopen(self, latents: Int[Tensor, " some"]) -> None:
        """A latent whose opposite lives gets their direction back: only where both are dead is there a new one."""
        begun = torch.zeros(self.n_latents, dtype=torch.bool, device=self.W_enc.device)
        begun[latents] = True
        first, second = begun[: self.pairs], begun[self.pairs :]
        lost, rest = (first & ~second).nonzero().flatten(), second.nonzero().flatten()
        for name in self.latent_axes():
            weight = self.get_parameter(name)
            weight[lost] = -weight[lost + self.pairs]
            weight[rest + self.pairs] = -weight[rest]

    @torch.no_grad()
    def _mirror(self) -> None:
        """Weights of the latents of negative parts from those of positive ones."""
        for name in self.latent_axes():
            weight = self.get_parameter(name)
            weight[self.pairs :] = -weight[: self.pairs]

    def _codes(self, signed: Float[Tensor, "batch k"], chosen: Int[Tensor, "batch k"]) -> Codes:
        """Values and latents from signed values and their directions."""
        return Codes(signed.abs(), torch.where(signed < 0, chosen + self.pairs, chosen), self.n_latents)
