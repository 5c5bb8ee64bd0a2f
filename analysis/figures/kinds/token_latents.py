"""Latents of an SAE on a language model, a block each: where they fire, strongly and weakly, what they raise, and what
foretells them. Half were chosen for their names, half came as they came.

Drawn from `data/language/latents.json` (`analysis/results/token_latents.py` says what it holds). A page that loads
`report/assets/tokens.css` colours every token by how strongly the latent fires there; else the one that is meant stands
marked.
"""

from __future__ import annotations

import math
from html import escape

import pandas as pd

from analysis.figures.drawing import Drawing
from analysis.figures.html_table import framed, group
from analysis.results.kept_file import KeptFile
from analysis.results.token_latents import BANDS, Token, TokenLatent, TokenLatents

FROM_FILE = "data/language/latents.json"
HEADS = ("", "text")
CALLED = {"strongest": "strongest", "middle": "in the middle", "weak": "weakest"}
# Shades of a token; below the first share it has none.
LEVELS = (0.05, 0.3, 0.6, 0.85)


def token_latents(file: KeptFile, *, named: int = 4, drawn: int = 4, contexts: int = 2) -> Drawing:
    """At most so many latents of either sort, with so many contexts of each band."""
    found = TokenLatents.of(file)
    sorts = [[one for one in found.latents if one.drawn is side] for side in (False, True)]
    chosen, others = sorts[0][:named], sorts[1][:drawn]
    shown = [*chosen, *others]
    body = [row for one in shown for row in _block(one, contexts)]
    nameless = sum(not one.name for one in others)
    title = f"Of latents as they come {found.named_share:.0%} have a name that a rule foretells"
    return Drawing(
        kind="tbl",
        title=title,
        caption=(
            f"Latents{f' of {found.host}' if found.host else ''} on held-out text: {len(chosen)} chosen for names, "
            f"{len(others)} as they came, of which {nameless} have none. Marked is the token that is meant: "
            "where the latent is strongest, in the middle of its firings, among the weakest. A name is a rule that was "
            "chosen on half of the documents and holds on the others. *Raises*: tokens that become likelier when it is "
            "added at its largest; beside it how far that moves the next token, and how far a random direction does. "
            "*Patterns*: N2G, with any token for a star."
        ),
        alt=f"Blocks of {len(shown)} latents with contexts. {title}. " + " ".join(map(_said, shown)),
        data=_table(shown),
        html=f'<div class="token-latents">{framed("Latents and their contexts", HEADS, body, "texts-table")}</div>',
    )


def _block(one: TokenLatent, contexts: int) -> list[str]:
    head = f"{one.called}: fires at {one.density:.2%} of tokens"
    if one.name and not math.isnan(one.accuracy):
        head += f", the rule foretells it at {one.accuracy:.2f} (chance {one.by_chance:.2f})"
    rows = [group(head, len(HEADS))]
    for band in BANDS:
        if texts := one.contexts[band][:contexts]:
            rows.append(_row(CALLED[band], "<br>".join("".join(map(shaded, text)) for text in texts)))
    if one.raised:
        tokens = ", ".join(f"“{escape(token.strip())}”" for token, _ in one.raised)
        rows.append(_row("raises", f"{tokens} ({one.nats:.2f} nats, a random direction {one.random_nats:.2f})"))
    if one.patterns:
        scores = [f"{name} {value:.2f}" for name, value in (("precision", one.precision), ("recall", one.recall))
                  if not math.isnan(value)]  # fmt: skip
        told = ", ".join(f"“{escape(pattern.strip())}”" for pattern in one.patterns)
        rows.append(_row("patterns", told + (f" ({', '.join(scores)})" if scores else "")))
    return rows


def shaded(token: Token) -> str:
    """A token as HTML, by how strongly the latent fires there; the one that is meant is marked."""
    text = escape(token.text)
    level = sum(token.share >= least for least in LEVELS)
    if token.meant:
        return f'<mark class="fires-{level}">{text}</mark>'
    return f'<span class="fires-{level}">{text}</span>' if level else text


def _row(name: str, html: str) -> str:
    return f'<tr><th scope="row">{name}</th><td class="text">{html}</td></tr>'


def _said(one: TokenLatent) -> str:
    text = "".join(token.text for token in one.contexts["strongest"][0]).strip()
    return f"{one.called.capitalize()} is strongest in “{text}”."


def _table(shown: list[TokenLatent]) -> pd.DataFrame:
    """A context a row."""
    rows = [
        (one.latent, one.name, one.drawn, band, "".join(token.text for token in text), token.text, token.share)
        for one in shown
        for band in BANDS
        for text in one.contexts[band]
        for token in text
        if token.meant
    ]
    return pd.DataFrame(rows, columns=["latent", "name", "drawn", "band", "context", "token", "share"])
