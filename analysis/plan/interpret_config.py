"""How closely single latents are looked at, as settings: the table `[interpret]` of an experiment. Free of torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from analysis.plan.bounds import MAX_IMAGE_STEPS, MAX_PERMUTATIONS, READER_PLACES, one_place
from analysis.plan.settings import typed
from sae.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class InterpretConfig:
    """How closely single latents are looked at. No part of a run: it changes nothing that was trained."""

    kind: Literal["", "latents"] = ""
    """Which tower's latents are named, steered and compared with shuffled labels; empty: none. Of the first seed
    there are pictures, too. Only `latents`: in the directions kind a latent has no place in the host's state."""
    train_rows: int = 8000
    """At most about so many training rows choose classes and names."""
    held_out_rows: int = 2000
    """At most about so many held-out rows score them, and are shown."""
    permutations: int = 199
    """Shuffles of the labels; p-values are at least 1 / (this + 1)."""
    steps: int = 64
    """Steps in which an image is optimised."""
    reader: dict[str, Any] = field(default_factory=dict)
    """Passed to the independent classifier as they are."""

    def __post_init__(self) -> None:
        typed(self, "interpret")
        one_place(self.reader, READER_PLACES, "interpret.reader")
        if self.kind not in ("", "latents"):
            raise ConfigError(f"interpret.kind = {self.kind!r}: must be latents, or empty")
        for name in ("train_rows", "held_out_rows", "steps"):
            if getattr(self, name) < 1:
                raise ConfigError(f"interpret.{name} = {getattr(self, name)}: must be at least 1")
        if self.permutations < 19:
            raise ConfigError(f"interpret.permutations = {self.permutations}: needs at least 19 to tell 5%")
        for name, most in (("permutations", MAX_PERMUTATIONS), ("steps", MAX_IMAGE_STEPS)):
            if getattr(self, name) > most:
                raise ConfigError(f"interpret.{name} = {getattr(self, name)}: must be at most {most}")
