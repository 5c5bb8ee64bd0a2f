"""Loss terms shared by architectures. Every function takes tensors of one batch and gives a scalar tensor."""

from __future__ import annotations

import math

from jaxtyping import Bool, Float
from torch import Tensor

from sae.kernels import decode_sparse, keep_top
from sae.values import says_itself, whole

# A residual of less variance than this has nothing to teach.
NOTHING_LEFT = 1e-20


def squared_error(x: Float[Tensor, "batch d_in"], x_hat: Float[Tensor, "batch d_in"]) -> Float[Tensor, ""]:
    """Mean over the batch of ||x - x_hat||^2 / d_in. On normalised rows, predicting their mean scores 1.

    The denominator is a constant of the training sample (the normaliser's), not of the batch: a per-batch
    denominator would weight rows by the company they happen to keep (Gao et al., released code, `train.py`).
    """
    return (x - x_hat).pow(2).sum(1).mean() / x.shape[1]


def auxiliary_error(
    residual: Float[Tensor, "batch d_in"], residual_hat: Float[Tensor, "batch d_in"]
) -> Float[Tensor, ""]:
    """AuxK's term: error of reconstructing the residual, in units of the residual's own variance; 0 without any.

    `residual` must be detached by the caller: dead latents learn from what is left, they do not excuse it
    (sparsify#57 is the bug of forgetting that).
    """
    scale = (residual - residual.mean(0)).pow(2).sum(1).mean()
    if float(scale) < NOTHING_LEFT:
        # nothing left to explain: 0, and a gradient of 0 (a quotient mended afterwards would still send NaN back)
        return residual_hat.sum() * 0
    return (residual - residual_hat).pow(2).sum(1).mean() / scale


def auxk(
    pre: Float[Tensor, "batch n_latents"],
    residual: Float[Tensor, "batch d_in"],
    directions: Float[Tensor, "n_latents d_in"],
    dead: Bool[Tensor, " n_latents"],
    k_aux: int,
) -> Float[Tensor, ""]:
    """AuxK before its weight: error of the residual given back by each row's `k_aux` largest dead latents.

    Gao et al. (arXiv 2406.04093), appendix A.2. The residual is detached here. Only the dead latents' columns are
    multiplied: they are few, and a product over all would cost as much as the decoder.
    """
    chosen = dead.nonzero().flatten()
    values, indices = keep_top(pre[:, chosen], min(k_aux, len(chosen)))
    return auxiliary_error(residual.detach(), decode_sparse(values, indices, directions[chosen]))


def auxk_terms(
    pre: Float[Tensor, "batch n_latents"],
    residual: Float[Tensor, "batch d_in"],
    directions: Float[Tensor, "n_latents d_in"],
    dead: Bool[Tensor, " n_latents"] | None,
    k_aux: int,
    weight: float,
) -> dict[str, Tensor]:
    """AuxK as a term of a loss, its weight in it; no term where no latent is dead."""
    if dead is None or not bool(dead.any()):
        return {}
    return {"auxk": weight * auxk(pre, residual, directions, dead, k_aux)}


@says_itself
def default_k_aux(k_aux: int, d_in: int) -> int:
    """`k_aux`, or for 0 d_in / 2 rounded to a power of two (Gao et al., appendix A.2). Raises ConfigError below 0."""
    return whole("k_aux", k_aux) or 2 ** max(0, round(math.log2(d_in / 2)))
