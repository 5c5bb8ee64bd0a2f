"""The class-selective latents of every depth: sortable, filterable, with thumbnails, complete without scripts."""

from __future__ import annotations

from html import escape

import pandas as pd

from analysis.drawing import Drawing
from analysis.results import Results
from analysis.sprite import cells, spoken_counts

PER_DEPTH = 60
IMAGES = 5
COLUMNS = (
    ("latent", "latent", "its number, with the depth in front: d3/412"),
    ("class", "class", "the class with the largest mean activation on training digits"),
    ("f1", "F1", "harmonic mean of precision and recall, held out"),
    ("precision", "precision", "of the held-out digits on which it fires, the share that has its class"),
    ("recall", "recall", "of the held-out digits of its class, the share on which it fires"),
    ("selectivity", "selectivity", "largest minus second class mean, over the largest"),
    ("share", "top class", "share of its activation on its strongest class"),
    ("rate", "fires on", "share of the held-out digits on which it fires"),
)


def neurons(results: Results) -> Drawing:
    """The best latents of each depth by F1, first seed, latents tower; depth 0 are the host's neurons."""
    whole = detectors(results)
    best = whole.sort_values(["depth", "f1"], ascending=[True, False]).groupby("depth").head(PER_DEPTH)
    heads = [
        f'<th scope="col" data-key="{key}" title="{escape(says)}"><button type="button">{name}</button></th>'
        for key, name, says in COLUMNS
    ]
    heads.insert(2, '<th scope="col">strongest images</th>')
    body = "".join(_row(results, row) for _, row in best.sort_values("f1", ascending=False).iterrows())
    classes = "".join(
        f'<button type="button" data-class="{escape(name)}" aria-pressed="false">{escape(name)}</button>'
        for name in results.sprite["class_names"]
    )
    depths = "".join(
        f'<button type="button" data-depth="{depth}" aria-pressed="false">{"neurons" if depth == 0 else depth}</button>'
        for depth in sorted(whole["depth"].unique())
    )
    html = (
        '<div class="neurons"><div class="neuron-filters">'
        f'<div role="group" aria-label="Filter by depth"><span>depth</span>{depths}</div>'
        f'<div role="group" aria-label="Filter by class"><span>class</span>{classes}</div>'
        '<p class="neuron-count" aria-live="polite"></p></div>'
        '<div class="table-scroll" tabindex="0" role="region" aria-label="Class-selective latents">'
        '<table data-quarto-disable-processing="true" class="neuron-table">'
        f"<thead><tr>{''.join(heads)}</tr></thead>"
        f"<tbody>{body}</tbody></table></div></div>"
    )
    best_of = whole.groupby("depth")["f1"].max()
    return Drawing(
        kind="tbl",
        title=(
            f"The best detector of one class is a {'neuron' if best_of.idxmax() == 0 else 'latent'}; best F1: "
            + ", ".join(
                f"{value:.2f} {'(neurons)' if depth == 0 else f'(depth {depth})'}" for depth, value in best_of.items()
            )
        ),
        caption=(
            f"Latents as detectors of one class: the {PER_DEPTH} best of each depth by F1. A latent's class is chosen "
            "on training digits and scored on held-out ones. Only latents that fire on ten held-out digits or more "
            "are ranked. Press a column's name to sort; choose depths and classes above. Depth 0 are the host's own "
            "neurons. First seed, latents tower."
        ),
        alt="Table of class-selective latents with depth, class, precision, recall and their strongest images.",
        data=whole,
        html=html,
    )


def detectors(results: Results) -> pd.DataFrame:
    """One row a latent that can be ranked: depth, latent, class, f1, precision, recall, selectivity, share, rate."""
    rows = results.latents
    rows = rows[
        (rows["run"] == results.first_run) & rows["kind"].isin(["host", "latents"])
        & (rows["split"] == "held_out") & (rows["control"] == "none")
    ]  # fmt: skip
    wide = rows.pivot(index=["depth", "latent"], columns="measure", values="value").reset_index()
    wide = wide[wide["class_precision"].notna()].copy()
    names = results.sprite["class_names"]
    wide["class"] = [names[int(c)] for c in wide["chosen_class"]]
    precision, recall = wide["class_precision"], wide["class_recall"]
    # a latent that never meets its class held out has neither: its F1 is 0, not undefined
    wide["f1"] = (2 * precision * recall / (precision + recall).where(precision + recall > 0)).fillna(0)
    wide = wide.rename(
        columns={
            "class_precision": "precision",
            "class_recall": "recall",
            "top_class_share": "share",
            "firing_rate": "rate",
        }
    )
    wide.columns.name = None
    keep = ["depth", "latent", "class", "f1", "precision", "recall", "selectivity", "share", "rate"]
    return wide[keep].astype({"depth": int, "latent": int}).round(4)


def _row(results: Results, row: pd.Series) -> str:
    kind = "host" if row["depth"] == 0 else "latents"
    seen = results.examples
    top = seen[
        (seen["run"] == results.first_run) & (seen["kind"] == kind) & (seen["depth"] == row["depth"])
        & (seen["control"] == "none") & (seen["latent"] == row["latent"])
    ].sort_values("rank").head(IMAGES)  # fmt: skip
    examples = top["example"].tolist()
    numbers = "".join(f"<td>{row[key]:.2f}</td>" for key, _, _ in COLUMNS[2:-1]) + f"<td>{row['rate']:.1%}</td>"
    pictures = (
        f'<td><div class="digits line" role="img" aria-label="{spoken_counts(results.sprite, examples)}">'
        f"{cells(results.sprite, examples)}</div></td>"
    )
    name = f"d{row['depth']}/{row['latent']}"
    return (
        f'<tr id="d{row["depth"]}-{row["latent"]}" data-depth="{row["depth"]}" data-class="{escape(row["class"])}">'
        f'<th scope="row" data-value="{row["depth"] * 10000 + row["latent"]}">{name}</th>'
        f"<td>{escape(row['class'])}</td>{pictures}{numbers}</tr>"
    )
