"""Single latents on tokens, as `data/language/latents.json` holds them.

    {"host": "SmolLM2", "hook": "blocks.19.hook_resid_post", "sae": "4k", "looked": 300, "named_share": 0.4,
     "latents": [{"latent": 17, "drawn": false, "name": "“war”", "accuracy": 0.93, "by_chance": 0.55, "density": 0.004,
                  "words": ["war"], "contexts": {"strongest": [[[" the", 0.0], [" war", 1.0, 1]]], ...},
                  "raised": [[" wars", 2.1]], "nats": 0.9, "random_nats": 0.05,
                  "patterns": [" war", "* of war"], "pattern_precision": 0.8, "pattern_recall": 0.5}]}

A context is a list of tokens with the latent's activation there, as a share of its largest; the token that is meant has
a third entry. `drawn` latents came as they came, the others were chosen for their names.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from analysis.results.kept_file import KeptFile
from sae.errors import DataError

BANDS = ("strongest", "middle", "weak")


@dataclass(frozen=True)
class Token:
    """One token of a context."""

    text: str
    share: float
    meant: bool


@dataclass(frozen=True)
class TokenLatent:
    """One latent."""

    latent: int
    drawn: bool
    name: str
    accuracy: float
    by_chance: float
    density: float
    contexts: dict[str, tuple[tuple[Token, ...], ...]]
    raised: tuple[tuple[str, float], ...]
    nats: float
    random_nats: float
    patterns: tuple[str, ...]
    precision: float
    recall: float

    @property
    def called(self) -> str:
        """Its name, or its number where it has none."""
        return self.name or f"latent {self.latent}"


@dataclass(frozen=True)
class TokenLatents:
    """All of them, of one SAE."""

    latents: tuple[TokenLatent, ...]
    looked: int
    named_share: float
    host: str
    """Which SAE on what, as far as the file says."""

    @classmethod
    def of(cls, file: KeptFile) -> TokenLatents:
        """Checked. Raises DataError, with the item, for something else."""
        found = file.json("looked", "named_share", "latents")
        latents = tuple(_latent(item, f"{file.name}: latent {at}") for at, item in enumerate(found["latents"]))
        if not latents:
            raise DataError(f"{file.name}: no latent stands there, must be one at least")
        host = " ".join(str(found[key]) for key in ("sae", "hook", "host") if found.get(key))
        return cls(latents, int(found["looked"]), float(found["named_share"]), host)


def _latent(item: Any, where: str) -> TokenLatent:
    try:
        contexts = {
            band: tuple(
                tuple(Token(str(one[0]), float(one[1]), len(one) > 2) for one in context)
                for context in item["contexts"][band]
            )
            for band in BANDS
        }
        if not contexts["strongest"] or any(
            not any(t.meant for t in one) for some in contexts.values() for one in some
        ):
            raise DataError(f"{where}: must have contexts, and in each a token that is meant")
        raised = tuple((str(token), float(change)) for token, change in item["raised"])
        return TokenLatent(
            int(item["latent"]), bool(item["drawn"]), str(item["name"]), _number(item.get("accuracy")),
            _number(item.get("by_chance")), float(item["density"]), contexts, raised, float(item["nats"]),
            float(item["random_nats"]), tuple(map(str, item["patterns"])), _number(item.get("pattern_precision")),
            _number(item.get("pattern_recall")),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise DataError(f"{where}: {type(error).__name__}: {error}; see analysis/results/token_latents.py") from None


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
