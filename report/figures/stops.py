"""Where towers stopped by themselves, and what they said."""

from __future__ import annotations

from html import escape

from analysis.figures.drawing import Drawing
from analysis.figures.html_table import framed
from analysis.results.findings import counted
from analysis.results.tables import Results

EXPERIMENTS = ("collapse",)


def stops(results: Results) -> Drawing:
    """A row for each variant that stopped: in how many seeds, and the sentence of the first."""
    variants = results.runs.drop_duplicates("run").set_index("run")[["variant", "seed"]]
    rows = results.stops.join(variants, on="run").sort_values(["variant", "seed"])
    first = rows.groupby("variant", sort=False).agg(
        sentence=("sentence", "first"), depth=("depth", "first"), seeds=("run", "nunique")
    )
    body = "".join(
        f'<tr><th scope="row">{escape(str(variant))}</th><td>{int(seeds)}</td>'
        f'<td class="sentence">{escape(str(sentence))}</td></tr>'
        for variant, sentence, seeds in first[["sentence", "seeds"]].itertuples()
    )
    recipes = len(results.variants)
    verb = "stopped by itself" if len(first) == 1 or recipes == 1 else "stopped by themselves"
    count = f"{counted(len(first), recipes)} {'recipe' if recipes == 1 else 'recipes'}"
    title = f"{count[0].upper()}{count[1:]} {verb}" + (" in some seed" if len(first) else " in any seed")
    return Drawing(
        kind="tbl",
        title=title,
        caption=(
            "What the tower said, in how many seeds; the sentence of the first of them. *Its variance* is that of the "
            "rows that the next depth would have read."
        ),
        alt=f"Table of the towers that stopped by themselves. {title}.",
        data=rows[["variant", "seed", "depth", "reason", "value", "limit", "sentence"]],
        html=framed("Towers that stopped by themselves", ["recipe", "seeds", "what it said"], [body])
        if len(first)
        else "<p>No tower stopped by itself.</p>",
    )
