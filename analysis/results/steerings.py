"""What a language model writes with a latent held at a value, as `data/language/steering.json` holds it.

    {"host": "SmolLM2-135M", "hook": "blocks.19.hook_resid_post", "sae": "4k", "where": "all", "how": "greedy",
     "strengths": [1, 2, 4],
     "latents": [{"latent": 17, "name": "war", "own": 6.2, "raised": [[" war", 2.1], [" army", 1.3]],
                  "effects": {"latent": [0.1, 0.5, 2.0], "random": [0.0, 0.02, 0.1]},
                  "prompts": [{"prompt": "My fellow citizens,", "as_it_is": " I am glad to ...",
                               "latent": [" ...", " ...", " ..."], "random": [" ...", " ...", " ..."]}]}]}

`own` is how strong the latent gets by itself, in the host's units (say at one firing in twenty); `strengths` are what
it is held at, in multiples of that, at all places or at the last one (`where`). Beside it a random direction is added,
as long. `raised` are the tokens whose log-probability it raises most, with the change in nats; `effects` are
divergences of the next token's distribution in nats, one for each strength. `how` says how tokens were chosen, such as
`greedy`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from analysis.results.kept_file import KeptFile
from sae.errors import DataError

ALONG = ("latent", "random")
WHERE = {"all": "at all places", "last": "at the last place"}


@dataclass(frozen=True)
class Texts:
    """Continuations of a prompt: as it is, and for each strength along the latent and along a random direction."""

    prompt: str
    as_it_is: str
    latent: tuple[str, ...]
    random: tuple[str, ...]

    def along(self, way: str, at: int) -> str:
        """The continuation at a strength; -1 is as it is."""
        if at < 0:
            return self.as_it_is
        texts: tuple[str, ...] = getattr(self, way)
        return texts[at]


@dataclass(frozen=True)
class Steered:
    """A latent with what it makes of prompts."""

    latent: int
    name: str
    own: float
    raised: tuple[tuple[str, float], ...]
    effects: dict[str, tuple[float, ...]]
    prompts: tuple[Texts, ...]

    @property
    def called(self) -> str:
        """Its name, or its number where it has none."""
        return self.name or f"latent {self.latent}"

    @property
    def words(self) -> tuple[str, ...]:
        """The raised tokens that are words, in small letters, the longest first."""
        found = {token.strip().lower() for token, _ in self.raised}
        return tuple(sorted((word for word in found if re.search(r"\w", word)), key=lambda word: (-len(word), word)))

    @property
    def pattern(self) -> str:
        """Of words that begin with one of its own, as a token often begins a word; of nothing where it has none."""
        own = "|".join(map(re.escape, self.words))
        return rf"(?<!\w)(?:{own})\w*" if own else r"(?!)"

    def holds(self, text: str) -> bool:
        """Whether a text has such a word."""
        return bool(re.search(self.pattern, text, re.IGNORECASE))


@dataclass(frozen=True)
class Steerings:
    """All that was written."""

    strengths: tuple[float, ...]
    where: str
    latents: tuple[Steered, ...]
    how: str
    """How tokens were chosen."""
    host: str
    """Which SAE on what, as far as the file says."""

    @classmethod
    def of(cls, file: KeptFile) -> Steerings:
        """Checked. Raises DataError, with the item, for something else."""
        found = file.json("strengths", "where", "how", "latents")
        strengths = tuple(_numbers(found["strengths"], f"{file.name}: strengths"))
        if not strengths or list(strengths) != sorted(set(strengths)) or strengths[0] < 0:
            raise DataError(f"{file.name}: strengths are {list(strengths)}, must be numbers from 0 on, smallest first")
        if found["where"] not in WHERE:
            raise DataError(f"{file.name}: where is {found['where']!r}, must be one of {', '.join(WHERE)}")
        latents = tuple(
            _steered(item, len(strengths), f"{file.name}: latent {at}") for at, item in enumerate(found["latents"])
        )
        if not latents:
            raise DataError(f"{file.name}: no latent stands there, must be one at least")
        host = " ".join(str(found[key]) for key in ("sae", "hook", "host") if found.get(key))
        return cls(strengths, found["where"], latents, str(found["how"]), host)

    def holding(self, way: str, at: int) -> tuple[int, int]:
        """Of how many continuations, over all latents and prompts, words of the latent are a part; and of how many."""
        held = [one.holds(texts.along(way, at)) for one in self.latents for texts in one.prompts]
        return sum(held), len(held)

    def different(self, way: str, at: int) -> float:
        """Of all words of continuations the share that is not there before in the same one; NaN without words."""
        texts = [text.along(way, at).lower().split() for one in self.latents for text in one.prompts]
        words = sum(map(len, texts))
        return sum(len(set(text)) for text in texts) / words if words else math.nan


def _steered(item: Any, strengths: int, where: str) -> Steered:
    keys = ("latent", "name", "own", "raised", "effects", "prompts")
    if not isinstance(item, dict) or (missing := [key for key in keys if key not in item]):
        raise DataError(f"{where}: {missing[0] if isinstance(item, dict) else 'a name'} is not there; must have {keys}")
    try:
        raised = tuple((str(token), float(change)) for token, change in item["raised"])
        effects = {way: tuple(_numbers(item["effects"][way], f"{where}: effects of {way}")) for way in ALONG}
        prompts = tuple(
            Texts(str(one["prompt"]), str(one["as_it_is"]), *(tuple(map(str, one[way])) for way in ALONG))
            for one in item["prompts"]
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{where}: {type(error).__name__}: {error}; see analysis/results/steerings.py") from None
    counts = {len(values) for values in effects.values()} | {len(getattr(one, way)) for one in prompts for way in ALONG}
    if not prompts or counts != {strengths}:
        raise DataError(
            f"{where}: {len(prompts)} prompts, with {sorted(counts)} strengths; must be one prompt at least, and texts "
            f"and effects for each of {strengths} strengths"
        )
    (own,) = _numbers([item["own"]], f"{where}: own")
    return Steered(int(item["latent"]), str(item["name"] or ""), own, raised, effects, prompts)


def _numbers(values: Any, what: str) -> list[float]:
    if not isinstance(values, list) or not all(
        isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) for value in values
    ):
        raise DataError(f"{what}: {values!r}, must be numbers")
    return [float(value) for value in values]
