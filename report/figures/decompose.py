"""Does training against a meta-SAE make directions harder to decompose? A directions SAE on each base."""

from __future__ import annotations

from html import escape

import pandas as pd

from analysis.figures.drawing import Drawing, spoken
from analysis.figures.html_table import framed, group
from analysis.figures.verdict_cells import over, said
from analysis.results.rule import interval
from analysis.results.tables import Results

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
    low, high = interval(differences(results).tolist())
    change = float(differences(results).mean())
    return Drawing(
        kind="tbl",
        title=(
            "Joint training made directions "
            + ("easier" if low > 0 else "harder" if high < 0 else "neither easier nor harder")
            + f" to decompose: held-out variance explained by a meta-SAE changes by {spoken(change)} "
            f"({spoken(low)} to {spoken(high)})"
        ),
        caption=(
            "A base SAE trained alone, and one trained against a meta-SAE inside; then a fresh meta-SAE on the "
            f"directions of each. Means and 95% intervals over {results.runs['seed'].nunique()} seeds; the difference "
            "in the title is taken within seeds, with fitted codes."
        ),
        alt="Table that compares two base SAEs.",
        data=pd.DataFrame(data),
        html=framed("Joint training and decomposability", ["measured on", *map(escape, variants)], body),
    )


def differences(results: Results) -> pd.Series:
    """Jointly trained minus alone, held-out variance explained of the directions with fitted codes, by seed."""
    columns = []
    for variant in results.variants:
        seen = results.of(variant)
        seeds = seen.runs.set_index(seen.runs["run"].astype(str))["seed"]
        rows = seen.values("variance_explained_refit", KIND)
        rows = rows[rows["depth"] == 2]
        columns.append(rows.set_index(rows["run"].astype(str).map(seeds))["value"])
    found: pd.Series = columns[1] - columns[0]
    return found
