"""LTES, latent traversal effect size: how few coordinates of the host a latent moves, and how steadily."""

from __future__ import annotations

from typing import ClassVar

import torch

from sae.evaluate import On, Reading, Seen
from sae.measures._sums import MIN_FIRINGS, mean_over

# What an active latent's code is multiplied by.
ALPHA = 2.0
# A change counts from this share of the reconstruction's standard deviation (the .5 of the source's code).
TAU = 0.5
# The changes of one latent point all the same way, whatever was learned: see the class.
CONSISTENCY = 1.0
# Numbers that are looked at together: active codes times coordinates of the host. 32 MB in float64.
CHUNK = 2**22


class Ltes:
    """(Sp + Co) / 2 per latent; mean over latents that are active on at least 10 examples.

    Multiplying latent j's code by 2 moves the host's reconstruction of example i by d_i = z_ij D_j.

        Sp = 1 - share of pairs (example on which j is active, coordinate) with |d_i| > TAU * std_i
        Co = mean cosine of d_i and the mean change

    std_i is that of example i's own reconstruction, offset included, over its coordinates (n - 1 in the denominator).
    `n` counts the latents of the mean; NaN, with `n` 0, where there are none. A latent that moves nothing (D_j = 0)
    has no Co and is left out. .5 to 1, free of units.

    Confounded: an affine decoder moves along one direction only, so Co is 1 by construction: it is put in as 1, and
    only Sp says anything. Sp rises by activation being spread over more latents, each of which then moves less (a
    higher L0, a wider SAE), and by an offset of unequal coordinates; it depends on the host's basis and on TAU.
    Compare readings of the same host at the same L0 and width.

    Source: docs/metrics.md of jain18ayush/mnist-sae, formula and code. One difference: there the examples on which j
    is not active are in both means. They count as moving nothing, with a cosine of 0, so that its Co is the firing
    rate and its number .5 + rate * Sp / 2. (It also reads 100 examples only; here all are read.)
    """

    version: ClassVar[int] = 1
    on: ClassVar[On] = "examples"
    needs: ClassVar[tuple[str, ...]] = ("host_directions", "host_offset")

    def __init__(self) -> None:
        self.fires = self.moved = torch.zeros((), dtype=torch.long, device="cpu")
        self.moves, self.d_host = torch.empty(0, dtype=torch.bool, device="cpu"), 0

    def update(self, seen: Seen) -> None:
        """Count in a batch. Weights do not change between batches: the last batch's say which latents move nothing."""
        assert seen.host_directions is not None and seen.host_offset is not None
        directions = seen.host_directions.double()
        n_latents, self.d_host = directions.shape
        back = seen.dense.double() @ directions + seen.host_offset.double()
        # by hand: of a single coordinate or of no rows, `std` warns
        least = TAU * ((back - back.mean(1, keepdim=True)).pow(2).sum(1) / max(1, self.d_host - 1)).sqrt()
        active = seen.codes.values > 0
        latents, steps = seen.codes.indices[active], (ALPHA - 1) * seen.codes.values[active].double()
        least, sizes = least[active.nonzero()[:, 0]], directions.abs()
        moved = torch.zeros(n_latents, dtype=torch.long, device=sizes.device)
        some = max(1, CHUNK // self.d_host)
        for j, step, cut in zip(*(torch.split(each, some) for each in (latents, steps, least)), strict=True):
            moved.index_add_(0, j, (sizes[j].mul_(step[:, None]) > cut[:, None]).sum(1))
        self.moved = self.moved + moved
        self.fires = self.fires + torch.bincount(latents, minlength=n_latents)
        self.moves = (sizes > 0).any(1)

    def reading(self) -> Reading:
        """The mean over latents, from all examples seen."""
        sparsity = 1 - self.moved.double() / (self.fires * self.d_host).clamp(min=1)
        return Reading(*mean_over((sparsity + CONSISTENCY) / 2, (self.fires >= MIN_FIRINGS) & self.moves))
