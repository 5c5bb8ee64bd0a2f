"""The few operations where sparse codes are cheaper than dense ones. Pure torch: the reference for faster paths."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

# A row of k active latents costs k gathered rows; above this share of latents a dense product is cheaper on a CPU.
DENSE_SHARE = 0.1


def keep_top(pre: Float[Tensor, "batch n_latents"], k: int) -> tuple[Float[Tensor, "batch k"], Int[Tensor, "batch k"]]:
    """The k largest entries of each row, negatives cut to 0: at most k are positive (Gao et al., section 2.3)."""
    values, indices = pre.topk(min(k, pre.shape[1]), dim=1, sorted=False)
    return torch.relu(values), indices


def decode_sparse(
    values: Float[Tensor, "batch k"],
    indices: Int[Tensor, "batch k"],
    directions: Float[Tensor, "n_latents d_in"],
) -> Float[Tensor, "batch d_in"]:
    """sum_j values[:, j] * directions[indices[:, j]]: codes times decoder rows, without the zeros."""
    if values.shape[1] > DENSE_SHARE * len(directions):
        full = values.new_zeros(len(values), len(directions)).scatter_add(1, indices, values)
        return full @ directions
    return torch.nn.functional.embedding_bag(indices, directions, per_sample_weights=values, mode="sum")
