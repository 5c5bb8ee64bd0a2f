"""Variance that meta-SAEs on directions explain: in-sample, held out, and the bounds that noise reaches."""

from __future__ import annotations

import pandas as pd

from analysis.drawing import Drawing, over_depth, series, spoken
from analysis.results import Results
from analysis.style import SERIES

STYLES = {
    "in-sample": ("c1", [1, 0]),
    "held out": ("c1", [4, 2]),
    "held out, random host": ("c2", [6, 3]),
    "random dictionary": SERIES["random dictionary"],
    "memorising bound": SERIES["memorising bound"],
}


def directions_by_depth(results: Results) -> Drawing:
    """From depth 2 on: in-sample and held-out variance explained, memorising bound, random dictionary."""
    kind, measure = "directions", "variance_explained"
    lines = pd.concat(
        [
            series(results, "in-sample", measure, kind, split="train"),
            series(results, "memorising bound", measure, kind, split="train", control="memorising"),
            series(results, "held out", measure, kind),
            series(results, "random dictionary", measure, kind, control="random_dictionary"),
            series(results, "held out, random host", measure, kind, control="random_host"),
        ]
    )
    lines = lines[lines["depth"] >= 2]
    last = max(results.depths(kind))
    inside, outside = results.mean(measure, kind, 2, "train"), results.mean(measure, kind, 2)
    floor = results.mean(measure, kind, 2, control="random_dictionary")
    low = min(-0.05, float(lines["value"].min()) - 0.02)
    verdict = "no more than a random dictionary" if outside < floor + 0.05 else "more than a random dictionary"
    return Drawing(
        title=(
            f"Meta-SAEs on directions explain {spoken(inside)} of the rows they were trained on, but only "
            f"{spoken(outside)} of rows left out: {verdict} ({spoken(floor)})"
        ),
        caption=(
            "Variance explained by the *directions* tower. Its rows are the unit-norm decoder directions of the "
            "depth below, so there are few of them: storing half of the rows verbatim already explains half of "
            "the variance (memorising bound), and rows stored with a little fitting more than that, so in-sample values "
            "above the bound prove nothing. Held-out values come from five folds, each scored by an SAE trained "
            "on the other four. Bands are the range over seeds."
        ),
        alt=(
            f"Line chart over depth 2 to {last}. In-sample variance explained stays near {spoken(inside)}, above the "
            f"memorising bound; held out it is {spoken(outside)} at depth 2 and "
            f"{spoken(results.mean(measure, kind, last))} at depth {last}, at or below the random dictionary."
        ),
        data=lines,
        chart=over_depth(lines, "variance explained", domain=(round(low, 2), 1), styles=STYLES),
    )
