"""Held-out rows that are not held out: the same rows stand among those that were trained on."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from sae.ambient import reading
from sae.nulls import PART, times, usual_scale

NEAR = 0.01
"""Rows nearer than this share of how far rows lie from their mean (root mean square) are the same one."""
SAMPLE = 1000


@reading()
def found_among(held: Float[Tensor, "held d_in"], train: Float[Tensor, "train d_in"]) -> float:
    """Share of the held-out rows (of some of them, where they are many) that stand among the training rows, exactly or
    nearly. 0 for rows that never vary: then all are the same, and nothing is to be learned from any."""
    scale = usual_scale(train)
    held, train = times(held, scale), times(train, scale)
    mean = train.mean(0)
    limit = NEAR * float((train - mean).square().sum(1).mean().sqrt())
    if limit == 0:
        return 0.0
    some = held[:: max(1, len(held) // SAMPLE)] - mean
    step = max(1, PART // max(1, len(some)))
    nearest = torch.full((len(some),), torch.inf, dtype=some.dtype, device="cpu")
    for start in range(0, len(train), step):
        # differences themselves: by products of rows small distances would drown in rounding
        near = torch.cdist(some, train[start : start + step] - mean, compute_mode="donot_use_mm_for_euclid_dist")
        nearest = torch.minimum(nearest, near.min(1).values)
    return float((nearest < limit).double().mean())
