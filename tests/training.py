"""Short trainings that the tests of the loop share."""

from __future__ import annotations

import dataclasses

import torch

from sae.config import TrainConfig
from sae.discover import find_all

ARCHITECTURES = find_all("sae.architectures")
SHORT = TrainConfig(steps=12, batch=64, lr=1e-2, dead_after=0.1)
# Everything that has state: dead latents, revivals, a moving average.
FULL = dataclasses.replace(SHORT, revivals=2, ema=0.9)


def make(name="topk", width=48, k=3, **options):
    return ARCHITECTURES[name](24, width, k=k, **options)


def same_bits(one, two):
    left, right = one.state_dict(), two.state_dict()
    return left.keys() == right.keys() and all(torch.equal(left[key], right[key]) for key in left)


class Killed(Exception):
    pass


def killer(after):
    def observe(*given):
        if given[-1].step >= after:
            raise Killed

    return observe


PLANTED = TrainConfig(steps=200, batch=128, lr=1e-2, compiled=False)


def planted(signed=False, seed=0, k=2):
    """(directions, rows): 16 unit directions in 12 dimensions, and 1,500 rows that are each the sum of k of them, with
    weights in 1..2 of either sign, or above 0."""
    draw = torch.Generator().manual_seed(seed)
    directions = torch.nn.functional.normalize(torch.randn(16, 12, generator=draw), dim=1)
    active = torch.rand(1500, 16, generator=draw).topk(k).indices
    weights = 1 + torch.rand(1500, k, generator=draw)
    if signed:
        weights *= 1 - 2 * torch.randint(0, 2, weights.shape, generator=draw)
    return directions, torch.zeros(1500, 16).scatter_(1, active, weights) @ directions


def recovered(layer, directions):
    """Mean over the planted directions of the cosine with the likest of the layer's."""
    return float((directions @ layer.sae.directions().T).max(1).values.mean())


def left_out(layer, rows):
    """The share of the rows' variance that the layer does not give back."""
    error = (rows - layer.decode(layer.encode(rows))).square().sum()
    return float(error / (rows - rows.mean(0)).square().sum())
