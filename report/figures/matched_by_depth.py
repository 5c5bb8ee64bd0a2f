"""How much of a depth another seed finds again on the same rows."""

from __future__ import annotations

import pandas as pd

from analysis.figures.drawing import Drawing, over_depth, series, spoken
from analysis.results.tables import Results

EXPERIMENTS = ("towers",)
STYLES = {
    "latents tower": ("c1", [1, 0]),
    "directions tower": ("c3", [1, 0]),
    "random, latents": ("c2", [6, 3]),
    "random, directions": ("c6", [6, 3]),
}


def matched_by_depth(results: Results) -> Drawing:
    """Mean cosine of one-to-one pairs between two seeds, beside pairs with random directions."""
    parts = []
    for kind in ("latents", "directions"):
        parts.append(series(results, f"{kind} tower", "matched_cosine", kind, "train"))
        parts.append(series(results, f"random, {kind}", "matched_cosine", kind, "train", "random_dictionary"))
    lines = pd.concat(parts)
    depths = results.depths("latents")

    def at(depth: int, kind: str, measure: str = "matched_cosine", control: str = "none") -> str:
        return spoken(results.mean(measure, kind, depth, "train", control), percent=measure == "matched_share")

    shares = ", ".join(at(depth, "latents", "matched_share") for depth in depths)
    return Drawing(
        title=(
            f"Another seed finds depth 1 again with a mean cosine of {at(1, 'latents')}, depth {depths[-1]} of the "
            f"latents tower with {at(depths[-1], 'latents')}"
        ),
        caption=(
            "A second SAE from another seed was trained on the rows of each depth, and their latents paired one to "
            "one (Hungarian algorithm, decoder and encoder together). Shown is the mean decoder cosine of all pairs, "
            "good and bad; dashed, the same with random directions, which come near each other where dimensions are "
            f"few. Pairs that agree to .7 in both decoder and encoder, latents tower, by depth: {shares}. Bands: 95% "
            f"intervals over {lines['run'].nunique()} seeds."
        ),
        alt=(
            "Line chart over depth of the mean cosine between matched latents of two seeds. Latents tower "
            + ", ".join(f"{at(depth, 'latents')} at depth {depth}" for depth in depths)
            + ". Directions tower "
            + ", ".join(f"{at(depth, 'directions')} at depth {depth}" for depth in results.depths("directions"))
            + "."
        ),
        data=lines,
        chart=over_depth(lines, "mean cosine to the other seed", domain=(0, 1), styles=STYLES, intervals=True),
    )
