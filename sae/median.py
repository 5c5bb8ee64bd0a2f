"""The geometric median: the point whose summed distance to all rows is least. Robust where the mean is not."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

# A row closer than this share of the typical distance counts as being at the point.
AT = 1e-7
# Rows at a time: a large sample is not copied as a whole.
PART = 4096


def geometric_median(
    rows: Float[Tensor, "rows d_in"], iterations: int = 200, tolerance: float = 1e-6
) -> Float[Tensor, " d_in"]:
    """Weiszfeld's iteration, started at the mean; stops when a step is below `tolerance` times the typical distance.

    The start of `b_dec` in Gao et al. (arXiv 2406.04093, appendix A.1). Plain Weiszfeld sticks to a row it falls on;
    the step of Vardi and Zhang (PNAS 97(4), 2000) leaves it unless that row is the median.
    """
    point = rows.mean(0)
    typical = distances(rows, point).median().clamp(min=1e-30)
    for _ in range(iterations):
        distance = distances(rows, point)
        away = distance > AT * typical
        if not bool(away.any()):
            break
        weight = torch.where(away, 1 / distance.clamp(min=1e-30), 0.0)
        # the sum of unit vectors towards the other rows
        starts = range(0, len(rows), PART)
        pull = torch.stack([weight[s : s + PART] @ (rows[s : s + PART] - point) for s in starts]).sum(0)
        stay = min(1.0, float((~away).sum()) / max(float(pull.norm()), 1e-30))
        step = (1 - stay) * pull / weight.sum()
        point = point + step
        if float(step.norm()) < tolerance * float(typical):
            break
    return point


def distances(rows: Float[Tensor, "rows d_in"], point: Float[Tensor, " d_in"]) -> Float[Tensor, " rows"]:
    """Of each row from the point."""
    return torch.cat([(rows[s : s + PART] - point).norm(dim=1) for s in range(0, len(rows), PART)])
