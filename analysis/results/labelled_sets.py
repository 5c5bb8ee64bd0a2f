"""How well one latent tells the class of texts, as `data/language/labelled.json` holds it.

    {"host": "SmolLM2", "hook": "blocks.19.hook_resid_post", "sae": "4k", "texts": 300, "tokens": 64, "k": 32,
     "sets": [{"set": "105_click_bait", "classes": ["clickbait", "factual"], "held_out": 100,
               "losses": {"row": 0.1, "latent": 0.3, "five": 0.2, "neurons": 0.4, "random_dictionary": 0.6,
                          "shuffled": 0.7}}]}

Losses are cross-entropies on held-out texts in nats; half of the texts are of either class, so that a coin has .693.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from analysis.results.kept_file import KeptFile
from sae.errors import DataError

LOSSES = ("row", "latent", "five", "neurons", "random_dictionary", "shuffled")


@dataclass(frozen=True)
class LabelledSet:
    """One set of texts."""

    name: str
    classes: tuple[str, str]
    losses: dict[str, float]

    @property
    def called(self) -> str:
        """Its name as words, without the number."""
        number, _, rest = self.name.partition("_")
        return (rest if number.isdecimal() and rest else self.name).replace("_", " ")


@dataclass(frozen=True)
class LabelledSets:
    """All of them, by one SAE."""

    sets: tuple[LabelledSet, ...]
    texts: int
    tokens: int
    k: int
    host: str
    """Which SAE on what, as far as the file says."""

    @classmethod
    def of(cls, file: KeptFile) -> LabelledSets:
        """Checked. Raises DataError, with the item, for something else."""
        found = file.json("texts", "tokens", "k", "sets")
        sets = tuple(_set(item, f"{file.name}: set {at}") for at, item in enumerate(found["sets"]))
        if not sets:
            raise DataError(f"{file.name}: no set stands there, must be one at least")
        numbers = [found[key] for key in ("texts", "tokens", "k")]
        if not all(isinstance(one, int) and one > 0 for one in numbers):
            raise DataError(f"{file.name}: texts, tokens and k are {numbers}, must be whole numbers above 0")
        host = " ".join(str(found[key]) for key in ("sae", "hook", "host") if found.get(key))
        texts, tokens, k = numbers
        return cls(sets, texts, tokens, k, host)


def _set(item: Any, where: str) -> LabelledSet:
    try:
        first, second = item["classes"]
        losses = {name: float(item["losses"][name]) for name in LOSSES}
        if not all(math.isfinite(loss) and loss >= 0 for loss in losses.values()):
            raise DataError(f"{where}: losses {losses}, must be numbers from 0 on")
        return LabelledSet(str(item["set"]), (str(first), str(second)), losses)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{where}: {type(error).__name__}: {error}; see analysis/results/labelled_sets.py") from None
