"""Variance of its own input that each depth of the latents tower explains, beside its floors."""

from __future__ import annotations

import pandas as pd

from analysis.figures.drawing import Drawing, mean_or_nan, over_depth, reaching, series, spoken
from analysis.figures.words import (
    RANDOM,
    bands,
    described,
    judged,
    known,
    needed,
    no_random,
    opened,
    tower_depths,
    versus,
)
from analysis.results.findings import beside
from analysis.results.tables import Results

EXPERIMENTS = ("towers",)
KIND, MEASURE = "latents", "variance_explained"
CONTROLS = {
    "trained network": "none",
    "random network": RANDOM,
    "stored rows": "stored_dictionary",
    "PCA": "pca",
    "random dictionary": "random_dictionary",
}


def variance_by_depth(results: Results) -> Drawing:
    """Held-out variance explained of the depth's own input: trained host, random host, random dictionary, PCA."""
    depths = tower_depths(results, KIND)
    lines = pd.concat(series(results, label, MEASURE, KIND, control=control) for label, control in CONTROLS.items())
    lines = needed(lines, "variance explained by its latents tower on held-out rows", results)

    needed(lines[lines["series"] == "trained network"], "variance explained by its latents tower", results)

    def at(depth: int, control: str = "none") -> str:
        return spoken(mean_or_nan(results, MEASURE, KIND, depth, control))

    ends = list(dict.fromkeys((depths[-1], depths[0])))
    compared = {depth: beside(results, MEASURE, KIND, depth) for depth in ends}
    told = [
        f"at depth {depth} {'the tower explains ' if depth == ends[0] else ''}{at(depth)}"
        f"{' of its own input' if depth == ends[0] else ''}"
        + versus(compared[depth], f"{'on a random network' if depth == ends[0] else 'there'} ({at(depth, RANDOM)})")
        for depth in ends
    ]
    beside_it = described(
        lines,
        {
            "random dictionary": "random directions",
            "PCA": "PCA with as many components as active latents",
            "stored rows": "training rows stored by heart, as many as there are latents",
            "random network": "the same tower on a network that was never trained",
        },
    )
    fitted = described(lines, {"random dictionary": "random directions", "stored rows": "stored rows"})
    return Drawing(
        title=opened("; ".join(told)),
        caption=(
            "Share of the variance of its own input that each depth of the *latents* tower explains on held-out "
            f"examples. Lines are means. {bands(results)} "
            + (f"Beside it: {'; '.join(beside_it)}. " if beside_it else "")
            + (
                f"{' and '.join(fitted).capitalize()} get the best codes we can fit, the towers use their own."
                if fitted
                else ""
            )
            + no_random(results)
            + judged(*compared.values())
        ),
        alt="Line chart over depth. "
        + "; ".join(
            f"{opened(label)}: " + known({d: mean_or_nan(results, MEASURE, KIND, d, control) for d in depths})
            for label, control in CONTROLS.items()
            if label in set(lines["series"])
        )
        + ".",
        data=lines,
        chart=over_depth(lines, "held-out variance explained", domain=reaching(lines, 0, 1)),
    )
