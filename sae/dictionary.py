"""What the architectures share: a linear encoder, directions of unit norm, and a bias that both of them use.

    pre   = W_enc (x - b_dec) + b_enc
    x_hat = W_dec^T z + b_dec

An architecture adds how `pre` becomes the code z, and its loss. `Dictionary` is abstract: what it implements is
final, what it leaves open (`encode`, `loss`, `options`) an architecture must write; `_begin`, `_reopen` and `_adapt`
it may. One with parameters of its own for each latent names them in `latent_axes`. One whose weights follow from each
other adds to `_start` and `_constrain`, and one without an encoder of its own replaces what speaks of it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from sae.errors import ConfigError, InputError
from sae.kernels import decode_sparse
from sae.median import geometric_median
from sae.protocol import KMeaning
from sae.records import Codes, Loss
from sae.values import real, says_itself, whole

# The bias starts at the median of this many rows (released code of Gao et al., arXiv 2406.04093).
MEDIAN_SAMPLE = 32_768
# A revived latent starts quieter than the others (Bricken et al. 2023, appendix on neuron resampling).
REVIVED_ENCODER = 0.2


class Dictionary(nn.Module, ABC):
    """An SAE with weights `W_enc`, `W_dec` (n_latents, d_in), `b_enc` (n_latents) and `b_dec` (d_in)."""

    k_is_met: ClassVar[KMeaning]
    selects: ClassVar[str] = ""
    """`row` if the code is the k largest of a row and nothing else: such an SAE has a compiled step."""

    @says_itself
    def __init__(self, d_in: int, n_latents: int, k: int, encoder_norm: float = 1.0, unit_norm: bool = True) -> None:
        """`encoder_norm`: length of an encoder row at the start. `unit_norm`: keep the rows of W_dec at length 1;
        without it lengths are free and belong to the code, so that `directions` are of unit norm all the same.
        Raises ConfigError for sizes that are no whole numbers above 0, for a k outside 1..n_latents and for weights
        that do not fit into memory."""
        super().__init__()
        self.d_in, self.n_latents = whole("d_in", d_in, 1), whole("n_latents", n_latents, 1)
        self.k = whole("k", k, least=None)
        if not 1 <= self.k <= self.n_latents:
            raise ConfigError(f"k = {k} active latents of n_latents = {n_latents}: k must be in 1..{n_latents}")
        self.encoder_norm, self.unit_norm = real("encoder_norm", encoder_norm, above=0), unit_norm
        self.bf16 = False  # set by the training loop while it trains (`train.bf16`)
        try:
            self.W_enc = nn.Parameter(self._new(self.n_latents, self.d_in))
            self.b_enc = nn.Parameter(self._new(self.n_latents))
            self.W_dec = nn.Parameter(self._new(self.n_latents, self.d_in))
        except RuntimeError as error:
            size = f"{8 * self.n_latents * self.d_in / 1e9:.3g} GB"
            raise ConfigError(
                f"n_latents = {n_latents}, d_in = {d_in}: no memory for {size} of weights; fewer latents need less"
            ) from error
        self.b_dec = nn.Parameter(self._new(self.d_in))
        self._tie(torch.Generator("cpu").manual_seed(0))

    @staticmethod
    def _new(*shape: int) -> Tensor:
        """Zeros for a parameter: float32 on the CPU, whatever torch's defaults are set to."""
        return torch.zeros(shape, dtype=torch.float32, device="cpu")

    @abstractmethod
    def encode(self, x: Float[Tensor, "batch d_in"]) -> Codes:
        """The sparse codes of each row."""

    @abstractmethod
    def loss(self, x: Float[Tensor, "batch d_in"], dead: Bool[Tensor, " n_latents"] | None = None) -> Loss:
        """The training loss of a batch."""

    @abstractmethod
    def options(self) -> dict[str, Any]:
        """Keyword arguments that build the same SAE."""

    def pre_activations(self, x: Float[Tensor, "batch d_in"]) -> Float[Tensor, "batch n_latents"]:
        """W_enc (x - b_dec) + b_enc, before anything is cut."""
        return self.product(x) + self.b_enc

    def product(self, x: Float[Tensor, "batch d_in"]) -> Float[Tensor, "batch n_latents"]:
        """W_enc (x - b_dec). With `bf16` in bfloat16; everything after it stays in float32.

        Raises InputError for rows of another shape: torch would count k along whatever axis is there.
        """
        if x.ndim != 2 or x.shape[1] != self.d_in:
            raise InputError(
                f"x has shape {tuple(x.shape)}, expected (batch, {self.d_in}); Layer.encode takes leading dimensions"
            )
        offset: Tensor = x - self.b_dec
        weight: Tensor = self.W_enc
        if self.bf16:
            offset, weight = offset.bfloat16(), weight.bfloat16()
        found: Tensor = torch.nn.functional.linear(offset, weight).to(x.dtype)
        return found

    def decode(self, codes: Codes) -> Float[Tensor, "batch d_in"]:
        """Weighted sum of unit directions plus b_dec."""
        return decode_sparse(codes.values, codes.indices, self.unit_directions()) + self.b_dec

    def latent_axes(self) -> dict[str, int]:
        """W_enc, b_enc and W_dec by row; an architecture with more such parameters adds them."""
        return {"W_enc": 0, "b_enc": 0, "W_dec": 0}

    def decoder_weights(self) -> tuple[str, ...]:
        """W_dec."""
        return ("W_dec",)

    def lengths(self) -> Float[Tensor, " n_latents"]:
        """Length of each decoder row."""
        found: Tensor = self.W_dec.norm(dim=1)
        return found

    def unit_directions(self) -> Float[Tensor, "n_latents d_in"]:
        """The directions, as something that can be differentiated."""
        return self.W_dec if self.unit_norm else self.W_dec / self.lengths()[:, None]

    def directions(self) -> Float[Tensor, "n_latents d_in"]:
        """Decoder rows of unit norm."""
        return self.unit_directions().detach()

    def encoder_directions(self) -> Float[Tensor, "n_latents d_in"]:
        """W_enc."""
        return self.W_enc.detach()

    def bias(self) -> Float[Tensor, " d_in"]:
        """b_dec."""
        return self.b_dec.detach()

    @torch.no_grad()
    def _tie(self, generator: torch.Generator) -> None:
        """Random unit directions, and the encoder along them (tied at the start only)."""
        # in place where it can be: these matrices are the largest things there are
        directions = torch.randn(self.n_latents, self.d_in, generator=generator, dtype=torch.float32, device="cpu")
        if self.W_dec.requires_grad:
            self.W_dec.copy_(directions.div_(directions.norm(dim=1, keepdim=True)))
            self.W_enc.copy_(self.W_dec).mul_(self.encoder_norm)
        else:  # it was given, and stays: the encoder starts along it
            self.W_enc.copy_(self.unit_directions()).mul_(self.encoder_norm)

    @torch.no_grad()
    def _start(self, sample: Float[Tensor, "rows d_in"], generator: torch.Generator) -> None:
        """Tied random weights, the bias at the geometric median of the sample."""
        self._tie(generator)
        self.b_enc.zero_()
        self.b_dec.copy_(geometric_median(sample[:MEDIAN_SAMPLE]))
        self._begin(generator)

    @torch.no_grad()
    def _before_step(self) -> None:
        """Drop the part of each direction's gradient that would only change its length."""
        if self.unit_norm and self.W_dec.grad is not None:
            along = (self.W_dec.grad * self.W_dec).sum(1, keepdim=True)
            self.W_dec.grad.addcmul_(along, self.W_dec, value=-1)

    @torch.no_grad()
    def _constrain(self) -> None:
        """Renormalise after the step, so that what is saved is of unit norm: this SAE and any inside it."""
        for part in self.modules():
            if isinstance(part, Dictionary) and part.unit_norm:
                part.W_dec.div_(part.lengths()[:, None])

    def _begin(self, generator: torch.Generator) -> None:
        """Nothing, unless an architecture has parameters or state of its own to bring back to their start."""

    def _reopen(self, latents: Int[Tensor, " some"]) -> None:
        """Nothing, unless an architecture has parameters of its own that could keep a revived latent shut."""

    def _adapt(self, loss: Loss) -> None:
        """Nothing, unless an architecture has state that no gradient moves."""

    @torch.no_grad()
    def _revive(self, latents: Int[Tensor, " dead"], rows: Float[Tensor, "dead d_in"]) -> None:
        """Point each latent at its row: decoder along it, encoder along it at a fifth of the live ones' length."""
        live = torch.ones(self.n_latents, dtype=torch.bool, device=self.W_enc.device)
        live[latents] = False
        usual = self.W_enc[live].norm(dim=1).mean() if bool(live.any()) else self.W_enc.new_tensor(self.encoder_norm)
        offset = rows - self.b_dec
        length = offset.norm(dim=1, keepdim=True)
        # a row at the bias has no direction: its latent keeps the one it has
        unit = torch.where(length > 1e-12, offset / length.clamp(min=1e-12), self.unit_directions()[latents])
        self.W_dec[latents] = unit
        self.W_enc[latents] = unit * usual * REVIVED_ENCODER
        self.b_enc[latents] = 0.0
        self._reopen(latents)
