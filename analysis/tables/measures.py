"""Every measure of the latents tower over depth, each beside its controls."""

from __future__ import annotations

from analysis.drawing import Drawing
from analysis.results import Results
from analysis.tables._panel import panel

EXPERIMENTS = ("towers",)


def measures(results: Results) -> Drawing:
    """Rows are a measure under a control, columns the depths."""
    html, data = panel(results, "latents")
    return Drawing(
        kind="tbl",
        title="Latents tower: the random network follows the rises at a lower level, sparsity explains most of them",
        caption=(
            f"Means over {results.runs['seed'].nunique()} seeds on held-out digits. *One SAE* is a single SAE on the "
            "network that is as wide and as sparse as that depth. A dash: not defined there."
        ),
        alt="Table of all measures of the latents tower over depth, with their controls.",
        data=data,
        html=html,
    )
