"""Settings of training. Free of torch, so that a plan can be made and compared without loading it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sae.errors import ConfigError
from sae.values import flag, real, says_itself, whole

TowerKind = Literal["latents", "directions"]
"""What a depth of a tower reads: the codes of the depth below, or its directions."""


@says_itself
@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How an SAE is trained. Rows are drawn without replacement, epoch after epoch, until `steps` are done."""

    steps: int = 1500
    """Optimiser steps."""
    batch: int = 256
    """Rows a step; cut to the number of rows there are."""
    normalise: bool = True
    """Centre and scale the rows; off only to reproduce recipes that do not."""
    lr: float = 2e-3
    """Adam's peak learning rate. Gao et al. (arXiv 2406.04093) scale it as 1/sqrt(n_latents)."""
    warmup: float = 0.05
    """Share of the steps over which the rate rises linearly from 0."""
    decay: float = 0.2
    """Share of the steps, at the end, over which it falls linearly to 0."""
    dead_after: float = 0.05
    """A latent is dead when it has not fired for this share of all planned rows (more, and AuxK never acts)."""
    aux_every: int = 1
    """AuxK acts on every n-th step. Where most latents are dead it costs more than the rest of a step."""
    revivals: int = 0
    """How many times, over the first half of training, dead latents are pointed at badly reconstructed rows (Bricken
    et al. 2023). For architectures without AuxK."""
    ema: float = 0.0
    """Decay of a moving average of the weights, which replaces the last ones at the end; 0: none. Gao et al.: .999."""
    shortlist: int = 0
    """0: exact. Else the k largest of a row are sought among this many latents (at least k), those that an 8-bit
    product puts first. Faster from some thousand latents on; records say how many of the true k largest it finds."""
    compiled: bool = True
    """Use the compiled step where there is one for the architecture; else always the one of plain torch."""
    bf16: bool = False
    """Encoder product in bfloat16, weights and everything else in float32. For GPUs: most CPUs are slower at it."""

    def __post_init__(self) -> None:
        """Raises ConfigError for a value of another type or out of range; numpy's numbers become Python's."""
        for name in ("steps", "batch"):
            _set(self, name, whole(f"train.{name}", getattr(self, name), 1, says="above 0"))
        for name, least in (("aux_every", 1), ("revivals", 0), ("shortlist", 0)):
            _set(self, name, whole(f"train.{name}", getattr(self, name), least))
        for name in ("normalise", "compiled", "bf16"):
            _set(self, name, flag(f"train.{name}", getattr(self, name)))
        for name in ("lr", "dead_after"):
            _set(self, name, real(f"train.{name}", getattr(self, name), above=0))
        _set(self, "ema", real("train.ema", self.ema, least=0, below=1))
        for name in ("warmup", "decay"):
            _set(self, name, real(f"train.{name}", getattr(self, name), least=0))
        if self.warmup + self.decay > 1:
            raise ConfigError(
                f"train.warmup + train.decay = {self.warmup} + {self.decay}: each at least 0, together at most 1"
            )


@says_itself
@dataclass(frozen=True, kw_only=True)
class StopConfig:
    """Below which values a tower stops before it trains a depth; 0 never stops it. See `sae.stopping`."""

    live_share: float = 0.02
    """Share of the latents below that fire on their training rows."""
    input_variance: float = 1e-6
    """Variance of the rows to be read, in host units, as a share of the host's variance."""
    loss: float = 1e-6
    """Last reconstruction error of the depth below, per coordinate of its normalised input."""
    distinct_rows: float = 0.01
    """How many different rows there are among those to be read, as a share of their number."""

    def __post_init__(self) -> None:
        """Raises ConfigError for a value of another type or out of range; numpy's numbers become Python's."""
        for name in ("live_share", "input_variance", "loss", "distinct_rows"):
            _set(self, name, real(f"stop.{name}", getattr(self, name), least=0, most=1))


def _set(config: Any, name: str, value: Any) -> None:
    """Put a checked value into a frozen config that is being made."""
    object.__setattr__(config, name, value)
