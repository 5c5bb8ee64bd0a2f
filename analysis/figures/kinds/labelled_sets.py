"""Set by set: how well one latent tells the class of a text, beside a neuron, a random direction and the whole row.

Drawn from `data/language/labelled.json` (`analysis/results/labelled_sets.py` says what it holds).
"""

from __future__ import annotations

from html import escape
from statistics import mean

import pandas as pd

from analysis.figures.drawing import Drawing
from analysis.figures.html_table import framed, group
from analysis.results.kept_file import KeptFile
from analysis.results.labelled_sets import LOSSES, LabelledSet, LabelledSets

FROM_FILE = "data/language/labelled.json"
HEADS = {
    "row": "whole row",
    "latent": "best latent",
    "five": "five latents",
    "neurons": "best neuron",
    "random_dictionary": "best random direction",
    "shuffled": "shuffled classes",
}
RIVALS = ("latent", "neurons")
COIN = 0.693
# A set on which not even the whole row is this much better than a coin tells nothing of latents.
TOLD = 0.6


def labelled_sets(file: KeptFile) -> Drawing:
    """A row a set that the whole row tells, easiest first; the better of latent and neuron in bold."""
    found = LabelledSets.of(file)
    told = sorted((one for one in found.sets if one.losses["row"] < TOLD), key=lambda one: one.losses["row"])
    missed = len(found.sets) - len(told)
    wins = sum(one.losses["latent"] < one.losses["neurons"] for one in told)
    best = max(told, key=lambda one: one.losses["neurons"] - one.losses["latent"], default=None)
    title = f"The best latent tells the class of a text better than the best neuron on {wins} of {len(told)} sets"
    body = [
        *map(_row, told),
        group("over these sets", len(HEADS) + 1),
        *([_cells("mean", {name: mean(one.losses[name] for one in told) for name in LOSSES})] if told else []),
    ]
    return Drawing(
        kind="tbl",
        title=title if told else f"No set of {len(found.sets)} is told even by the whole row",
        caption=(
            f"Sets of labelled texts of the package sae-probes; {found.texts:,} texts each, half of them of either "
            f"class, read to their last {found.tokens} tokens{f' by {found.host}' if found.host else ''}. Numbers are "
            f"cross-entropies of a logistic probe at the last token, nats, on texts that it was not fitted on: a coin "
            f"has {COIN:.2f}, less is better. *Whole row*: all numbers of the row. The others have one number (*five "
            f"latents*: five), chosen on training texts; L0 is {found.k} for all. Last, the latent that wins where the "
            f"classes were shuffled. Left out: {missed} sets that not even the whole row tells ({TOLD} or more)."
        ),
        alt=f"Table of {len(told)} sets of texts and the loss of probes. {title}."
        + (f" The latent's lead is largest on {best.called}." if best and wins else ""),
        data=pd.DataFrame(
            [(one.name, name, one.losses[name]) for one in found.sets for name in LOSSES],
            columns=["set", "probe", "loss"],
        ),
        html=framed("Probe loss by set", ["texts", *HEADS.values()], body if told else [], "compared"),
    )


def _row(one: LabelledSet) -> str:
    return _cells(one.called, one.losses)


def _cells(name: str, losses: dict[str, float]) -> str:
    best = min(losses["latent"], losses["neurons"])
    cells = []
    for key in HEADS:
        number = f"{losses[key]:.2f}"
        cells.append(f"<td><b>{number}</b></td>" if key in RIVALS and losses[key] == best else f"<td>{number}</td>")
    return f'<tr><th scope="row">{escape(name)}</th>{"".join(cells)}</tr>'
