"""Which latents of a prompt a prediction hangs on, and which tokens they hang on: gradients, checked by ablation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sae.ambient import learning
from sae.errors import InputError
from sae.evaluations._estimate import rank_correlation
from sae.evaluations._given import mask, numbers, whole
from sae.evaluations._spliced import GoOn, logits_of, pieces, random_like
from sae.given import check_codes
from sae.records import Codes
from sae.seeding import stream
from sae.values import says_itself
from sae.values import whole as whole_number


@says_itself
@dataclass(frozen=True)
class FromTokens:
    """How the activations of the prompt come from its tokens' embeddings."""

    embedded: Float[Tensor, "places embedding"]
    neutral: Float[Tensor, " embedding"]
    """What stands in for a token that is ablated, such as the mean embedding."""
    read: Callable[[Float[Tensor, "contexts places embedding"]], Float[Tensor, "contexts places width"]]
    """The activations, differentiable in the embeddings."""
    encoders: Float[Tensor, "n_latents width"]
    """encoder_j . activation is latent j before its activation function, up to a constant, in the host's units."""


@dataclass(frozen=True)
class Node:
    """A latent at a place, with what it does to the difference of logits."""

    place: int
    latent: int
    value: float
    attribution: float
    """value * direction . gradient: what its ablation would take away, were the host linear."""
    effect: float
    """What its ablation (what the SAE leaves over kept) does take away."""
    random: float
    """What taking away a random direction of the same length at the same place does."""


@dataclass(frozen=True)
class Edge:
    """A token's part in a latent before its activation function."""

    token: int
    """The token's place."""
    node: int
    """Which of the nodes."""
    attribution: float
    """(embedding - neutral) . gradient."""
    effect: float
    """What it falls by where the neutral embedding stands in for the token's."""


@dataclass(frozen=True)
class Attributions:
    """What `attribution` found."""

    difference: float
    """logit of the target - logit of the foil at the last place (or - the mean logit)."""
    nodes: tuple[Node, ...]
    """Those of largest |attribution|, largest first."""
    others: tuple[Node, ...]
    """Drawn at random from the rest, to check attributions over their whole range."""
    of_nodes: float
    """Sum of the attributions of all nodes, listed or not."""
    of_rest: float
    """What the SAE leaves over (with its bias) times the gradient, over the same places: what no node tells."""
    rank_correlation: float | None
    """Spearman's, of attribution and effect over nodes and others; None with fewer than three, or all alike."""
    rank_correlation_top: float | None
    """The same over the listed nodes alone, which differ less."""
    edges: tuple[Edge, ...]
    """Of each node the tokens of largest |attribution|; empty without `FromTokens`."""
    edge_rank_correlation: float | None
    """Over all tokens of all nodes."""


