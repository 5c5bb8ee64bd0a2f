"""Where towers stopped by themselves, and what they said."""

from __future__ import annotations

from html import escape

from analysis.figures.drawing import Drawing
from analysis.figures.html_table import framed
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
    return Drawing(
        kind="tbl",
        title=f"{len(first)} of {len(results.variants)} recipes stopped by themselves in some seed",
        caption=(
            "What the tower said, in how many seeds; the sentence of the first of them. *Its variance* is that of the "
            "rows that the next depth would have read."
        ),
        alt="Table of the towers that stopped by themselves.",
        data=rows[["variant", "seed", "depth", "reason", "value", "limit", "sentence"]],
        html=framed("Towers that stopped by themselves", ["recipe", "seeds", "what it said"], [body]),
    )
