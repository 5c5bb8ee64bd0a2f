"""Every measure of the directions tower over depth, each beside its controls."""

from __future__ import annotations

from analysis.drawing import Drawing
from analysis.results import Results
from analysis.tables._panel import panel

EXPERIMENTS = ("towers",)


def directions(results: Results) -> Drawing:
    """Rows are a measure under a control, columns the depths."""
    html, data = panel(results, "directions")
    wins = all(
        results.mean("variance_explained_refit", "directions", depth)
        > results.mean("variance_explained", "directions", depth, control="stored_dictionary")
        for depth in results.depths("directions")[1:]
    )
    return Drawing(
        kind="tbl",
        title=(
            "Directions tower: from depth 2 on the learned dictionary is "
            + ("better than stored rows" if wins else "not better than stored rows at every depth")
        ),
        caption=(
            f"Means over {results.runs['seed'].nunique()} seeds. Variance explained is scored by five folds from depth "
            "2 on, with the SAE's own codes and with codes refitted by matching pursuit; everything else on held-out "
            "digits. A dash: not defined there."
        ),
        alt="Table of all measures of the directions tower over depth, with their controls.",
        data=data,
        html=html,
    )
