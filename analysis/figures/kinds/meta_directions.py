"""Meta-SAEs on the directions of a large SAE: the word of the rule, every floor, and whether meta-latents are the
latents of a smaller SAE.

Drawn from `data/language/directions.json` (`analysis/results/meta_directions.py` says what it holds).
"""

from __future__ import annotations

from html import escape
from statistics import mean

import pandas as pd

from analysis.figures.drawing import Drawing
from analysis.figures.html_table import framed, group
from analysis.results.kept_file import KeptFile
from analysis.results.meta_directions import Meta, MetaDirections
from sae.rule import DICTIONARIES, NAMES

FROM_FILE = "data/language/directions.json"
HEADS = ("beside", "floor", "lead", "95% over seeds")
OTHERS = {"meta": "meta-SAE", "stored_dictionary": "stored directions", "matched_dictionary": "random mixtures"}


def meta_directions(file: KeptFile) -> Drawing:
    """A block a width: what was observed, every floor with the lead over it, cosines with the smaller SAE."""
    found = MetaDirections.of(file)
    words = [f"{one.word or 'no word'} with {one.width:,} latents" for one in found.metas]
    title = f"Meta-SAEs on {found.directions + found.held_out:,} directions: {', '.join(words)}"
    body: list[str] = []
    for one in found.metas:
        head = f"{one.width:,} meta-latents, {one.k} a direction: {one.word or 'no word'}"
        body += [group(head, len(HEADS)), *_rows(one)]
    return Drawing(
        kind="tbl",
        title=title,
        caption=(
            f"Three meta-SAEs a size on the directions of the live latents of {found.sae}"
            f"{f' at {found.host}' if found.host else ''}, {found.directions:,} to train on and {found.held_out:,} "
            f"held out ({found.dead:,} latents were dead). *Floor* is what explains held-out directions without shared "
            "ingredients, *lead* how much more the meta-SAE explains, like with like: dictionaries by fitted codes, "
            "trained nulls by their own. How long to train was chosen on training directions. *Cosine*: the mean over "
            "latents of the largest, with an SAE on the host that is as wide."
        ),
        alt=" ".join(
            [f"Table of meta-SAEs on directions beside their floors. {title}.", *(m.why for m in found.metas)]
        ),
        data=pd.DataFrame(
            [(one.width, lead.floor, lead.mean, lead.low, lead.high) for one in found.metas for lead in one.leads],
            columns=["width", "floor", "lead", "low", "high"],
        ),
        html=framed("Meta-SAEs on directions", HEADS, body, "compared"),
    )


def _rows(one: Meta) -> list[str]:
    rows = [
        _row("own codes, held out", f"{mean(one.own):.3f}"),
        _row("its dictionary, fitted codes", f"{mean(one.refit):.3f}"),
        _row("own codes, in sample", f"{mean(one.in_sample):.3f}"),
    ]
    for lead in sorted(one.leads, key=lambda lead: lead.mean):
        observed = mean(one.refit if lead.floor in DICTIONARIES else one.own)
        rows.append(
            _row(
                NAMES.get(lead.floor, lead.floor), f"{observed - lead.mean:.3f}", f"{lead.mean:+.3f}",
                f"{lead.low:+.3f} to {lead.high:+.3f}",
            )
        )  # fmt: skip
    for name, cosines in one.small.items():
        for key, called in OTHERS.items():
            if f"to_{key}" in cosines:
                rows.append(_row(f"cosine of {called} to latents of {name}", f"{cosines[f'to_{key}']:.2f}"))
    return rows


def _row(name: str, *cells: str) -> str:
    shown = "".join(f"<td>{escape(cell)}</td>" for cell in [*cells, *("–" for _ in HEADS[1 + len(cells) :])])
    return f'<tr><th scope="row">{escape(name)}</th>{shown}</tr>'
