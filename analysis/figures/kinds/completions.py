"""What a language model writes with a latent held up, beside what it writes as it is and along a random direction.

Drawn from `data/language/steering.json` (`analysis/results/steerings.py` says what it holds). Without scripts a table
of some strengths; a page that loads `report/assets/completions.css` and `completions.js` has a slider over all of them.
"""

from __future__ import annotations

import json
import re
from html import escape

import pandas as pd

from analysis.figures.drawing import Drawing
from analysis.figures.html_table import framed, group
from analysis.results.kept_file import KeptFile
from analysis.results.steerings import ALONG, WHERE, Steered, Steerings
from analysis.results.webs import in_quotes

FROM_FILE = "data/language/steering.json"
HEADS = ("held at", "along the latent", "along a random direction")


def completions(file: KeptFile, *, latents: int = 2, prompts: int = 1) -> Drawing:
    """The table has `latents` of them with `prompts` each, at the smallest, the middle and the largest strength."""
    steerings = Steerings.of(file)
    last = len(steerings.strengths) - 1
    held, of = steerings.holding("latent", last)
    most = steerings.strengths[last]
    what = in_quotes(steerings.latents[0].called) if len(steerings.latents) == 1 else "a latent"
    title = (
        f"With {what} held at {most:g} times its own strength, {held} of {of} continuations have one of its words; "
        f"as it is {steerings.holding('latent', -1)[0]}, along a random direction "
        f"{steerings.holding('random', last)[0]}"
    )
    shown = sorted({0, last // 2, last})
    body: list[str] = []
    for one in steerings.latents[:latents]:
        for texts in one.prompts[:prompts]:
            body.append(group(f"{one.called}: “{texts.prompt.strip()}” goes on", len(HEADS)))
            for at in (-1, *shown):
                ways = [f'<td class="text">{marked(one, texts.along(way, at))}</td>' for way in ALONG]
                cells = ways if at >= 0 else [f'<td class="text" colspan="2">{marked(one, texts.as_it_is)}</td>']
                body.append(f'<tr><th scope="row">{strength(steerings, at)}</th>{"".join(cells)}</tr>')
    return Drawing(
        title=title,
        caption=(
            f"A latent{f' of {steerings.host}' if steerings.host else ''} is held at a multiple of the strength that "
            f"it reaches by itself, {WHERE[steerings.where]}, what the SAE leaves over kept; beside it the same push "
            "along a random direction. Marked are words that begin with one of the tokens that the latent raises most. "
            f"{_spoiled(steerings, last)} All was written beforehand ({steerings.how})."
        ),
        alt=(
            f"Continuations side by side. {title}. "
            + " ".join(_said(steerings, one, last) for one in steerings.latents[:latents])
        ),
        data=_table(steerings),
        html=(
            f'<div class="completions">{framed("Continuations with a latent held", HEADS, body, "texts-table")}'
            f"{_script(steerings)}</div>"
        ),
    )


def marked(one: Steered, text: str) -> str:
    """A continuation as HTML, with the latent's words marked."""
    parts, at = [], 0
    for match in re.finditer(one.pattern, text, re.IGNORECASE):
        parts += [escape(text[at : match.start()]), f"<mark>{escape(match[0])}</mark>"]
        at = match.end()
    return "".join([*parts, escape(text[at:])])


def strength(steerings: Steerings, at: int) -> str:
    """`as it is`, `4 times its own`."""
    return "as it is" if at < 0 else f"{steerings.strengths[at]:g} times its own"


def _spoiled(steerings: Steerings, last: int) -> str:
    """Whether text falls apart at the largest strength, in a sentence."""
    before, after = steerings.different("latent", -1), steerings.different("latent", last)
    other = steerings.different("random", last)
    return (
        f"Of the words of a continuation {after:.0%} are new in it at the largest strength ({other:.0%} along the "
        f"random direction), {before:.0%} as it is: where that falls, text goes round in circles."
    )


def _said(steerings: Steerings, one: Steered, last: int) -> str:
    texts = one.prompts[0]
    return (
        f"After “{texts.prompt.strip()}” the model writes “{_short(texts.as_it_is)}”, with {in_quotes(one.called)} at "
        f"{strength(steerings, last)} “{_short(texts.latent[last])}”, along a random direction "
        f"“{_short(texts.random[last])}”."
    )


def _short(text: str) -> str:
    """The beginning, on one line."""
    words = text.split()
    return " ".join(words[:14]) + (" …" if len(words) > 14 else "")


def _table(steerings: Steerings) -> pd.DataFrame:
    """A continuation a row."""
    rows = []
    for one in steerings.latents:
        for texts in one.prompts:
            own = {"latent": one.latent, "name": one.name, "prompt": texts.prompt}
            rows.append(own | {"along": "", "strength": float("nan"), "nats": 0.0, "text": texts.as_it_is})
            rows += [
                own | {"along": way, "strength": strength, "nats": one.effects[way][at], "text": texts.along(way, at)}
                for way in ALONG
                for at, strength in enumerate(steerings.strengths)
            ]
    return pd.DataFrame(rows)


def _script(steerings: Steerings) -> str:
    """All that the slider chooses from."""
    data = {
        "strengths": steerings.strengths,
        "latents": [
            {
                "name": one.called, "own": one.own, "words": one.words, "effects": one.effects,
                "prompts": [
                    {"prompt": texts.prompt, "as_it_is": texts.as_it_is, "latent": texts.latent, "random": texts.random}
                    for texts in one.prompts
                ],
            }
            for one in steerings.latents
        ],
    }  # fmt: skip
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return f'<script type="application/json" class="texts-data">{text}</script>'
