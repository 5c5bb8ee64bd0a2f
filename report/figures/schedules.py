"""Schedules of width and active latents: what each depth explains beside its floors, lives on and is selective by."""

from __future__ import annotations

import pandas as pd

from analysis.figures.drawing import Drawing
from analysis.figures.html_table import framed, group
from analysis.figures.verdict_cells import cells, chip
from analysis.figures.words import seeds, seeds_of
from analysis.plan.config import RunConfig
from analysis.results.tables import OF_CLASSES, Results
from analysis.results.verdict import verdicts
from sae.errors import DataError
from sae.rule import STRUCTURE

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
    columns = [column for column in COLUMNS if results.labelled or column[1] not in OF_CLASSES]
    bases: set[tuple[int, int]] = set()
    for variant in results.variants:
        seen = results.of(variant)
        config = RunConfig.from_canonical(str(seen.runs["config"].iloc[0]))
        tower = next((tower for tower in config.towers if tower.kind == KIND), None)
        if tower is None:
            raise DataError(f"variant {variant!r} of {results.experiment} has no {KIND} tower")
        bases.add((config.sae.width, config.sae.k))
        body.append(group(variant, len(columns) + 2))
        words = verdicts(seen)
        for depth in range(2, tower.depth + 1):
            sae = tower.at(depth, config.sae)
            html, means = cells(seen, columns, KIND, depth, 2)
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
    if not data:
        raise DataError(f"{results.experiment} has no schedule of two depths or more")
    table = pd.DataFrame(data)
    start = " or ".join(f"{width:,} latents, {k} active" for width, k in sorted(bases))
    return Drawing(
        kind="tbl",
        title=_finding(table),
        caption=(
            f"{len(results.variants)} {'schedule' if len(results.variants) == 1 else 'schedules'} from a depth 1 of "
            f"{start}; means over {seeds(seeds_of(results))}. Explained: held-out variance of the depth's own input, "
            "with its own codes, with fitted codes, and by as many stored rows with fitted codes; the memorising "
            "bound in sample. Network: held-out variance of the network's state, decoded all the way down. "
            f"{'One-class: as a share of all latents. ' * results.labelled}Found again: share of latents that another "
            "seed finds on the same rows."
        ),
        alt=f"Table of schedules by depth. {_finding(table)}.",
        data=table,
        html=framed(
            "Schedules by depth", ["schedule", "verdict", *(name for name, *_ in columns)], body, "verdict-table"
        ),
    )


def _finding(table: pd.DataFrame) -> str:
    """How many depths are structure under each rule of the number of active latents, and how many are undecided."""
    parts: list[str] = []
    rules = [("constant", "stays"), ("halving", "is halved")]
    rule_of = table["rule_of_k"].map(str)
    known = dict(rules)
    rules += [(rule, f"is {rule}") for rule in dict.fromkeys(rule_of) if rule not in known]
    for rule, verb in rules:
        words = table["word"][rule_of == rule]
        if len(words):
            first = not parts
            noun = "depth from 2 on is" if len(words) == 1 else "depths from 2 on are"
            said = f"{int((words == STRUCTURE).sum())} of {len(words)}" + (f" {noun} structure" if first else "")
            lost = int(words.isna().sum())
            said += f" ({lost} undecided)" if lost else ""
            parts.append(f"{'Where the number of active latents' if first else 'where it'} {verb}, {said}")
    return "; ".join(parts)
