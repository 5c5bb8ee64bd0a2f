"""What a prediction hangs on, as `data/language/attribution.json` holds it."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from analysis.run.hosts._host import ReadsEmbeddings
from analysis.run.language.given import Source
from analysis.run.language.latents import Read
from analysis.run.language.words import Lexicon, described, significant
from analysis.run.text.tokenisers import escaped
from sae.errors import ConfigError
from sae.evaluations.attribution import FromTokens, attribution
from sae.layer import Layer
from sae.records import Codes

# What the host gives from embeddings may differ by so much of what it gives from ids: rounding.
CLOSE = 1e-3


def trace(
    given: Source, layer: Layer, found: Read, lexicon: Lexicon, prompt: str, target: str, foil: str, top: int,
    seed: int = 0,
) -> dict[str, Any]:  # fmt: skip
    """The nodes and edges of a prompt; `found` and `lexicon` are of held-out contexts, for names and medians.

    An empty target is the likeliest next token, an empty foil the likeliest other one. Without a way to the host's
    embeddings there are no edges from tokens; `edges_from` says which it was. Raises ConfigError for a target of
    several tokens, one that is its foil, or a prompt of one token, InputError where no latent is active.
    """
    tokens = given.tokens(prompt)
    if len(tokens) < 2:
        raise ConfigError(f"prompt = {prompt!r} is {len(tokens)} tokens: must be two or more, the first is a sink")
    rows = given.host.read(tokens[None], given.hook)[0]
    with torch.no_grad():
        likeliest = given.go_on(tokens[None], rows[None])[0, -1].topk(2).indices.tolist()
    wanted = given.token(target, "target") if target else int(likeliest[0])
    other = given.token(foil, "foil") if foil else int(next(one for one in likeliest if one != wanted))
    if wanted == other:
        raise ConfigError(f"target and foil are both {given.own.pieces[wanted]!r}: must be two tokens")
    codes, scale = layer.encode(rows), layer.normaliser.scale
    way = from_tokens(given, layer, tokens, rows)
    traced = attribution(
        given.go_on, tokens, rows, Codes(codes.values * scale, codes.indices, codes.n_latents),
        layer.sae.directions(), wanted, other, kept=given.kept(rows), tokens=way, top=top, seed=seed,
    )  # fmt: skip
    named = {latent: described(found, latent, lexicon) for latent in {node.latent for node in traced.nodes}}
    return {
        "prompt": prompt,
        "tokens": [escaped(given.own.pieces[token]) for token in tokens.tolist()],
        "target": given.own.pieces[wanted],
        "foil": given.own.pieces[other],
        "difference": significant(traced.difference),
        "nodes": [
            {
                "place": node.place, "latent": node.latent, "name": named[node.latent]["name"],
                "words": named[node.latent]["words"],
                **{key: significant(getattr(node, key)) for key in ("value", "attribution", "effect", "random")},
            }
            for node in traced.nodes
        ],
        "edges": [
            {
                "token": edge.token, "node": edge.node,
                **{key: significant(getattr(edge, key)) for key in ("attribution", "effect")},
            }
            for edge in traced.edges
        ],
        "edges_from": "embeddings" if way else "nothing: the host offers no way from its embeddings",
        "of_nodes": significant(traced.of_nodes),
        "of_rest": significant(traced.of_rest),
        "rank_correlation": _rounded(traced.rank_correlation),
        "edge_rank_correlation": _rounded(traced.edge_rank_correlation),
    }  # fmt: skip


def _rounded(value: float | None) -> float | None:
    return None if value is None else significant(value)


def from_tokens(
    given: Source, layer: Layer, tokens: Int[Tensor, " places"], rows: Tensor
) -> FromTokens | None:  # fmt: skip
    """A way from the host's embeddings to its activations; None for a host that offers none.

    What it gives of the tokens' own embeddings has to be `rows`: a way that leaves something out is none.
    """
    host = given.host
    if not isinstance(host, ReadsEmbeddings):
        return None

    def read(embedded: Tensor) -> Tensor:
        return host.read_embedded(tokens, embedded, given.hook)

    table = host.embeddings()
    embedded = table[tokens]
    with torch.no_grad():
        same = torch.allclose(read(embedded[None])[0], rows, atol=CLOSE * float(rows.std()), rtol=CLOSE)
    if not same:
        return None
    return FromTokens(embedded, table.mean(0), read, layer.sae.encoder_directions().detach())
