"""Variance of its own input that each depth of the latents tower explains, beside its floors."""

from __future__ import annotations

import pandas as pd

from analysis.drawing import Drawing, over_depth, series, spoken
from analysis.results import Results


def variance_by_depth(results: Results) -> Drawing:
    """Held-out variance explained of the depth's own input: trained host, random host, random dictionary, PCA."""
    kind = "latents"
    lines = pd.concat(
        [
            series(results, "trained host", "variance_explained", kind),
            series(results, "random host", "variance_explained", kind, control="random_host"),
            series(results, "PCA, same L0", "variance_explained", kind, control="pca"),
            series(results, "random dictionary", "variance_explained", kind, control="random_dictionary"),
        ]
    )
    last = max(results.depths(kind))

    def gap(depth: int) -> float:
        trained = results.mean("variance_explained", kind, depth)
        return trained - results.mean("variance_explained", kind, depth, control="random_host")

    shrinks = gap(last) < gap(1)
    title = (
        f"A trained host helps less and less: its lead over a random host "
        f"{'shrinks' if shrinks else 'goes'} from {spoken(gap(1))} at depth 1 to {spoken(gap(last))} at depth {last}"
    )
    return Drawing(
        title=title,
        caption=(
            "Share of the variance of its own input that each depth of the *latents* tower explains on held-out "
            "digits. Lines are means, bands the range over seeds. Read it from below: a random dictionary with "
            "codes fitted by least squares is the floor, PCA with as many components as active latents is a linear "
            "baseline, and the same tower on a host that was never trained shows what needs no learned features."
        ),
        alt=(
            f"Line chart over depth 1 to {last}. Trained host falls from "
            f"{spoken(results.mean('variance_explained', kind, 1))} to "
            f"{spoken(results.mean('variance_explained', kind, last))}; random host from "
            f"{spoken(results.mean('variance_explained', kind, 1, control='random_host'))} to "
            f"{spoken(results.mean('variance_explained', kind, last, control='random_host'))}; "
            "PCA and the random dictionary fall to nearly 0."
        ),
        data=lines,
        chart=over_depth(lines, "held-out variance explained", domain=(0, 1)),
    )
