"""Single latents of an SAE on a language model: tokens that foretell them, and what taking one away does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from analysis.run.hosts._host import LanguageHost
from analysis.run.language.splices import Contexts
from sae.errors import InputError
from sae.evaluations.ablation_sparsity import Sparsities, ablation_sparsity, drawn_latents, drawn_neurons
from sae.evaluations.neuron_to_graph import Graph, neuron_to_graph
from sae.layer import Layer
from sae.records import Codes
from sae.seeding import stream

# Contexts whose strongest places a pattern is made of, and how often a latent has to fire for one.
EXAMPLES = 8
# Tokens that stand in for a replaced one.
REPLACEMENTS = 4
# Contexts that are read at once, and rows that are encoded: of 16,384 latents 130 MB.
AT_ONCE, ROWS = 16, 2048


@dataclass(frozen=True)
class Read:
    """What an SAE says of contexts: a code for each place, kept or not."""

    contexts: Contexts
    codes: Codes
    """(contexts, places, ...)."""
    activations: Float[Tensor, "contexts places width"]

    def latent(self, latent: int) -> Float[Tensor, "contexts places"]:
        """One latent's values, 0 at places that are not kept."""
        return column(self.codes, latent) * self.contexts.kept


def column(codes: Codes, latent: int) -> Float[Tensor, "*batch"]:
    """The values of one latent, without a column for every other."""
    return torch.where(codes.indices == latent, codes.values, 0.0).sum(-1)


@torch.no_grad()
def read(host: LanguageHost, hook: str, layer: Layer, given: Contexts) -> Read:
    """Codes of all places of contexts, some contexts at a time."""
    rows = torch.cat([host.read(part.tokens, hook) for part in given.batches(AT_ONCE)])
    flat = layer.encode(rows.flatten(0, 1))
    shape = (*given.tokens.shape, flat.values.shape[1])
    return Read(given, Codes(flat.values.view(shape), flat.indices.view(shape), flat.n_latents), rows)


def read_stored(layer: Layer, given: Contexts, rows: Float[Tensor, "rows width"], ids: Int[Tensor, " rows"]) -> Read:
    """The same from rows that were kept, whose ids are number * places + place, without the host: zeros stand at places
    that were not kept, and codes of those mean nothing."""
    places = given.tokens.shape[1]
    own = (given.numbers[:, None] * places + torch.arange(places))[given.kept]
    at = torch.searchsorted(ids, own)
    if len(ids) == 0 or not torch.equal(ids[at.clamp(max=len(ids) - 1)], own):
        raise InputError("some places of the contexts have no row among those that were kept")
    activations = torch.zeros(*given.tokens.shape, rows.shape[1])
    activations[given.kept] = rows[at].float()
    return Read(given, coded(layer, activations), activations)


def coded(layer: Layer, activations: Float[Tensor, "contexts places width"]) -> Codes:
    """A code for each place, some rows at a time."""
    flat = Codes.joined([layer.encode(part) for part in torch.split(activations.flatten(0, 1), ROWS)])
    return flat.shaped(tuple(activations.shape[:2]))


def drawn(found: Read, count: int, generator: torch.Generator) -> Int[Tensor, " latents"]:
    """Latents at random, of those that fire in `EXAMPLES` contexts or more; fewer where there are fewer."""
    fires = (found.codes.values > 0) & found.contexts.kept[..., None]
    which = torch.arange(len(fires))[:, None, None].expand(fires.shape)[fires]
    pairs = torch.unique(which * found.codes.n_latents + found.codes.indices[fires])
    often = torch.bincount(pairs % found.codes.n_latents, minlength=found.codes.n_latents)
    there = (often >= EXAMPLES).nonzero().flatten()
    return there[torch.randperm(len(there), generator=generator)[:count]]


def patterns(
    host: LanguageHost, hook: str, layer: Layer, made_of: Read, scored_on: Read, latent: int, prefix: tuple[int, ...],
    generator: torch.Generator,
) -> Graph:  # fmt: skip
    """N2G of one latent: patterns of the contexts in which it is strongest, scored on others."""
    own = made_of.latent(latent)
    strongest, places = own.max(1)
    chosen = strongest.topk(min(EXAMPLES, int((strongest > 0).sum()))).indices
    tokens = made_of.contexts.tokens
    replacements = tokens.view(-1)[torch.randint(tokens.numel(), (REPLACEMENTS,), generator=generator)]
    known: dict[int, Tensor] = {
        id(held := scored_on.contexts.tokens): scored_on.latent(latent),
        id(examples := tokens[chosen]): own[chosen],
    }

    @torch.no_grad()
    def activation(contexts: Tensor) -> Tensor:
        if id(contexts) in known:
            return known[id(contexts)]
        found = [
            column(layer.encode(host.read(part, hook).flatten(0, 1)), latent).view(part.shape)
            for part in split(contexts)
        ]
        values = torch.cat(found)
        values[:, : len(prefix)] = 0
        return values

    return neuron_to_graph(
        activation, examples, places[chosen], held, replacements=tuple(replacements.tolist()), prefix=prefix,
        scored=scored_on.contexts.kept,
    )  # fmt: skip


def split(contexts: Int[Tensor, "contexts places"]) -> list[Tensor]:
    """Contexts in parts of about as many tokens as `AT_ONCE` of full length."""
    size = max(1, AT_ONCE * 128 // max(1, contexts.shape[1]))
    return [contexts[start : start + size] for start in range(0, len(contexts), size)]


def ablations(
    go_on: Callable[[Tensor, Tensor], Tensor], found: Read, layer: Layer, mean: Float[Tensor, " width"], count: int,
    after: int, seed: int,
) -> Sparsities | None:  # fmt: skip
    """At `count` places at random one of the latents that fire there is taken away, beside a neuron at the same places;
    None where nothing fires early enough in a context."""
    kept = found.contexts.kept & (found.codes.values > 0).any(-1)
    kept[:, kept.shape[1] - after + 1 :] = False
    cases = kept.nonzero()
    if not len(cases):
        return None
    chosen = torch.randperm(len(cases), generator=stream(seed, "places"), device="cpu")[:count]
    context, place = cases[chosen].unbind(1)
    rows = found.activations[context, place]
    codes = Codes(found.codes.values[context, place], found.codes.indices[context, place], found.codes.n_latents)
    directions = layer.sae.directions().detach() * layer.normaliser.scale
    return ablation_sparsity(
        go_on, found.contexts.tokens[context], found.activations[context], place,
        drawn_latents(codes, directions, seed).change, {"neurons": drawn_neurons(rows, mean, seed).change},
        groups=context, after=after, seed=seed,
    )  # fmt: skip
