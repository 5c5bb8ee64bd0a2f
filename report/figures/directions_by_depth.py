"""What a dictionary learned from directions is worth: the same coder for it and for random dictionaries, held out."""

from __future__ import annotations

import pandas as pd

from analysis.figures.drawing import Drawing, over_depth, series, spoken
from analysis.results.tables import Results

EXPERIMENTS = ("towers",)
STYLES = {
    "its own codes, in-sample": ("c5", [1, 0]),
    "best codes": ("c1", [1, 0]),
    "stored rows": ("c6", [6, 3]),
    "matched random": ("c4", [8, 3, 2, 3]),
    "its own codes": ("c3", [4, 2]),
    "isotropic random": ("c2", [6, 3]),
    "memorising bound": ("c6", [1, 3]),
}


def directions_by_depth(results: Results) -> Drawing:
    """From depth 2 on: held-out variance explained with own and with fitted codes, beside random dictionaries."""
    kind, measure = "directions", "variance_explained"
    lines = pd.concat(
        [
            series(results, "its own codes, in-sample", measure, kind, split="train"),
            series(results, "memorising bound", measure, kind, split="train", control="memorising"),
            series(results, "best codes", "variance_explained_refit", kind),
            series(results, "stored rows", measure, kind, control="stored_dictionary"),
            series(results, "matched random", measure, kind, control="matched_dictionary"),
            series(results, "its own codes", measure, kind),
            series(results, "isotropic random", measure, kind, control="random_dictionary"),
        ]
    )
    lines = lines[lines["depth"] >= 2]
    last = max(results.depths(kind))
    inside = results.mean(measure, kind, 2, "train")
    learned = results.mean("variance_explained_refit", kind, 2)
    matched = results.mean(measure, kind, 2, control="matched_dictionary")
    stored = results.mean(measure, kind, 2, control="stored_dictionary")
    bound = results.mean(measure, kind, 2, "train", "memorising")
    low = min(0.0, float(lines["value"].min()) - 0.02)
    return Drawing(
        title=(
            f"On directions that were left out, the learned dictionary explains {spoken(learned)} with the best codes "
            f"we can fit; training directions stored by heart {spoken(stored)}, random ones of their covariance "
            f"{spoken(matched)}"
        ),
        caption=(
            "Variance explained by the *directions* tower. Its rows are the unit-norm decoder directions of the depth "
            "below, so there are few of them: storing half of the rows verbatim already explains half of the variance "
            "(memorising bound), and rows stored with a little fitting more than that. All lines but the two marked "
            "in-sample and bound are held out by five folds. *Best codes*, stored rows and both random dictionaries "
            "use one coder, orthogonal matching pursuit with least squares; *its own codes* come from the SAE's "
            "encoder. *Stored rows* is a dictionary of training rows by heart, *matched random* one of their random "
            "mixtures. Bands, where they are wider than the line, are the range over seeds."
        ),
        alt=(
            f"Line chart over depth 2 to {last}. In-sample {spoken(inside)} at depth 2, memorising bound "
            f"{spoken(bound)}. Held out at depth 2: best codes {spoken(learned)}, stored rows {spoken(stored)}, "
            f"matched random dictionary {spoken(matched)}, the SAE's own codes "
            f"{spoken(results.mean(measure, kind, 2))}, isotropic random dictionary "
            f"{spoken(results.mean(measure, kind, 2, control='random_dictionary'))}."
        ),
        data=lines,
        chart=over_depth(lines, "share of variance explained", domain=(round(low, 2), 0.8), styles=STYLES),
    )
