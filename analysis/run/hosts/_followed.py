"""A host whose training was followed: its held-out loss over the compute that it had been given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True)
class Checkpoints:
    """How a host's loss fell while it was trained."""

    size: str
    compute: tuple[float, ...]
    """FLOP, rising."""
    loss: tuple[float, ...]
    """Held-out cross-entropy, nats a token."""


@runtime_checkable
class Followed(Protocol):
    """See the module's docstring."""

    def checkpoints(self) -> list[Checkpoints]:
        """Its own first, then those of other sizes that were trained alike; empty where nothing was kept."""
        ...
