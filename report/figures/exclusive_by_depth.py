"""Share of latents that belong to one class, with a denominator that cannot shrink."""

from __future__ import annotations

import pandas as pd

from analysis.figures.drawing import Drawing, over_depth, series, spoken
from analysis.results.tables import Results

EXPERIMENTS = ("towers",)


def exclusive_by_depth(results: Results) -> Drawing:
    """Share of all latents with at least 90% of their activation in one class, held out."""
    kind, measure = "latents", "exclusive_share"
    lines = pd.concat(
        [
            series(results, label, measure, kind_, control=control)
            for label, control in (
                ("trained network", "none"),
                ("random network", "random_host"),
                ("shuffled labels", "permuted_labels"),
            )
            for kind_ in ("host", kind)
        ]
    )
    means = {depth: results.mean(measure, kind, depth) for depth in results.depths(kind)}
    peak = max(means, key=lambda depth: means[depth])
    last = max(means)
    fired = results.mean("eligible_share", kind, last)
    top = max(0.1, float(lines["value"].max()))
    return Drawing(
        title=(
            f"One-class latents peak at depth {peak} ({spoken(means[peak], True)} of all latents) "
            f"and are {spoken(means[last], True)} at depth {last}, where few latents still fire"
        ),
        caption=(
            "Share of *all* latents of a depth that fire on at least ten held-out digits and have at least 90% of "
            f"their activation on one class. At depth {last} only {spoken(fired, True)} of the latents fire that "
            "often. Depth 0 is the network's own neurons. With shuffled labels no latent qualifies. Bands are the "
            "range over seeds."
        ),
        alt=(
            "Line chart: share of one-class latents over depth. Trained network: "
            + ", ".join(f"{spoken(value, True)} at depth {depth}" for depth, value in means.items())
            + ". Random network: "
            + ", ".join(
                f"{spoken(results.mean(measure, kind, depth, control='random_host'), True)} at depth {depth}"
                for depth in means
            )
            + "."
        ),
        data=lines,
        chart=over_depth(lines, "one-class latents", domain=(0, round(top * 1.15, 2)), percent=True),
    )
