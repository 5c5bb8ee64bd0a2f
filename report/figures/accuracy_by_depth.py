"""The host's accuracy with each depth decoded all the way down and spliced in."""

from __future__ import annotations

import pandas as pd

from analysis.figures.drawing import Drawing, mean_or_nan, over_depth, series, spoken
from analysis.figures.words import bands, classes, judged, known, needed, needs_labels
from analysis.results.findings import by_run, compare
from analysis.results.tables import Results
from sae.errors import DataError

EXPERIMENTS = ("towers",)
MEASURE = "host_accuracy"
STYLES = {
    "latents tower": ("c1", [1, 0]),
    "directions tower": ("c2", [6, 3]),
}


def accuracy_by_depth(results: Results) -> Drawing:
    """Held-out accuracy of the trained host with the reconstruction of each depth in place of its activations."""
    needs_labels(results)
    lines = pd.concat(
        [
            series(results, label, MEASURE, kind)
            for label, own in (("latents tower", "latents"), ("directions tower", "directions"))
            for kind in ("host", own)
        ]
    )
    lines = needed(lines, "accuracy of its network with a depth spliced in", results)
    ends = {kind: max(results.depths(kind)) for kind in ("latents", "directions") if results.depths(kind)}
    values = {kind: mean_or_nan(results, MEASURE, kind, last) for kind, last in ends.items()}
    values = {kind: value for kind, value in values.items() if value == value}
    if not values:
        raise DataError(f"{results.experiment} has no tower whose depths were spliced into its network")
    untouched = by_run(results, MEASURE, "host", 0)
    compared = {kind: compare(by_run(results, MEASURE, kind, ends[kind]), untouched) for kind in values}
    clean, n = mean_or_nan(results, MEASURE, "host", 0), classes(results)
    deep = "1 depth" if set(ends.values()) == {1} else f"{max(ends.values())} depths"
    told = [
        f"{spoken(value, True)} of examples by the {kind} tower"
        + (f" ({compared[kind].than('untouched')})" if compared[kind] else "")
        for kind, value in values.items()
    ]
    return Drawing(
        title=f"Read through {deep}, the host classifies {', '.join(told)}",
        caption=(
            "Held-out accuracy of the trained host when its activations at the hook are replaced by what a depth "
            "gives back, decoded all the way down. "
            + (f"Depth 0 is the host untouched ({spoken(clean, True)})" if clean == clean else "")
            + (f"; guessing among {n} equally frequent classes gives {spoken(1 / n, True)}" if n > 1 else "")
            + f". The axis does not start at 0. {bands(results)}{judged(*compared.values())}"
        ),
        alt="Line chart of accuracy over depth"
        + (f", untouched {spoken(clean, True)}" if clean == clean else "")
        + "".join(
            f"; through the {kind} tower "
            + known({d: mean_or_nan(results, MEASURE, kind, d) for d in results.depths(kind)}, True)
            for kind in values
        )
        + ".",
        data=lines,
        chart=over_depth(
            lines, "accuracy, held out", domain=(round(max(0.0, float(lines["value"].min()) - 0.05), 2), 1),
            percent=True, styles=STYLES,
        ),
    )  # fmt: skip
