"""The weight of a sparsity penalty, steered so that the mean number of active latents meets k.

A penalty's weight says nothing about the L0 that it leads to: that depends on the data, the width and the length of
training. To compare architectures at one L0, or to swap one for another by a line of config, the weight has to
follow L0: after every batch it grows by `rate` * log(L0 / k), a factor that is bounded, so that one odd batch or an
SAE that has not begun to learn cannot throw it. With `rate` 0 the weight is fixed, as in the papers.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from sae.values import real, says_itself, whole

# |log(L0 / k)| beyond this counts as this much.
BOUND = 1.0
LEAST = 1e-6


class PenaltyWeight(nn.Module):
    """A weight that warms up linearly over `warmup` steps and then follows L0. Its state is part of the checkpoint.

    Raises ConfigError for a `start` that is not above 0, a negative `rate`, or a `warmup` that is no whole number.
    """

    @says_itself
    def __init__(self, start: float, rate: float, warmup: int) -> None:
        super().__init__()
        self.start, self.rate = real("penalty", start, above=0), real("penalty_rate", rate, least=0)
        self.warmup = whole("penalty_warmup", warmup)
        self.full: Tensor
        self.steps: Tensor
        self.register_buffer("full", torch.tensor(float(self.start), dtype=torch.float32, device="cpu"))
        self.register_buffer("steps", torch.tensor(0, dtype=torch.int64, device="cpu"))

    def value(self) -> float:
        """The weight of the next step."""
        share = min(1.0, (int(self.steps) + 1) / (self.warmup + 1))
        return float(self.full) * share

    @torch.no_grad()
    def follow(self, l0: float, k: int) -> None:
        """After a batch with `l0` active latents a row."""
        self.steps += 1
        if self.rate and int(self.steps) > self.warmup:
            excess = math.log(max(l0, 1e-3) / k)
            self.full *= math.exp(self.rate * max(-BOUND, min(BOUND, excess)))
            # far enough down to be no penalty at all, and still able to come back
            self.full.clamp_(min=LEAST * self.start)

    @torch.no_grad()
    def restart(self) -> None:
        """Back to the first step."""
        self.full.fill_(self.start)
        self.steps.zero_()
