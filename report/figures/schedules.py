"""Schedules of width and active latents: what each depth explains beside its floors, lives on and is selective by."""

from __future__ import annotations

import pandas as pd

from analysis.figures.drawing import Drawing
from analysis.figures.html_table import framed, group
from analysis.figures.verdict_cells import cells, chip
from analysis.plan.config import RunConfig
from analysis.results.rule import STRUCTURE
from analysis.results.tables import Results
from analysis.results.verdict import verdicts

EXPERIMENTS = ("schedules",)
KIND = "latents"
COLUMNS = (
    ("explained", "variance_explained", "held_out", "none"),
    ("fitted", "variance_explained_refit", "held_out", "none"),
    ("stored rows", "variance_explained", "held_out", "stored_dictionary"),
    ("bound", "variance_explained", "train", "memorising"),
    ("live", "live_share", "held_out", "none"),
    ("copies", "copy_score", "train", "none"),
    ("network", "host_variance_explained", "held_out", "none"),
    ("selectivity", "selectivity", "held_out", "none"),
    ("one-class", "exclusive_share", "held_out", "none"),
    ("found again", "matched_share", "train", "none"),
)


def schedules(results: Results) -> Drawing:
    """Rows are depths from 2 on, grouped by schedule."""
    body, data = [], []
    for variant in results.variants:
        seen = results.of(variant)
        config = RunConfig.from_canonical(str(seen.runs["config"].iloc[0]))
        tower = config.towers[0]
        body.append(group(variant, len(COLUMNS) + 2))
        words = verdicts(seen)
        for depth in range(2, tower.depth + 1):
            sae = tower.at(depth, config.sae)
            html, means = cells(seen, COLUMNS, KIND, depth, 2)
            body.append(
                f'<tr><th scope="row">depth {depth}: {sae.width:,} latents, {sae.k} active</th>'
                f"<td>{chip(words[KIND, depth])}</td>{html}</tr>"
            )
            data.append(
                {
                    "schedule": variant,
                    "rule_of_k": tower.k,
                    "depth": depth,
                    "width": sae.width,
                    "k": sae.k,
                    "word": words[KIND, depth].word,
                }
                | means
            )
    table = pd.DataFrame(data)
    kept = table["rule_of_k"] == "constant"
    found = table["word"] == STRUCTURE
    return Drawing(
        kind="tbl",
        title=(
            f"Where the number of active latents stays, {int((kept & found).sum())} of {int(kept.sum())} depths from 2 "
            f"on are structure; where it is halved, {int((~kept & found).sum())} of {int((~kept).sum())}"
        ),
        caption=(
            f"Five schedules from the same depth 1 (256 latents, 16 active), means over "
            f"{results.runs['seed'].nunique()} seeds. Explained: held-out variance of the depth's own input, with its "
            "own codes, with fitted codes, and by as many stored rows with fitted codes; the memorising bound in "
            "sample. Network: held-out variance of the network's state, decoded all the way down. One-class: as a "
            "share of all latents. Found again: share of latents that another seed finds on the same rows."
        ),
        alt="Table of five schedules by depth.",
        data=table,
        html=framed(
            "Schedules by depth", ["schedule", "verdict", *(name for name, *_ in COLUMNS)], body, "verdict-table"
        ),
    )
