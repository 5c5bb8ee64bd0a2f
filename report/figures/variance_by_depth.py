"""Variance of its own input that each depth of the latents tower explains, beside its floors."""

from __future__ import annotations

import pandas as pd

from analysis.figures.drawing import Drawing, over_depth, series, spoken
from analysis.results.tables import Results

EXPERIMENTS = ("towers",)


def variance_by_depth(results: Results) -> Drawing:
    """Held-out variance explained of the depth's own input: trained host, random host, random dictionary, PCA."""
    kind = "latents"
    lines = pd.concat(
        [
            series(results, "trained network", "variance_explained", kind),
            series(results, "random network", "variance_explained", kind, control="random_host"),
            series(results, "stored rows", "variance_explained", kind, control="stored_dictionary"),
            series(results, "PCA", "variance_explained", kind, control="pca"),
            series(results, "random dictionary", "variance_explained", kind, control="random_dictionary"),
        ]
    )
    last = max(results.depths(kind))

    def at(depth: int, control: str = "none") -> str:
        return spoken(results.mean("variance_explained", kind, depth, control=control))

    title = (
        f"At depth {last} the tower explains its own input about as well on a random network "
        f"({at(last, 'random_host')}) as on the trained one ({at(last)}); at depth 1 it does not "
        f"({at(1, 'random_host')} and {at(1)})"
    )
    return Drawing(
        title=title,
        caption=(
            "Share of the variance of its own input that each depth of the *latents* tower explains on held-out "
            "digits. Lines are means; bands, where they are wider than the line, the range over seeds. Beside it: "
            "isotropic random directions; PCA with as many components as active latents; training rows stored by "
            "heart, as many as there are latents; the same tower on a network that was never trained. Random "
            "directions and stored rows get the best codes we can fit, the towers use their own."
        ),
        alt=(
            f"Line chart over depth 1 to {last}. Trained network: from "
            f"{spoken(results.mean('variance_explained', kind, 1))} at depth 1 to "
            f"{spoken(results.mean('variance_explained', kind, last))}; random network from "
            f"{spoken(results.mean('variance_explained', kind, 1, control='random_host'))} to "
            f"{spoken(results.mean('variance_explained', kind, last, control='random_host'))}; "
            f"stored rows end at {at(last, 'stored_dictionary')}, PCA at {at(last, 'pca')}, "
            f"the random dictionary at {at(last, 'random_dictionary')}."
        ),
        data=lines,
        chart=over_depth(lines, "held-out variance explained", domain=(0, 1)),
    )
