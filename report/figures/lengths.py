"""Training length of SAEs on directions: what is explained in-sample and of left-out rows, beside floors."""

from __future__ import annotations

import pandas as pd

from analysis.figures.drawing import Drawing
from analysis.figures.html_table import framed
from analysis.figures.verdict_cells import cells, chip
from analysis.plan.config import RunConfig
from analysis.results.tables import Results
from analysis.results.verdict import verdicts

EXPERIMENTS = ("lengths",)
KIND, DEPTH = "directions", 2
COLUMNS = (
    ("in-sample", "variance_explained", "train", "none"),
    ("held out, own codes", "variance_explained", "held_out", "none"),
    ("on Gaussian rows", "variance_explained", "held_out", "gaussian_null"),
    ("tower on Gaussian rows", "variance_explained", "held_out", "gaussian_tower"),
    ("held out, fitted codes", "variance_explained_refit", "held_out", "none"),
    ("random mixtures", "variance_explained", "held_out", "matched_dictionary"),
    ("stored rows", "variance_explained", "held_out", "stored_dictionary"),
)


def lengths(results: Results) -> Drawing:
    """A row a length."""
    body, data = [], []
    for variant in results.variants:
        seen = results.of(variant)
        steps = RunConfig.from_canonical(str(seen.runs["config"].iloc[0])).towers[0].train.steps
        verdict = verdicts(seen)[KIND, DEPTH]
        html, means = cells(seen, COLUMNS, KIND, DEPTH, 3)
        body.append(f'<tr><th scope="row">{steps:,} steps</th><td>{chip(verdict)}</td>{html}</tr>')
        data.append({"steps": steps, "word": verdict.word} | means)
    table = pd.DataFrame(data)
    ahead = table[table["held out, fitted codes"] > table["stored rows"]]
    where = ", ".join(f"{steps:,}" for steps in ahead["steps"])
    return Drawing(
        kind="tbl",
        title=(
            "The longer the training, the better in-sample; the dictionary passes stored rows "
            + (f"at {where} steps" if len(ahead) else "at no length")
        ),
        caption=(
            f"Depth 2 of the directions tower, 256 latents for 512 directions, means over "
            f"{results.runs['seed'].nunique()} seeds. Held out by five folds. Own codes are to be compared with the "
            "two Gaussian floors beside them, which were trained as long, fitted codes with the dictionaries beside "
            "them. Point at a number for its interval, at a word for the reason."
        ),
        alt="Table of training lengths.",
        data=table,
        html=framed(
            "Training lengths", ["trained for", "verdict", *(name for name, *_ in COLUMNS)], body,
            "verdict-table", "compared",
        ),
    )  # fmt: skip
