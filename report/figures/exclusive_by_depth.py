"""Share of latents that belong to one class, with a denominator that cannot shrink."""

from __future__ import annotations

import pandas as pd

from analysis.figures.drawing import Drawing, mean_or_nan, over_depth, series, spoken
from analysis.figures.words import (
    RANDOM,
    bands,
    judged,
    known,
    needed,
    needs_labels,
    no_random,
    opened,
    tower_depths,
    versus,
)
from analysis.results.findings import EQUAL, HIGHER, beside, by_run, compare
from analysis.results.tables import Results

EXPERIMENTS = ("towers",)
KIND, MEASURE = "latents", "exclusive_share"
CONTROLS = {"trained network": "none", "random network": RANDOM, "shuffled labels": "permuted_labels"}


def exclusive_by_depth(results: Results) -> Drawing:
    """Share of all latents with at least 90% of their activation in one class, held out."""
    needs_labels(results)
    lines = pd.concat(
        [
            series(results, label, MEASURE, kind, control=control)
            for label, control in CONTROLS.items()
            for kind in ("host", KIND)
        ]
    )
    lines = needed(lines, "share of one-class latents in a latents tower", results)
    depths = tower_depths(results, KIND)
    tower = lines[(lines["depth"] >= 1) & (lines["series"] == "trained network")]
    needed(tower, "share of one-class latents in its latents tower", results)
    means = {depth: mean_or_nan(results, MEASURE, KIND, depth) for depth in depths}
    means = {depth: value for depth, value in means.items() if value == value}
    peak, last = max(means, key=lambda depth: means[depth]), max(means)
    compared = beside(results, MEASURE, KIND, peak)
    there = versus(compared, f"on a random network with {_spoken(results, peak, RANDOM)}")
    at_peak = by_run(results, MEASURE, KIND, peak)
    others = {compare(at_peak, by_run(results, MEASURE, KIND, depth)).word for depth in means if depth != peak}
    most = (
        "peak" if others == {HIGHER} else "are about as many at every depth, most" if others == {EQUAL} else "are most"
    )
    fired = mean_or_nan(results, "eligible_share", KIND, last)
    often = f" of the latents fire on ten held-out examples or more at depth {last}"
    shuffled = lines[lines["series"] == "shuffled labels"]["value"]
    return Drawing(
        title=(
            "No latent of any depth is of one class"
            if means[peak] <= 0
            else f"One-class latents {most} at depth {peak} ({_spoken(results, peak)} of all latents{there})"
            if len(means) > 1
            else f"One-class latents are {_spoken(results, peak)} of all latents at depth {peak}{there}"
        )
        + (
            f" and are {_spoken(results, last)} at depth {last}"
            + (f", where {spoken(fired, True)} of the latents still fire often" if fired == fired else "")
            if last != peak and means[peak] > 0
            else ""
        ),
        caption=(
            "Share of *all* latents of a depth that fire on at least ten held-out examples and have at least 90% of "
            "their activation on one class. "
            + (f"{spoken(fired, True)}{often}. " if fired == fired else "")
            + ("Depth 0 is the network's own neurons. " if (lines["depth"] == 0).any() else "")
            + (_shuffled(float(shuffled.max())) if len(shuffled) else "")
            + bands(results)
            + no_random(results)
            + judged(compared)
        ),
        alt="Line chart: share of one-class latents over depth. "
        + "; ".join(
            f"{opened(label)}: "
            + known({depth: mean_or_nan(results, MEASURE, KIND, depth, control) for depth in means}, True)
            for label, control in CONTROLS.items()
            if label in set(lines["series"])
        )
        + ".",
        data=lines,
        chart=over_depth(
            lines, "one-class latents", domain=(0, round(max(0.1, float(lines["value"].max())) * 1.15, 2)), percent=True
        ),
    )


def _spoken(results: Results, depth: int, control: str = "none") -> str:
    return spoken(mean_or_nan(results, MEASURE, KIND, depth, control), True)


def _shuffled(most: float) -> str:
    return f"With shuffled labels {f'at most {spoken(most, True)} of them qualify' if most > 0 else 'none qualifies'}. "
