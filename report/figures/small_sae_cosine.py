"""Are meta-latents of directions the latents of a smaller SAE? Largest cosines, beside what needs no meta-SAE."""

from __future__ import annotations

import pandas as pd

from analysis.figures.drawing import Drawing, over_depth, series, spoken
from analysis.results.tables import Results

EXPERIMENTS = ("towers",)
# Means that are closer than this count as equal.
CLEAR = 0.01
CONTROLS = {
    "directions of depth below": "stored_dictionary",
    "meta-latents": "none",
    "random mixtures": "matched_dictionary",
    "random directions": "random_dictionary",
}
STYLES = {
    "meta-latents": ("c1", [1, 0]),
    "directions of depth below": ("c2", [6, 3]),
    "random mixtures": ("c6", [8, 3, 2, 3]),
    "random directions": ("c5", [2, 2]),
}


def small_sae_cosine(results: Results) -> Drawing:
    """Mean over the smaller SAE's latents of the largest cosine to a dictionary of the same size."""
    kind = "directions"
    lines = pd.concat(
        series(results, label, "cosine_from_small", kind, "train", control) for label, control in CONTROLS.items()
    )

    def at(measure: str, control: str, depth: int = 2) -> str:
        return spoken(results.mean(measure, kind, depth, "train", control))

    depths = [depth for depth in results.depths(kind) if depth > 1]
    behind = [
        depth
        for depth in depths
        if results.mean("cosine_from_small", kind, depth, "train")
        < results.mean("cosine_from_small", kind, depth, "train", "stored_dictionary") - CLEAR
    ]
    far, near = at("cosine_from_small", "none"), at("cosine_from_small", "stored_dictionary")
    return Drawing(
        title=(
            f"A smaller SAE's latents are less like the meta-latents ({far} at depth 2) than like a choice of the "
            f"directions themselves ({near}), at {len(behind)} of {len(depths)} depths"
        ),
        caption=(
            "For every depth from 2 on, an SAE with as many latents was trained on the network itself. Each of its "
            "latents is compared with the most similar direction of a dictionary of that size: the meta-latents; a "
            "random choice from the (centred) directions that the meta-SAE read; random mixtures of those; random "
            f"directions. The other way round, from each meta-latent to the smaller SAE, the values at depth 2 are "
            f"{at('cosine_to_small', 'none')}, {at('cosine_to_small', 'stored_dictionary')}, "
            f"{at('cosine_to_small', 'matched_dictionary')} and {at('cosine_to_small', 'random_dictionary')}. Bands: "
            f"95% intervals over {lines['run'].nunique()} seeds."
        ),
        alt="Line chart over depth of the mean largest cosine from a smaller SAE. At depth 2: "
        + ", ".join(f"{label} {at('cosine_from_small', control)}" for label, control in CONTROLS.items())
        + ".",
        data=lines,
        chart=over_depth(lines, "mean of the largest cosine", domain=(0, 0.8), styles=STYLES, intervals=True),
    )
