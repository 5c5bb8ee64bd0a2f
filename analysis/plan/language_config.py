"""How SAEs on a language model are evaluated, as settings: the table `[language]` of an experiment. Free of torch."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.plan.settings import typed
from sae.errors import ConfigError

MOST = {"contexts": 100_000, "probe_rows": 1_000_000, "patterns": 10_000, "ablated": 100_000}


@dataclass(frozen=True, kw_only=True)
class LanguageConfig:
    """How much is evaluated. No part of a run: it changes nothing that was trained."""

    contexts: int = 0
    """Held-out contexts in which an SAE's rows take the place of the host's; 0: nothing is evaluated."""
    probe_rows: int = 8000
    """At most about so many training rows that probes are fitted on; half as many held-out ones score them."""
    patterns: int = 0
    """Latents, drawn at random, for each of which a pattern of tokens (N2G) is made and scored."""
    ablated: int = 0
    """Pairs of a latent and a place at which it is taken away, to see how many logits change."""

    def __post_init__(self) -> None:
        typed(self, "language")
        for name, most in MOST.items():
            if not 0 <= getattr(self, name) <= most:
                raise ConfigError(f"language.{name} = {getattr(self, name)}: must be in 0..{most:,}")
        if not self.contexts and (self.patterns or self.ablated):
            raise ConfigError("language.contexts = 0: patterns and ablations need contexts; say how many")
