"""Single latents as a reader gets to know them: a name where a rule holds, contexts from its strongest firing to its
weakest, the tokens that it raises, and the patterns that foretell it (N2G). As `data/language/latents.json` holds them.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from analysis.run.language.completions import Held
from analysis.run.language.given import Source
from analysis.run.language.latents import Read, drawn, patterns
from analysis.run.language.words import AFTER, BEFORE, Lexicon, described, significant
from analysis.run.text.tokenisers import escaped
from sae.errors import ConfigError
from sae.layer import Layer
from sae.seeding import stream

# Latents among which those with a name are looked for.
LOOKED = 300
# What part of its firings, strongest first, an example stands behind, and how many there are of each.
BANDS: dict[str, tuple[float, float]] = {
    "strongest": (0.0, 0.0), "middle": (0.4, 0.6), "weak": (0.9, 1.0),
}  # fmt: skip
EACH = 3
RAISED, PATTERNS = 6, 4


def token_latents(
    given: Source, layer: Layer, found: Read, lexicon: Lexicon, named: int, drawn_too: int, made_of: Read | None,
    seed: int = 0,
) -> dict[str, Any]:  # fmt: skip
    """`named` latents that have a name, no name twice, and `drawn_too` others just as they come, named or not; both
    drawn from the seed among those that fire in enough contexts. Patterns are made of `made_of`; without it there are
    none. Raises ConfigError where no latent fires often enough."""
    looked = drawn(found, LOOKED, stream(seed, "token latents")).tolist()
    if not looked:
        raise ConfigError("no latent fires in enough held-out contexts to be shown: look at more contexts")
    told = {latent: described(found, latent, lexicon) for latent in looked}
    first = {one["name"]: latent for latent, one in reversed(told.items()) if one["name"]}
    chosen = sorted(first.values(), key=lambda latent: -told[latent]["accuracy"])[:named]
    others = [latent for latent in looked if latent not in chosen][:drawn_too]
    share = sum(bool(one["name"]) for one in told.values()) / len(told)
    return {
        "looked": len(looked), "named_share": significant(share),
        "latents": [
            {"latent": latent, "drawn": latent in others,
             **{key: value for key, value in told[latent].items() if key != "examples"},
             "contexts": {band: windows(found, latent, lexicon, *bounds) for band, bounds in BANDS.items()},
             **_does(Held(given, layer, found, latent), lexicon),
             **_foretold(given, layer, found, latent, made_of, seed)}
            for latent in [*chosen, *others]
        ],
    }  # fmt: skip


def windows(found: Read, latent: int, lexicon: Lexicon, start: float, end: float) -> list[list[list[Any]]]:
    """Contexts in which a latent's firing has a rank in a band, each a list of (token, activation as a share of the
    largest); the place that is meant is the last but `AFTER` tokens, or fewer at an end. One of a context."""
    values = found.latent(latent)
    largest = float(values.max())
    order = values.flatten().argsort(descending=True, stable=True)[: int((values > 0).sum())]
    first = int(start * len(order))
    band = order[first : max(first + 1, int(end * len(order)))] if end else order
    places = values.shape[1]
    seen: set[int] = set()
    shown = []
    for at in (band if not end else band[torch.linspace(0, len(band) - 1, min(len(band), 40)).long()]).tolist():
        context, place = divmod(at, places)
        if context in seen:
            continue
        seen.add(context)
        part = slice(max(0, place - BEFORE), place + 1 + AFTER)
        tokens = lexicon.contexts.tokens[context, part].tolist()
        shares = (values[context, part] / largest).tolist()
        pairs = [[escaped(lexicon.pieces[token]), round(share, 2)] for token, share in zip(tokens, shares, strict=True)]
        pairs[place - part.start].append(1)  # the token that is meant
        shown.append(pairs)
        if len(shown) == EACH:
            break
    return shown


def _does(held: Held, lexicon: Lexicon) -> dict[str, Any]:
    """The tokens it raises at its largest activation, and how much further than random directions it moves the next
    token's distribution."""
    effects = held.effects(1.0)
    if effects is None:
        return {"raised": [], "nats": 0.0, "random_nats": 0.0}
    random = sum(one.kl.value for one in effects.random) / len(effects.random)
    return {
        "raised": [[lexicon.pieces[token], significant(change)] for token, change in effects.raised[:RAISED]],
        "nats": significant(effects.own.kl.value), "random_nats": significant(random),
    }  # fmt: skip


def _foretold(given: Source, layer: Layer, found: Read, latent: int, made_of: Read | None, seed: int) -> dict[str, Any]:
    """N2G: the first patterns, `*` for any token, with precision and recall on the held-out contexts."""
    if made_of is None or not bool((made_of.latent(latent) > 0).any()):
        return {"patterns": []}
    prefix = tuple(made_of.contexts.tokens[0, :1].tolist())
    graph = patterns(
        given.host, given.hook, layer, made_of, found, latent, prefix, stream(seed, "token patterns", latent)
    )
    pieces = given.own.pieces
    shown = ["".join("*" if token is None else pieces[token] for token in one) for one in graph.patterns[:PATTERNS]]
    scores: dict[str, Tensor | float | None] = {
        "pattern_precision": graph.score.precision, "pattern_recall": graph.score.recall,
    }  # fmt: skip
    return {
        "patterns": shown,
        **{key: None if value is None else significant(float(value)) for key, value in scores.items()},
    }
