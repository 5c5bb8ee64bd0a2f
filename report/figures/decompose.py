"""Does training against a meta-SAE make directions harder to decompose? A directions SAE on each base."""

from __future__ import annotations

from html import escape

import pandas as pd

from analysis.figures.drawing import Drawing, spoken
from analysis.figures.html_table import framed, group
from analysis.figures.verdict_cells import over, said
from analysis.figures.words import judged, mean_of_seeds, seeds_of
from analysis.results.findings import by_run, compare
from analysis.results.tables import Results
from sae.errors import DataError

EXPERIMENTS = ("decompose",)
KIND = "directions"
ROWS = (
    ("base SAE", "variance explained of the network", "variance_explained", 1, "held_out", "none", 3),
    ("", "mean |φ| between latents", "phi", 1, "held_out", "none", 3),
    ("", "live latents", "live_share", 1, "held_out", "none", 2),
    ("its directions, by a meta-SAE", "in-sample", "variance_explained", 2, "train", "none", 2),
    ("", "held out, own codes", "variance_explained", 2, "held_out", "none", 2),
    ("", "held out, fitted codes", "variance_explained_refit", 2, "held_out", "none", 3),
    ("", "stored directions, fitted codes", "variance_explained", 2, "held_out", "stored_dictionary", 3),
    ("", "random directions, fitted codes", "variance_explained", 2, "held_out", "random_dictionary", 3),
)


def decompose(results: Results) -> Drawing:
    """Columns are the base SAEs."""
    variants = results.variants
    if len(variants) < 2:
        raise DataError(f"{results.experiment} has {len(variants)} variant: two base SAEs are compared here")
    body, data = [], []
    for title, label, measure, depth, split, control, digits in ROWS:
        if title:
            body.append(group(title, len(variants) + 1))
        cells = ""
        for variant in variants:
            mean, low, high = over(results.of(variant), measure, KIND, depth, split, control)
            cells += (
                f'<td>{said(mean, digits)}<span class="between">{said(low, digits)} to {said(high, digits)}</span></td>'
            )
            data.append(
                {"row": f"{measure}, depth {depth}, {split}, {control}", "base": variant, "mean": mean, "low": low,
                 "high": high}
            )  # fmt: skip
        body.append(f'<tr><th scope="row">{escape(label)}</th>{cells}</tr>')
    joint, alone = fitted(results, variants[1]), fitted(results, variants[0])
    found = compare(joint, alone)
    if not found:
        raise DataError(
            f"{results.experiment} has no variance of directions explained with fitted codes in both variants"
        )
    word = found.choose(higher="easier", lower="harder", equal="about as easy", undecided="undecided")
    lead = (
        f"Whether joint training made directions easier or harder to decompose is {word}"
        if word == "undecided"
        else f"Joint training made directions {word} to decompose"
    )
    return Drawing(
        kind="tbl",
        title=(
            f"{lead}: held-out variance explained by a meta-SAE changes by {spoken(found.difference)}"
            + (f" ({spoken(found.low)} to {spoken(found.high)})" if found.low == found.low else "")
        ),
        caption=(
            "A base SAE trained alone, and one trained against a meta-SAE inside; then a fresh meta-SAE on the "
            f"directions of each. Each cell: {mean_of_seeds(seeds_of(results))}; the difference "
            f"in the title is taken within seeds, with fitted codes.{judged(found)}"
        ),
        alt=f"Table that compares two base SAEs: {lead[0].lower()}{lead[1:]}.",
        data=pd.DataFrame(data),
        html=framed("Joint training and decomposability", ["measured on", *map(escape, variants)], body),
    )


def fitted(results: Results, variant: str) -> dict[str, float]:
    """Held-out variance explained of the directions with fitted codes, by seed: runs of two variants differ."""
    seen = results.of(variant)
    seed_of = dict(zip(seen.runs["run"].astype(str), seen.runs["seed"].astype(str), strict=True))
    return {seed_of[run]: value for run, value in by_run(seen, "variance_explained_refit", KIND, 2).items()}
