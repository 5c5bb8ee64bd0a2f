"""Loss terms shared by architectures. Every function takes tensors of one batch and gives a scalar tensor."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor


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
    if float(scale) < 1e-20:
        # nothing left to explain: 0, and a gradient of 0 (a quotient mended afterwards would still send NaN back)
        return residual_hat.sum() * 0
    return (residual - residual_hat).pow(2).sum(1).mean() / scale
