"""The host's accuracy with each depth decoded all the way down and spliced in."""

from __future__ import annotations

import pandas as pd

from analysis.figures.drawing import Drawing, over_depth, series, spoken
from analysis.results.tables import Results

EXPERIMENTS = ("towers",)
STYLES = {
    "latents tower": ("c1", [1, 0]),
    "directions tower": ("c2", [6, 3]),
}


def accuracy_by_depth(results: Results) -> Drawing:
    """Held-out accuracy of the trained host with the reconstruction of each depth in place of its activations."""
    measure = "host_accuracy"
    lines = pd.concat(
        [
            series(results, label, measure, kind)
            for label, own in (("latents tower", "latents"), ("directions tower", "directions"))
            for kind in ("host", own)
        ]
    )
    clean = results.mean(measure, "host", 0)
    last = max(results.depths("latents"))
    end = {kind: results.mean(measure, kind, last) for kind in ("latents", "directions")}
    low = max(0.0, float(lines["value"].min()) - 0.05)
    return Drawing(
        title=(
            f"Read through {last} depths, the host still classifies {spoken(end['latents'], True)} of digits by the "
            f"latents tower, {spoken(end['directions'], True)} by the directions tower"
        ),
        caption=(
            "Held-out accuracy of the trained host when its activations at the hook are replaced by what a depth "
            f"gives back, decoded all the way down. Depth 0 is the host untouched ({spoken(clean, True)}); guessing "
            "gives about 10%. The axis does not start at 0. Bands are the range over seeds."
        ),
        alt=(
            f"Line chart of accuracy over depth 0 to {last}: from {spoken(clean, True)} untouched to "
            f"{spoken(end['latents'], True)} through the latents tower and {spoken(end['directions'], True)} "
            "through the directions tower."
        ),
        data=lines,
        chart=over_depth(lines, "accuracy, held out", domain=(round(low, 2), 1), percent=True, styles=STYLES),
    )
