"""Matching pursuit SAE (MP-SAE): the encoder is k steps of matching pursuit. Costa et al., arXiv 2506.03093.

    r_0   = x - b_dec
    j_t   = argmax over j of <w_j, r_t>                 for t = 0 .. k - 1
    v_t   = max(<w_j_t, r_t>, 0)
    r_t+1 = r_t - v_t w_j_t
    z_j   = sum of v_t over the steps that chose j      x_hat = W_dec^T z + b_dec = x - r_k
    loss  = ||r_k||^2 / d_in + aux_weight * AuxK

The dictionary reads and writes: there is no other encoder, so no W_enc and no b_enc. A step sees what the steps
before it have left, and so finds a latent that the row's own product with it would not show, such as a child beside
its parent. Directions have length 1, so that a step takes v_t^2 off ||r||^2: the residual never grows, and the first
steps of a code are the code for a smaller k. A latent that is chosen again adds to its value, and a row has at most k
active latents. Gradients go through all steps; which latent a step chooses has none.

AuxK: dead latents pursue what is left (detached), as if it were a row of their own. A code takes k products with the
dictionary where TopK takes one.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sae.dictionary import MEDIAN_SAMPLE, Dictionary
from sae.errors import InputError
from sae.losses import auxiliary_error, squared_error
from sae.median import geometric_median
from sae.protocol import KMeaning
from sae.records import Codes, Loss
from sae.values import real, says_itself, whole


class MatchingPursuit(Dictionary):
    """Matching pursuit SAE. Raises ConfigError for options out of range, such as a k outside 1..n_latents."""

    k_is_met: ClassVar[KMeaning] = "at most"

    @says_itself
    def __init__(self, d_in: int, n_latents: int, *, k: int, k_aux: int = 0, aux_weight: float = 1 / 32) -> None:
        """`k_aux`: steps that dead latents take on what is left; 0 means k."""
        super().__init__(d_in, n_latents, k)
        self.k_aux = whole("k_aux", k_aux) or self.k
        self.aux_weight = real("aux_weight", aux_weight, least=0)
        del self.W_enc, self.b_enc

    def product(self, x: Float[Tensor, "batch d_in"]) -> Float[Tensor, "batch n_latents"]:
        """W_dec (x - b_dec): what the first step sees. Raises InputError for rows of another shape."""
        return products(self._offset(x), self.W_dec, self.bf16)

    def pre_activations(self, x: Float[Tensor, "batch d_in"]) -> Float[Tensor, "batch n_latents"]:
        """The same: there is no b_enc."""
        return self.product(x)

    def encode(self, x: Float[Tensor, "batch d_in"]) -> Codes:
        """The codes after k steps."""
        values, chosen, _ = pursue(self._offset(x), self.W_dec, self.k, self.bf16)
        return Codes(*merged(values, chosen), self.n_latents)

    def loss(self, x: Float[Tensor, "batch d_in"], dead: Bool[Tensor, " n_latents"] | None = None) -> Loss:
        """What is left after k steps, plus AuxK over the `dead` latents."""
        values, chosen, residual = pursue(self._offset(x), self.W_dec, self.k, self.bf16)
        terms = {"reconstruction": squared_error(x, x - residual)}
        if dead is not None and bool(dead.any()):
            left = residual.detach()
            _, _, after = pursue(left, self.W_dec[dead], self.k_aux, self.bf16)
            terms["auxk"] = self.aux_weight * auxiliary_error(left, left - after)
        return Loss.of(terms, Codes(*merged(values, chosen), self.n_latents))

    def latent_axes(self) -> dict[str, int]:
        """W_dec by row: there is nothing else."""
        return {"W_dec": 0}

    def encoder_directions(self) -> Float[Tensor, "n_latents d_in"]:
        """The directions themselves."""
        return self.directions()

    def options(self) -> dict[str, Any]:
        """Keyword arguments that build the same SAE."""
        return {"k": self.k, "k_aux": self.k_aux, "aux_weight": self.aux_weight}

    def _offset(self, x: Float[Tensor, "batch d_in"]) -> Float[Tensor, "batch d_in"]:
        """x - b_dec. Raises InputError for rows of another shape."""
        if x.ndim != 2 or x.shape[1] != self.d_in:
            raise InputError(
                f"x has shape {tuple(x.shape)}, expected (batch, {self.d_in}); Layer.encode takes leading dimensions"
            )
        return x - self.b_dec

    @torch.no_grad()
    def _start(self, sample: Float[Tensor, "rows d_in"], generator: torch.Generator) -> None:
        """Random unit directions, the bias at the geometric median of the sample."""
        if self.W_dec.requires_grad:  # else it was given, and stays
            drawn = torch.randn(self.n_latents, self.d_in, generator=generator, dtype=torch.float32, device="cpu")
            self.W_dec.copy_(drawn / drawn.norm(dim=1, keepdim=True))
        self.b_dec.copy_(geometric_median(sample[:MEDIAN_SAMPLE]))

    @torch.no_grad()
    def _revive(self, latents: Int[Tensor, " dead"], rows: Float[Tensor, "dead d_in"]) -> None:
        """Point each latent at its row; one whose row is the bias keeps its direction."""
        offset = rows - self.b_dec
        length = offset.norm(dim=1, keepdim=True)
        self.W_dec[latents] = torch.where(length > 1e-12, offset / length.clamp(min=1e-12), self.W_dec[latents])


def products(
    rows: Float[Tensor, "batch d_in"], directions: Float[Tensor, "some d_in"], bf16: bool
) -> Float[Tensor, "batch some"]:
    """Of each row with each direction; in bfloat16 if asked for."""
    if not bf16:
        return rows @ directions.T
    return (rows.bfloat16() @ directions.bfloat16().T).to(rows.dtype)


def pursue(
    rows: Float[Tensor, "batch d_in"], directions: Float[Tensor, "some d_in"], steps: int, bf16: bool = False
) -> tuple[Float[Tensor, "batch steps"], Int[Tensor, "batch steps"], Float[Tensor, "batch d_in"]]:
    """(values, chosen, residual) of that many steps of matching pursuit with non-negative values, in their order.

    Chosen first, without gradients, then computed again with the chosen directions alone: the gradient of a product
    with all of them, once a step, would cost more than everything else.
    """
    with torch.no_grad():
        residual, chosen = rows, []
        for _ in range(steps):
            chosen.append(products(residual, directions, bf16).argmax(1))
            _, residual = step(residual, directions[chosen[-1]])
    indices = torch.stack(chosen, 1)
    atoms, residual, values = directions[indices], rows, []
    for taken in range(steps):
        value, residual = step(residual, atoms[:, taken])
        values.append(value)
    return torch.cat(values, 1), indices, residual


def step(
    residual: Float[Tensor, "batch d_in"], atoms: Float[Tensor, "batch d_in"]
) -> tuple[Float[Tensor, "batch 1"], Float[Tensor, "batch d_in"]]:
    """(value, residual after it) of one step with these unit directions, one a row."""
    value = torch.relu((residual * atoms).sum(1, keepdim=True))
    return value, residual - value * atoms


def merged(
    values: Float[Tensor, "batch steps"], chosen: Int[Tensor, "batch steps"]
) -> tuple[Float[Tensor, "batch steps"], Int[Tensor, "batch steps"]]:
    """The same codes with each latent once in a row: its values summed where it was first chosen, 0 elsewhere."""
    same = chosen[:, :, None] == chosen[:, None, :]
    first = ~torch.tril(same, -1).any(2)
    return (same * values[:, None, :]).sum(2) * first, chosen
