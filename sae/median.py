"""The geometric median: the point whose summed distance to all rows is least. Robust where the mean is not."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

# Distances are softened by this share of the rows' spread: without it the iteration sticks to a row it starts on.
SOFTENING = 1e-3


def geometric_median(
    rows: Float[Tensor, "rows d_in"], iterations: int = 200, tolerance: float = 1e-6
) -> Float[Tensor, " d_in"]:
    """Weiszfeld's iteration, started at the mean; stops when the point moves by less than `tolerance` times its scale.

    The start of `b_pre` in Gao et al. (arXiv 2406.04093, appendix A.1). A distance of 0 is held above 0, so a
    point that falls on a row stays finite and can leave it again.
    """
    point = rows.mean(0)
    spread = (rows - point).norm(dim=1).mean().clamp(min=1e-12)
    for _ in range(iterations):
        weight = 1 / ((rows - point).pow(2).sum(1) + (SOFTENING * spread) ** 2).sqrt()
        moved = (rows * weight[:, None]).sum(0) / weight.sum()
        step = (moved - point).norm()
        point = moved
        if float(step) < tolerance * float(spread):
            break
    return point
