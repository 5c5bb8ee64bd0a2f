"""Two ways a tower can cheat: latents that never fire, and latents that copy their input."""

from __future__ import annotations

import pandas as pd

from analysis.figures.drawing import Drawing, mean_or_nan, over_depth, series, spoken
from analysis.figures.words import RANDOM, UNDEFINED, bands, judged, known, needed, no_random, tower_depths, versus
from analysis.results.findings import FALLS, beside, over_depths, trend
from analysis.results.tables import Results

EXPERIMENTS = ("towers",)
KIND = "latents"
STYLES = {
    "live latents": ("c1", [1, 0]),
    "live, random": ("c1", [4, 2]),
    "copies": ("c2", [1, 0]),
    "copies, random": ("c2", [6, 3]),
}
LINES = {
    "live latents": ("live_share", "none"),
    "live, random": ("live_share", RANDOM),
    "copies": ("copy_score", "none"),
    "copies, random": ("copy_score", RANDOM),
}


def live_by_depth(results: Results) -> Drawing:
    """Share of live latents and copy score of the latents tower."""
    depths = tower_depths(results, KIND)
    lines = pd.concat(
        series(results, name, measure, KIND, control=control) for name, (measure, control) in LINES.items()
    )
    lines = needed(lines, "share of live latents, or of copies, in its latents tower", results)
    own = needed(
        lines[lines["series"].isin(["live latents", "copies"])], "live latents or copies in its tower", results
    )
    last = int(own["depth"].max())

    def end(measure: str, control: str = "none") -> str:
        return spoken(mean_or_nan(results, measure, KIND, last, control), True)

    trends = {measure: trend(over_depths(results, measure, KIND)) for measure in ("live_share", "copy_score")}
    compared = {measure: beside(results, measure, KIND, last) for measure in trends}
    only = "only " if trends["live_share"].word == FALLS else ""
    network = {
        measure: versus(one, f"on a random network ({end(measure, RANDOM)})") for measure, one in compared.items()
    }
    told = [
        f"{name}: {known({d: mean_or_nan(results, measure, KIND, d, control) for d in depths}, True)}"
        for name, (measure, control) in LINES.items()
        if name in set(lines["series"])
    ]
    parts = [
        f"{lead}{end(measure)}{text}{network[measure]}"
        for measure, lead, text in (
            ("live_share", only, " of the latents fire at all"), ("copy_score", "", " are copies of one latent below")
        )
        if end(measure) != UNDEFINED
    ]  # fmt: skip
    return Drawing(
        title=f"At depth {last} " + ", and ".join(parts),
        caption=(
            "Live latents fire on at least one held-out example. A copy is a latent whose direction has a cosine of "
            "more than 0.9 to a single latent of the depth below: it renames its input. Depth 1 "
            f"is compared with the network's neurons. {bands(results)}{no_random(results)}{judged(*compared.values())}"
        ),
        alt=f"Line chart over depth. {'; '.join(told)}.",
        data=lines,
        chart=over_depth(lines, "share of latents", domain=(0, 1), percent=True, styles=STYLES),
    )
