"""The few operations where sparse codes are cheaper than dense ones. Pure torch: the reference for faster paths."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sae.records import Codes

# A row of k active latents costs k gathered rows; above this share of latents a dense product is cheaper on a CPU.
DENSE_SHARE = 0.1


def keep_top(pre: Float[Tensor, "batch n_latents"], k: int) -> tuple[Float[Tensor, "batch k"], Int[Tensor, "batch k"]]:
    """The k largest entries of each row, negatives cut to 0: at most k are positive (Gao et al., section 2.3)."""
    values, indices = pre.topk(min(k, pre.shape[1]), dim=1, sorted=False)
    return torch.relu(values), indices


def keep_top_of_batch(
    pre: Float[Tensor, "batch n_latents"], k: int
) -> tuple[Float[Tensor, "batch most"], Int[Tensor, "batch most"]]:
    """The k * batch largest positive entries of the whole batch, row by row, padded with 0 to the busiest row.

    Bussmann et al. (arXiv 2412.06410), section 3. Of entries that tie at the cut, some are left out: the number
    kept is exact.
    """
    positive = torch.relu(pre).flatten()
    n_latents = pre.shape[1]
    places = positive.detach().topk(min(k * len(pre), len(positive)), sorted=False).indices
    places = places[positive.detach()[places] > 0].sort().values
    rows = places // n_latents
    counts = torch.bincount(rows, minlength=len(pre))
    # the how-manieth of its row each kept entry is; a sort of whole rows would take longer than the encoder
    slots = torch.arange(len(places), device=pre.device) - (counts.cumsum(0) - counts)[rows]
    shape = (len(pre), max(1, int(counts.max())))
    values = pre.new_zeros(shape).index_put((rows, slots), positive[places])
    return values, places.new_zeros(shape).index_put((rows, slots), places % n_latents)


def above(pre: Float[Tensor, "batch n_latents"], threshold: Float[Tensor, ""]) -> Codes:
    """Positive entries above the threshold. Each row on its own."""
    return Codes.from_active(torch.where(pre > threshold, torch.relu(pre), 0.0))


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
