"""What a language model writes with a latent held at a value, as `data/language/steering.json` holds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from analysis.run.language.given import Source
from analysis.run.language.latents import Read, column, drawn
from analysis.run.language.words import Lexicon, described, significant
from sae.errors import ConfigError
from sae.evaluations.downstream_effects import Effects, downstream_effects
from sae.evaluations.steering import steered_tokens, steering
from sae.layer import Layer
from sae.nulls import random_directions
from sae.seeding import stream

# Latents among which those with a name are looked for, and of those how many are tried for their effect.
LOOKED, TRIED = 200, 12
# Held-out contexts and their first places on which effects are measured; random directions beside each latent.
CONTEXTS, PLACES, RANDOMS = 8, 48, 9
RAISED = 8


@dataclass(frozen=True)
class Held:
    """A latent as it is steered: everything in the host's units."""

    given: Source
    layer: Layer
    found: Read
    latent: int

    @property
    def own(self) -> float:
        """Its largest activation on held-out text."""
        return float(self.found.latent(self.latent).max()) * self.layer.normaliser.scale

    @property
    def direction(self) -> Float[Tensor, " width"]:
        """What an activation of 1 adds."""
        return self.layer.sae.directions()[self.latent].detach()

    def value(self, activations: Float[Tensor, "contexts places width"]) -> Float[Tensor, "contexts places"]:
        """What it is in given activations."""
        codes = self.layer.encode(activations.flatten(0, 1))
        return column(codes, self.latent).view(activations.shape[:2]) * self.layer.normaliser.scale

    def effects(self, strength: float) -> Effects | None:
        """What holding it at a strength does to the next token of held-out texts, beside random directions; None where
        that changes nothing: it is held at 0 where it does not fire."""
        part = next(self.found.contexts.batches(CONTEXTS))
        activations = self.found.activations[: len(part.tokens), :PLACES]
        tokens, kept = part.tokens[:, :PLACES], part.kept[:, :PLACES]
        there = kept.any(1)
        tokens, kept, activations = tokens[there], kept[there], activations[there]
        if not len(tokens):
            return None
        steered = steering(activations, self.value(activations), self.direction, strength * self.own, kept=kept)
        if not float(steered.amounts.abs().sum()):
            return None
        return downstream_effects(
            self.given.go_on, tokens, activations, self.direction, steered.amounts, randoms=RANDOMS, top=RAISED
        )


def chosen(given: Source, layer: Layer, found: Read, lexicon: Lexicon, count: int, seed: int = 0) -> list[int]:
    """Latents whose effect at their largest activation is furthest beyond that of random directions: named ones, no
    name twice; where fewer have a name, others after them. Drawn from the seed. Raises ConfigError where none fires
    often enough."""
    looked = drawn(found, LOOKED, stream(seed, "steered latents")).tolist()
    if not looked:
        raise ConfigError("no latent fires in enough held-out contexts to be steered: look at more, or name `latents`")
    names = {latent: described(found, latent, lexicon)["name"] for latent in looked}
    first = {name: latent for latent, name in reversed(names.items()) if name}
    pool = [*first.values(), *(latent for latent in looked if not names[latent])][: max(TRIED, count)]

    def beyond(latent: int) -> float:
        effects = Held(given, layer, found, latent).effects(1.0)
        if effects is None:
            return 0.0
        return effects.own.kl.value / (1e-9 + max(one.kl.value for one in effects.random))

    scores = {latent: beyond(latent) for latent in pool}
    return sorted(pool, key=lambda latent: (not names[latent] or scores[latent] <= 1, -scores[latent]))[:count]


def completions(
    held: Sequence[Held], lexicon: Lexicon, prompts: Sequence[str], strengths: Sequence[float], new: int,
    temperature: float, seed: int = 0,
) -> dict[str, Any]:  # fmt: skip
    """Continuations of the prompts with each latent held at each strength, and along a random direction as long, by the
    same amounts; at temperature 0 the likeliest tokens, else the same dice for all.

    Raises ConfigError for a latent that does not fire or a prompt without a place behind the first.
    """
    return {
        "where": "all",
        "how": f"sampled at temperature {temperature:g}, seed {seed}" if temperature else "greedy",
        "strengths": list(strengths),
        "latents": [_steered(one, lexicon, prompts, strengths, new, temperature, seed) for one in held],
    }


def _steered(
    held: Held, lexicon: Lexicon, prompts: Sequence[str], strengths: Sequence[float], new: int, temperature: float,
    seed: int,
) -> dict[str, Any]:  # fmt: skip
    if not 0 <= held.latent < held.layer.sae.n_latents:
        raise ConfigError(f"latent {held.latent}: must be in 0..{held.layer.sae.n_latents - 1}")
    if not held.own > 0:
        raise ConfigError(f"latent {held.latent} fires nowhere on the held-out contexts: nothing says how strong it is")
    effects = [held.effects(strength) for strength in strengths]
    shown = min(
        (at for at, one in enumerate(effects) if one is not None and strengths[at] > 0),
        key=lambda at: abs(strengths[at] - 1), default=None,
    )  # fmt: skip
    raised = effects[shown].raised if shown is not None and effects[shown] is not None else ()  # type: ignore[union-attr]
    return {
        "latent": held.latent,
        **{key: described(held.found, held.latent, lexicon)[key] for key in ("name", "words")},
        "own": significant(held.own),
        "raised": [[lexicon.pieces[token], significant(change)] for token, change in raised],
        "effects": {
            "latent": [significant(one.own.kl.value) if one else 0.0 for one in effects],
            "random": [
                significant(sum(other.kl.value for other in one.random) / len(one.random)) if one else 0.0
                for one in effects
            ],
        },
        "prompts": [_texts(held, prompt, strengths, new, temperature, seed) for prompt in prompts],
    }


def _texts(
    held: Held, prompt: str, strengths: Sequence[float], new: int, temperature: float, seed: int
) -> dict[str, Any]:
    given = held.given
    tokens = given.tokens(prompt)
    if len(tokens) < 2:
        raise ConfigError(f"prompt = {prompt!r} is {len(tokens)} tokens: must be two or more, the first is a sink")
    longest = getattr(given.host, "positions", None)
    if longest is not None and len(tokens) + new > len(longest):
        raise ConfigError(f"prompt = {prompt!r} with new = {new} is longer than the host's {len(longest)} places")
    own = held.direction
    random = random_directions(1, len(own), stream(seed, "random direction", held.latent))[0].to(own) * own.norm()

    def written(direction: Tensor, to: float | None) -> str:
        found = steered_tokens(
            lambda contexts: given.host.read(contexts, given.hook), given.go_on, held.value, direction, tokens, to, new,
            sinks=1, temperature=temperature, seed=seed,
        )  # fmt: skip
        return given.own.decode(found.tolist())

    with torch.no_grad():
        return {
            "prompt": prompt,
            "as_it_is": written(own, None),
            "latent": [written(own, strength * held.own) for strength in strengths],
            "random": [written(random, strength * held.own) for strength in strengths],
        }
