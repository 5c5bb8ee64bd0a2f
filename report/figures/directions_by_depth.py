"""What a dictionary learned from directions is worth: the same coder for it and for random dictionaries, held out."""

from __future__ import annotations

import pandas as pd

from analysis.figures.drawing import Drawing, mean_or_nan, over_depth, reaching, series, spoken
from analysis.figures.words import bands, depths_between, described, folds, judged, needed, tower_depths
from analysis.results.findings import by_run, compare
from analysis.results.tables import Results

EXPERIMENTS = ("towers",)
KIND = "directions"
EXPLAINED, REFIT = "variance_explained", "variance_explained_refit"
STYLES = {
    "its own codes, in-sample": ("c5", [1, 0]),
    "fitted codes": ("c1", [1, 0]),
    "stored rows": ("c6", [6, 3]),
    "random mixtures": ("c4", [8, 3, 2, 3]),
    "its own codes": ("c3", [4, 2]),
    "random directions": ("c2", [6, 3]),
    "memorising bound": ("c6", [1, 3]),
}
# series: measure, split, control
LINES = {
    "its own codes, in-sample": (EXPLAINED, "train", "none"),
    "memorising bound": (EXPLAINED, "train", "memorising"),
    "fitted codes": (REFIT, "held_out", "none"),
    "stored rows": (EXPLAINED, "held_out", "stored_dictionary"),
    "random mixtures": (EXPLAINED, "held_out", "matched_dictionary"),
    "its own codes": (EXPLAINED, "held_out", "none"),
    "random directions": (EXPLAINED, "held_out", "random_dictionary"),
}
BESIDE = {
    "stored_dictionary": "training directions stored by heart",
    "matched_dictionary": "random ones of their covariance",
}


def directions_by_depth(results: Results) -> Drawing:
    """From depth 2 on: held-out variance explained with own and with fitted codes, beside random dictionaries."""
    tower_depths(results, KIND)
    lines = pd.concat(
        series(results, name, measure, KIND, split, control) for name, (measure, split, control) in LINES.items()
    )
    lines = needed(lines[lines["depth"] >= 2], "directions tower of two depths", results)
    needed(lines[lines["series"] == "fitted codes"], "variance of directions explained with fitted codes", results)
    depths = sorted({int(depth) for depth in lines["depth"]})
    first = depths[0]
    learned = by_run(results, REFIT, KIND, first)
    floors = {name: by_run(results, EXPLAINED, KIND, first, name) for name in BESIDE}
    compared = {name: compare(learned, values) for name, values in floors.items()}
    told = [
        one.than(f"{BESIDE[name]} ({spoken(mean_or_nan(results, EXPLAINED, KIND, first, name))})")
        for name, one in compared.items()
        if one
    ]
    own = spoken(mean_or_nan(results, REFIT, KIND, first))
    bound = float(lines[(lines["series"] == "memorising bound") & (lines["depth"] == first)]["value"].mean())
    at_first = lines[lines["depth"] == first].groupby("series")["value"].mean()
    return Drawing(
        title=(
            f"On directions that were left out, the learned dictionary explains {own} with the best codes we can fit"
            + "".join(f", {text}" for text in told)
        ),
        caption=(
            "Variance explained by the *directions* tower. Its rows are the unit-norm decoder directions of the depth "
            "below, so there are as many as that depth has latents"
            + (
                f": storing rows verbatim, as many as there are meta-latents, already explains {spoken(bound)} of "
                f"their variance at depth {first} (memorising bound). "
                if bound == bound else ". "
            )
            + f"All lines but those marked in-sample and bound are held out by {folds(results, KIND)} folds. "
            + "".join(
                described(
                    lines,
                    {
                        "fitted codes": "*Fitted codes*, and all dictionaries that were not trained, use one coder, "
                        "orthogonal matching pursuit with least squares. ",
                        "its own codes": "*Its own codes* come from the SAE's encoder. ",
                        "stored rows": "*Stored rows* is a dictionary of training rows by heart. ",
                        "random mixtures": "*Random mixtures* have the covariance of the rows. ",
                    },
                )
            )
            + bands(results)
            + judged(*compared.values())
        ),
        alt=f"Line chart over {depths_between(depths)}. At depth {first}: "
        + ", ".join(f"{name} {spoken(float(value))}" for name, value in at_first.reindex(list(STYLES)).dropna().items())
        + ".",
        data=lines,
        chart=over_depth(
            lines, "share of variance explained",
            domain=reaching(lines, round(min(0.0, float(lines["value"].min()) - 0.02), 2), 0.8), styles=STYLES,
        ),
    )  # fmt: skip
