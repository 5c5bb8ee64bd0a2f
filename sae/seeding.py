"""Random numbers by name: each use of chance draws from a stream of its own, so adding one shifts no other."""

from __future__ import annotations

import hashlib

import torch


def stream(seed: int, *names: str | int) -> torch.Generator:
    """A CPU generator whose state depends on the seed and the names only.

    >>> a, b = stream(0, "batches"), stream(0, "batches")
    >>> bool((torch.rand(3, generator=a) == torch.rand(3, generator=b)).all())
    True
    """
    return torch.Generator().manual_seed(derived(seed, *names))


def derived(seed: int, *names: str | int) -> int:
    """A seed of its own for a named part of a run."""
    digest = hashlib.sha256(repr((seed, *names)).encode()).digest()
    return int.from_bytes(digest[:7], "big")
