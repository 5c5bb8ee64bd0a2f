"""torch's Adam and AdamW for loops that are not compiled.

Each optimiser of torch imports what `torch.compile` needs the moment that it is made, to leave its methods out of what
is compiled. That import takes more than a second of every process that trains, longer than a small SAE does. Here the
methods stand as they are below that: the same steps, bit for bit.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch.optim import Optimizer


class _Plain(Optimizer):
    """What every optimiser has, without the wrappers. Before the optimiser among the bases."""

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        inspect.unwrap(Optimizer.add_param_group)(self, param_group)

    def zero_grad(self, set_to_none: bool = True) -> None:
        inspect.unwrap(Optimizer.zero_grad)(self, set_to_none)


class Adam(_Plain, torch.optim.Adam):
    """torch's Adam."""

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # a closure is for optimisers that look back
        """Adam on all weights that have gradients."""
        inspect.unwrap(torch.optim.Adam.step)(self)


class AdamW(_Plain, torch.optim.AdamW):
    """torch's AdamW."""

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """AdamW on all weights that have gradients."""
        inspect.unwrap(torch.optim.AdamW.step)(self)
