"""JumpReLU: a learned threshold for each latent, and a penalty on L0 itself. Rajamanoharan et al., arXiv 2407.14435.

    z     = pre * 1[pre > theta]
    loss  = ||x - x_hat||^2 / d_in + penalty * (L0 / k - 1)^2          aim = "k"
          = ||x - x_hat||^2 / d_in + penalty * L0 / d_in               aim = "sparse", the paper's main form

L0 is the mean over the batch. The quadratic form, from the paper's appendix on training to a given L0, pulls from
both sides; a linear penalty that was steered towards k raised the thresholds early and never got them down again
(L0 of 9 for k = 16, measured on the digits).

Neither the jump nor L0 has a gradient in theta; both get one from a rectangle K of width `bandwidth` around the
threshold (section 3.2, straight-through):

    d z  / d theta = - theta / bandwidth * K((pre - theta) / bandwidth)
    d L0 / d theta = -     1 / bandwidth * K((pre - theta) / bandwidth)

pre is the value BEFORE the jump; using the value after it, half of the rectangle would be lost
(dictionary_learning#55). theta itself is learned, not its logarithm, and in float32. Rows here have a mean square
of 1 a coordinate, so a bandwidth of .001, which the paper gives for rows of unit norm, would let no sample into the
rectangle.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from sae.dictionary import REVIVED_ENCODER, Dictionary
from sae.losses import squared_error
from sae.protocol import KMeaning
from sae.records import Codes, Loss
from sae.sparsity import PenaltyWeight
from sae.values import choice, real, says_itself

AIMS = ("k", "sparse")


class JumpReLU(Dictionary):
    """JumpReLU SAE. Raises ConfigError for a bandwidth or a starting threshold that is not above 0."""

    k_is_met: ClassVar[KMeaning] = "as a target"

    @says_itself
    def __init__(
        self,
        d_in: int,
        n_latents: int,
        *,
        k: int,
        bandwidth: float = 1.0,
        threshold: float = 0.5,
        aim: str = "k",
        penalty: float = 0.1,
        penalty_warmup: int = 100,
        encoder_norm: float = 1.0,
    ) -> None:
        """`threshold`: theta at the start. `bandwidth`: width of the rectangle, in units of an activation.
        `penalty_warmup` in steps."""
        super().__init__(d_in, n_latents, k, encoder_norm)
        self.aim = choice("aim", aim, AIMS)
        self.bandwidth, self.threshold = real("bandwidth", bandwidth, above=0), real("threshold", threshold, above=0)
        self.theta = nn.Parameter(self._new(self.n_latents).fill_(self.threshold))
        self.weight = PenaltyWeight(penalty, 0.0, penalty_warmup)
        self.penalty = self.weight.start

    def encode(self, x: Float[Tensor, "batch d_in"]) -> Codes:
        """Pre-activations above their latent's threshold."""
        pre = self.pre_activations(x)
        return Codes.from_active(torch.where(pre > self.theta, pre, 0.0))

    def loss(self, x: Float[Tensor, "batch d_in"], dead: Bool[Tensor, " n_latents"] | None = None) -> Loss:
        """Reconstruction error plus the L0 penalty."""
        pre = self.pre_activations(x)
        z: Tensor = _Jump.apply(pre, self.theta, self.bandwidth)
        open_: Tensor = _Open.apply(pre.detach(), self.theta, self.bandwidth)
        l0 = open_.sum(1).mean()
        cost = (l0 / self.k - 1).pow(2) if self.aim == "k" else l0 / self.d_in
        terms = {
            "reconstruction": squared_error(x, z @ self.W_dec + self.b_dec),
            "l0": self.weight.value() * cost,
        }
        return Loss.of(terms, Codes.from_dense(z.detach()))

    def latent_axes(self) -> dict[str, int]:
        """Each latent has a threshold, too."""
        return super().latent_axes() | {"theta": 0}

    def options(self) -> dict[str, Any]:
        """Keyword arguments that build the same SAE."""
        return {
            "k": self.k,
            "bandwidth": self.bandwidth,
            "threshold": self.threshold,
            "aim": self.aim,
            "penalty": self.penalty,
            "penalty_warmup": self.weight.warmup,
            "encoder_norm": self.encoder_norm,
        }

    @torch.no_grad()
    def _begin(self, generator: torch.Generator) -> None:
        """Thresholds and penalty at their start."""
        self.theta.fill_(self.threshold)
        self.weight.restart()

    @torch.no_grad()
    def _reopen(self, latents: Int[Tensor, " some"]) -> None:
        """A revived latent's encoder is short, and its threshold must be as low to let it fire."""
        self.theta[latents] = self.threshold * REVIVED_ENCODER

    @torch.no_grad()
    def _adapt(self, loss: Loss) -> None:
        """Warm the penalty up, and keep thresholds at 0 or above, so that codes are never negative."""
        self.theta.clamp_(min=0)
        self.weight.follow(loss.codes.l0(), self.k)


def near(pre: Tensor, theta: Tensor, bandwidth: float) -> Tensor:
    """K((pre - theta) / bandwidth): 1 within half a bandwidth of the threshold."""
    return ((pre - theta).abs() < bandwidth / 2).to(pre.dtype)


class _Jump(torch.autograd.Function):
    """pre where it is above theta, else 0."""

    @staticmethod
    def forward(ctx: Any, pre: Tensor, theta: Tensor, bandwidth: float) -> Tensor:
        """Saves the value before the jump."""
        ctx.save_for_backward(pre, theta)
        ctx.bandwidth = bandwidth
        return torch.where(pre > theta, pre, 0.0)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """Exact in pre, straight-through in theta."""
        (gradient,) = gradients
        pre, theta = ctx.saved_tensors
        at_jump = near(pre, theta, ctx.bandwidth) * gradient
        return gradient * (pre > theta), -(theta / ctx.bandwidth) * at_jump.sum(0), None


class _Open(torch.autograd.Function):
    """1 where pre is above theta, else 0."""

    @staticmethod
    def forward(ctx: Any, pre: Tensor, theta: Tensor, bandwidth: float) -> Tensor:
        """Saves the value before the jump."""
        ctx.save_for_backward(pre, theta)
        ctx.bandwidth = bandwidth
        return (pre > theta).to(pre.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """Nothing for pre; straight-through in theta."""
        (gradient,) = gradients
        pre, theta = ctx.saved_tensors
        return None, -(near(pre, theta, ctx.bandwidth) * gradient).sum(0) / ctx.bandwidth, None
