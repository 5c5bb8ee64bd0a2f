"""The verdict on every depth of the latents tower, with all that it rests on."""

from __future__ import annotations

from analysis.drawing import Drawing
from analysis.margins import spelled
from analysis.results import Results
from analysis.tables._verdict import verdict_table

EXPERIMENTS = ("towers",)


def verdict(results: Results) -> Drawing:
    """Columns are depths; the first row is the word."""
    html, data, words = verdict_table(results, "latents")
    return Drawing(
        kind="tbl",
        title=f"Latents tower: {spelled([verdict.word for verdict in words])}",
        caption=(
            f"Means over {results.runs['seed'].nunique()} seeds; point at a number for its 95% interval, at a word for "
            "the reason. Own codes are to be compared with the trained floors below them, fitted codes with the "
            "unlearned dictionaries below them."
        ),
        alt="Table of verdicts by depth with the numbers that decided them.",
        data=data,
        html=html,
    )
