"""Random numbers by name: each use of chance draws from a stream of its own, so adding one shifts no other."""

from __future__ import annotations

import hashlib
from numbers import Integral

import torch

from sae.values import says_itself, whole


@says_itself
def stream(seed: int, *names: str | int) -> torch.Generator:
    """A CPU generator whose state depends on the seed and the names only.

    >>> a, b = stream(0, "batches"), stream(0, "batches")
    >>> bool((torch.rand(3, generator=a) == torch.rand(3, generator=b)).all())
    True
    """
    return torch.Generator("cpu").manual_seed(derived(seed, *names))


@says_itself
def derived(seed: int, *names: str | int) -> int:
    """A seed of its own for a named part of a run. Raises ConfigError for a seed that is no whole number."""
    # numpy writes its numbers differently from Python: the same seed would be another without a word
    parts = [int(name) if isinstance(name, Integral) and not isinstance(name, bool) else name for name in names]
    digest = hashlib.sha256(repr((whole("seed", seed, None), *parts)).encode()).digest()
    return int.from_bytes(digest[:7], "big")
