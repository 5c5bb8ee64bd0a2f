"""Two ways a tower can cheat: latents that never fire, and latents that copy their input."""

from __future__ import annotations

import pandas as pd

from analysis.figures.drawing import Drawing, over_depth, series, spoken
from analysis.results.tables import Results

EXPERIMENTS = ("towers",)
STYLES = {
    "live latents": ("c1", [1, 0]),
    "live, random": ("c1", [4, 2]),
    "copies": ("c2", [1, 0]),
    "copies, random": ("c2", [6, 3]),
}


def live_by_depth(results: Results) -> Drawing:
    """Share of live latents and copy score of the latents tower."""
    kind = "latents"
    lines = pd.concat(
        [
            series(results, "live latents", "live_share", kind),
            series(results, "live, random", "live_share", kind, control="random_host"),
            series(results, "copies", "copy_score", kind),
            series(results, "copies, random", "copy_score", kind, control="random_host"),
        ]
    )
    last = max(results.depths(kind))
    live, copies = results.mean("live_share", kind, last), results.mean("copy_score", kind, last)
    return Drawing(
        title=(
            f"At depth {last} only {spoken(live, True)} of the latents fire at all, and {spoken(copies, True)} "
            "are copies of one latent below"
        ),
        caption=(
            "Live latents fire on at least one held-out digit. A copy is a latent whose direction has a cosine of "
            "more than 0.9 to a single latent of the depth below: it renames its input. Depth 1 "
            "is compared with the network's neurons. Bands are the range over seeds."
        ),
        alt=(
            f"Line chart over depth 1 to {last}: live latents fall to {spoken(live, True)}, copies rise from "
            f"{spoken(results.mean('copy_score', kind, 1), True)} to {spoken(copies, True)}; on the random network "
            f"copies rise to {spoken(results.mean('copy_score', kind, last, control='random_host'), True)}."
        ),
        data=lines,
        chart=over_depth(lines, "share of latents", domain=(0, 1), percent=True, styles=STYLES),
    )