@says_itself
def attribution(
    go_on: GoOn,
    prompt: Int[Tensor, " places"],
    activations: Float[Tensor, "places width"],
    codes: Codes,
    directions: Float[Tensor, "n_latents width"],
    target: int,
    foil: int | None = None,
    *,
    kept: Bool[Tensor, " places"] | None = None,
    tokens: FromTokens | None = None,
    top: int = 20,
    drawn: int = 20,
    edges: int = 4,
    seed: int = 0,
) -> Attributions:
    """Gradient times activation (attribution patching; Nanda 2023, Marks et al. 2024, arXiv 2403.19647) from every
    active latent at every kept place of a prompt to logit(target) - logit(foil) at its last place (foil None: - the
    mean logit). Each of the `top` nodes is checked by its ablation, beside `drawn` random ones: a first order misleads.

    `codes` are of the prompt's places; an activation of 1 adds `directions` in the host's units. With `tokens` the
    `edges` largest parts of tokens in each node are found the same way, and checked by putting a neutral embedding in
    the token's place. `kept` leaves out attention sinks. Passes of the host: one with gradients, 2 (top + drawn), and
    with tokens one a place and `top` with gradients.

    Raises InputError for shapes that do not fit, tokens outside of the vocabulary or no active latent, NumericError for
    NaN and infinity.
    """
    prompt = whole("prompt", prompt, "places")
    activations = numbers("activations", activations, len(prompt), "width")
    check_codes(codes)
    if codes.values.shape[:-1] != prompt.shape:
        raise InputError(f"codes have shape {tuple(codes.values.shape)}, expected ({len(prompt)}, k)")
    directions = numbers("directions", directions, codes.n_latents, activations.shape[1])
    kept = torch.ones_like(prompt, dtype=torch.bool) if kept is None else mask("kept", kept, len(prompt))
    top, drawn, edges = whole_number("top", top, 1), whole_number("drawn", drawn), whole_number("edges", edges, 1)
    clean = logits_of(go_on, prompt[None], activations[None])
    for name, token in (("target", target), ("foil", foil)):
        if token is not None:
            whole_number(name, token, 0, clean.shape[-1] - 1)

    def difference(logits: Tensor) -> Tensor:
        last = logits[:, -1]
        return last[:, target] - (last.mean(-1) if foil is None else last[:, foil])

    gradient = _gradient(lambda rows: difference(go_on(prompt[None], rows[None])).sum(), activations)
    places, column = ((codes.values > 0) & kept[:, None]).nonzero(as_tuple=True)
    if not len(places):
        raise InputError("no latent is active at a kept place of the prompt: there is nothing to attribute to")
    latents, values = codes.indices[places, column], codes.values[places, column].to(activations)
    parts = values[:, None] * directions[latents].to(activations)
    scores = (parts * gradient[places]).sum(1)
    order = scores.abs().argsort(descending=True, stable=True)
    rest = order[top:]
    some = rest[torch.randperm(len(rest), generator=stream(seed, "nodes"), device="cpu")[:drawn].to(rest.device)]
    chosen = torch.cat([order[:top], some])

    def effects(removed: Tensor) -> list[float]:
        found: list[float] = []
        for piece in pieces(len(chosen)):
            changed = activations.repeat(len(removed[piece]), 1, 1)
            changed[torch.arange(len(changed), device="cpu"), places[chosen[piece]]] -= removed[piece]
            logits = logits_of(go_on, prompt.expand(len(changed), -1), changed)
            found += (difference(clean) - difference(logits)).tolist()
        return found

    own, random = effects(parts[chosen]), effects(random_like(parts[chosen], seed))
    nodes = tuple(
        Node(int(places[i]), int(latents[i]), float(values[i]), float(scores[i]), effect, by_chance)
        for i, effect, by_chance in zip(chosen.tolist(), own, random, strict=True)
    )
    rebuilt = torch.zeros_like(activations).index_add_(0, places, parts)
    left = ((activations - rebuilt) * gradient)[kept]
    shown = nodes[: min(top, len(order))]
    with torch.inference_mode(False):  # what is made in it can have no gradients
        found_edges = _edges(tokens, shown, len(prompt)) if tokens is not None else []
    strongest = [
        edge
        for node in range(len(shown))
        for edge in sorted((e for e in found_edges if e.node == node), key=lambda e: -abs(e.attribution))[:edges]
    ]
    return Attributions(
        difference=float(difference(clean)),
        nodes=shown,
        others=nodes[len(shown) :],
        of_nodes=float(scores.sum()),
        of_rest=float(left.sum()),
        rank_correlation=_rank_correlation(nodes),
        rank_correlation_top=_rank_correlation(shown),
        edges=tuple(strongest),
        edge_rank_correlation=_rank_correlation(found_edges),
    )


def _edges(given: FromTokens, nodes: tuple[Node, ...], places: int) -> list[Edge]:
    """From every token up to a node's place, to that node."""
    embedded = numbers("embeddings", given.embedded, places, "embedding")
    neutral = numbers("neutral embedding", given.neutral, embedded.shape[1])
    encoders = numbers("encoders", given.encoders, "n_latents", "width")
    at = torch.tensor([node.place for node in nodes], device=embedded.device, dtype=torch.int64)
    reads = encoders[[node.latent for node in nodes]]

    def before(rows: Tensor) -> Tensor:
        """What each node is before its activation function, for each context."""
        found: Tensor = (given.read(rows)[:, at] * reads).sum(-1)
        return found

    with torch.no_grad():
        clean = before(embedded[None])[0]
        replaced = embedded.repeat(places, 1, 1)
        replaced[torch.arange(places, device="cpu"), torch.arange(places, device="cpu")] = neutral
        fallen = clean - torch.cat([before(replaced[piece]) for piece in pieces(places)])
    numbers("what read gives", fallen, "places", "nodes")
    edges = []
    for node, place in enumerate(at.tolist()):
        gradient = _gradient(lambda rows, node=node: before(rows[None])[0, node], embedded)  # type: ignore[misc]
        parts = ((embedded - neutral) * gradient).sum(1)
        edges += [Edge(t, node, float(parts[t]), float(fallen[t, node])) for t in range(place + 1)]
    return edges


def _gradient(of: Callable[[Tensor], Tensor], at: Tensor) -> Tensor:
    with learning(at.device.type):
        rows = at.detach().clone().requires_grad_(True)
        (found,) = torch.autograd.grad(of(rows), rows)
    return numbers("the gradient", found, *at.shape)


def _rank_correlation(checked: tuple[Node, ...] | list[Edge]) -> float | None:
    return rank_correlation([one.attribution for one in checked], [one.effect for one in checked])
