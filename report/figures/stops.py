"""Where towers stopped by themselves, and what they said."""

from __future__ import annotations

import re
from html import escape

import pandas as pd

from analysis.figures.drawing import Drawing
from analysis.figures.html_table import framed, group
from analysis.results.findings import counted
from analysis.results.tables import Results

EXPERIMENTS = ("collapse",)
# What a sentence says of its own run only: the value, behind the words that say of what.
_OWN = re.compile(
    r"\d[\d.,]*(?:e[+-]?\d+)?%?(?= of the (?:network|latents)| so that|,| of its)|(?<=error of )[\d.e+-]+"
)
_DEPTHS = re.compile(r"(?<=depth )\d+")


def stops(results: Results) -> Drawing:
    """What the towers said, each sentence once, and below it a row for each variant that said so: in how many seeds,
    before which depth, and at which value, that of the first of them."""
    variants = results.runs.drop_duplicates("run").set_index("run")[["variant", "seed"]]
    rows = results.stops.join(variants, on="run").sort_values(["variant", "seed"])
    first = rows.groupby("variant", sort=False).agg(
        sentence=("sentence", "first"), depth=("depth", "first"), seeds=("run", "nunique"), value=("value", "first"),
    )  # fmt: skip
    said = first["sentence"].astype(str).map(common)
    body = []
    for sentence, own in first.groupby(said, sort=False):
        body.append(group(str(sentence), len(HEADS)))
        body += [_row(str(variant), row) for variant, row in own.iterrows()]
    recipes = len(results.variants)
    verb = "stopped by itself" if len(first) == 1 or recipes == 1 else "stopped by themselves"
    count = f"{counted(len(first), recipes)} {'recipe' if recipes == 1 else 'recipes'}"
    title = f"{count[0].upper()}{count[1:]} {verb}" + (" in some seed" if len(first) else " in any seed")
    return Drawing(
        kind="tbl",
        title=title,
        caption=(
            "What the tower said, and which recipes made it say so, in how many seeds; the value is that of the first "
            "of them. *Its variance* is that of the rows that the next depth would have read."
        ),
        alt=f"Table of the towers that stopped by themselves. {title}.",
        data=rows[["variant", "seed", "depth", "reason", "value", "limit", "sentence"]],
        html=framed("Towers that stopped by themselves", HEADS, body, "stops-table")
        if len(first)
        else "<p>No tower stopped by itself.</p>",
    )


HEADS = ("recipe", "seeds", "before depth", "value")


def common(sentence: str) -> str:
    """What a sentence has in common with those of other runs: its value is an ellipsis, its depths are relative."""
    text = re.sub(r"^The tower stops before depth \d+: ", "", sentence)
    text = _DEPTHS.sub("", _OWN.sub("…", text)).replace("depth  ", "the last depth ").replace("  ", " ")
    return text[:1].upper() + text[1:]


def _row(variant: str, row: pd.Series) -> str:
    return (
        f'<tr><th scope="row">{escape(variant)}</th><td>{int(row["seeds"])}</td><td>{int(row["depth"])}</td>'
        f"<td>{row['value']:.2g}</td></tr>"
    )
