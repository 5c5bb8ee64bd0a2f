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
