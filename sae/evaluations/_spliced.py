"""A host run on changed activations, some contexts at a time; random directions to compare a change with."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sae.evaluations._given import numbers
from sae.nulls import random_directions
from sae.seeding import stream

GoOn = Callable[
    [Int[Tensor, "contexts places"], Float[Tensor, "contexts places width"]],
    Float[Tensor, "contexts places vocabulary"],
]
"""Logits of a host that goes on from activations; a place's logits hang on no later place."""
# Contexts that a host reads at once.
AT_ONCE = 16


def logits_of(
    go_on: GoOn, contexts: Int[Tensor, "contexts places"], activations: Float[Tensor, "contexts places width"]
) -> Float[Tensor, "contexts places vocabulary"]:
    """The logits, checked, without gradients. Raises InputError and NumericError."""
    with torch.no_grad():
        found: Tensor = go_on(contexts, activations)
    return numbers("what go_on gives", found, *contexts.shape, "vocabulary")


def pieces(n: int, at_once: int = AT_ONCE) -> Iterator[slice]:
    """0..n, so many at a time."""
    return (slice(start, min(n, start + at_once)) for start in range(0, n, at_once))


def random_like(changes: Float[Tensor, "cases width"], seed: int, *names: str | int) -> Float[Tensor, "cases width"]:
    """Isotropic random directions, each as long as the change in its place."""
    cases, width = changes.shape
    drawn = random_directions(cases, width, stream(seed, "random directions", *names)).to(changes)
    lengths: Tensor = changes.norm(dim=1, keepdim=True)
    return drawn * lengths
