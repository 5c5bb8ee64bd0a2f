"""Rows of planted directions, and SAEs that were trained on them, for whoever judges."""

from __future__ import annotations

import torch
from planted import shapes_unchecked
from torch import Tensor
from torch.nn.functional import normalize

from sae.architectures.topk import TopK
from sae.config import TrainConfig
from sae.layer import Layer
from sae.train import train

WIDTH = 24
TRAINING = TrainConfig(steps=200, batch=128, lr=1e-2)


def planted_rows() -> tuple[Tensor, Tensor]:
    """700 rows of 3 of 40 directions each, and which direction is the strongest."""
    draw = torch.Generator().manual_seed(3)
    directions = normalize(torch.randn(40, WIDTH, generator=draw), dim=1)
    chosen = torch.rand(700, 40, generator=draw).topk(3).indices
    codes = torch.zeros(700, 40).scatter(1, chosen, 0.5 + torch.rand(700, 3, generator=draw))
    return codes @ directions + 0.3, codes.argmax(1)


def trained(rows: Tensor, seed: int = 1) -> Layer:
    """Without the shape checks (see conftest), which take most of the time of so many steps; of the tests that judge,
    those with most trained nulls go without them, and the others judge with them."""
    with shapes_unchecked():
        return train("topk", TopK(WIDTH, 48, k=3), rows, TRAINING, seed=seed)
