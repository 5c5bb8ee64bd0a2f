"""What a prediction hangs on: the tokens of a prompt, latents between, the chosen logit on top.

Drawn from `data/language/attribution.json` (`analysis/results/attributions.py` says what it holds). A picture that
needs no script: all labels stand in it.
"""

from __future__ import annotations

import pandas as pd

from analysis.figures.drawing import Drawing
from analysis.figures.graph_picture import PAGE, PHONE, graph_picture, quoted, signed
from analysis.results.attributions import Traced
from analysis.results.kept_file import KeptFile
from analysis.results.webs import in_quotes

FROM_FILE = "data/language/attribution.json"
GUIDE, NO_GUIDE = 0.8, 0.5
"""From which rank correlation on attribution says what ablation says, and below which it says little of it."""


def attribution_graph(file: KeptFile, *, nodes: int = 10) -> Drawing:
    """The `nodes` latents of largest attribution."""
    traced = Traced.of(file)
    count = min(nodes, len(traced.nodes))
    first = traced.nodes[0]
    over = f" over {quoted(traced.foil)}" if traced.foil else ""
    way = "for" if first.attribution >= 0 else "against"
    name = in_quotes(first.called if first.name else first.called.capitalize())
    title = (
        f"{name} does most {way} {quoted(traced.target)}{over}: {signed(first.attribution)} of "
        f"{signed(traced.difference)}; without it the difference {'falls' if first.effect >= 0 else 'rises'} by "
        f"{abs(first.effect):.2f}"
    )
    alt = _alt(traced, count)
    pictures = "".join(graph_picture(traced, count, look, alt) for look in (PAGE, PHONE))
    rest = traced.of_nodes - sum(node.attribution for node in traced.nodes[:count])
    return Drawing(
        title=title,
        caption=(
            f"At the bottom the prompt, above it the {count} latents of largest attribution"
            f"{f' ({traced.where})' if traced.where else ''}, over the tokens at which they are on; on top the logit "
            f"of {quoted(traced.target)} minus {_minus(traced)}. Lines are attributions (gradient times activation), "
            "as wide as they are large, dashed where they pull the other way; in brackets, by how much the difference "
            f"falls when the latent is ablated. {_ranks(traced)} Not drawn: {signed(rest)} of other latents, "
            f"{signed(traced.of_rest)} of what the SAE leaves over. Ablating a random direction as long takes at most "
            f"{max(abs(node.random) for node in traced.nodes[:count]):.2f}."
        ),
        alt=alt,
        data=_table(traced),
        html=f'<div class="graph">{pictures}</div>',
    )


def _minus(traced: Traced) -> str:
    return f"that of {quoted(traced.foil)}" if traced.foil else "the mean of all logits"


def _ranks(traced: Traced) -> str:
    """How far attributions are to be trusted, in a sentence."""
    rank = traced.rank_correlation
    if rank is None:
        return "There are too few latents to say whether attributions rank them as ablation does."
    if rank >= GUIDE:
        word = "Attributions rank latents nearly as ablation does"
    elif rank >= NO_GUIDE:
        word = "Attributions rank latents roughly as ablation does"
    else:
        word = "Attributions rank latents otherwise than ablation does, so that they are no guide here"
    return f"{word} (rank correlation {rank:.2f})."


def _alt(traced: Traced, count: int) -> str:
    told = []
    for number, node in enumerate(traced.nodes[: min(count, 5)]):
        parts = traced.parts(number)
        source = f", mostly from {quoted(traced.tokens[parts[0].token])}" if parts else ""
        told.append(
            f"{in_quotes(node.called)} at {quoted(traced.tokens[node.place])} {signed(node.attribution)} (ablated "
            f"{signed(node.effect)}){source}"
        )
    prompt = "".join(traced.tokens).replace("\n", " ").strip()
    more = f"; and {count - 5} more" if count > 5 else ""
    return (
        f"Graph of causes. After “{prompt}” comes {quoted(traced.target)}; the difference of logits is "
        f"{signed(traced.difference)}. Latents: {'; '.join(told)}{more}."
    )


def _table(traced: Traced) -> pd.DataFrame:
    """A row a latent, then a row a token's part in one."""
    latents = [
        {
            "to": traced.target, "latent": node.latent, "name": node.name, "place": node.place,
            "token": traced.tokens[node.place], "value": node.value, "attribution": node.attribution,
            "effect": node.effect, "random": node.random,
        }
        for node in traced.nodes
    ]  # fmt: skip
    parts = [
        {
            "to": traced.nodes[edge.node].called, "latent": traced.nodes[edge.node].latent, "place": edge.token,
            "token": traced.tokens[edge.token], "attribution": edge.attribution, "effect": edge.effect,
        }
        for edge in traced.edges
    ]  # fmt: skip
    return pd.DataFrame(latents + parts)
