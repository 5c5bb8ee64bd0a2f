"""Every measure of one tower over depth, each beside its controls."""

from __future__ import annotations

from analysis.figures.drawing import Drawing
from analysis.figures.measure_rows import measure_rows
from analysis.results.tables import Results


def measures(results: Results, *, kind: str = "latents") -> Drawing:
    """Rows are a measure under a control, columns the depths."""
    html, data = measure_rows(results, kind)
    folds = (
        "Variance explained is scored by folds from depth 2 on, with the SAE's own codes and with codes refitted by "
        "matching pursuit; everything else on held-out examples."
        if kind == "directions"
        else "On held-out examples. *One SAE* is a single SAE on the network, as wide and as sparse as that depth."
    )
    return Drawing(
        kind="tbl",
        title=f"{kind.capitalize()} tower: every measure of {len(results.depths(kind))} depths, beside its controls",
        caption=f"Means over {results.runs['seed'].nunique()} seeds. {folds} A dash: not defined there.",
        alt=f"Table of all measures of the {kind} tower over depth, with their controls.",
        data=data,
        html=html,
    )
