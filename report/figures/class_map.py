"""Every latent of every depth as a thin column: how its activation is spread over the ten classes. A raster."""

from __future__ import annotations

import io

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.figures.drawing import Drawing, spoken
from analysis.results.tables import Results

matplotlib.use("agg")


def class_map(results: Results) -> Drawing:
    """One strip for each depth of the latents tower and its random-host twin, first seed, held out."""
    kind = "latents"
    depths = results.depths(kind)
    last = max(depths)
    names = results.sprite["class_names"]

    def top(control: str, depth: int) -> float:
        return results.mean("top_class_share", kind, depth, control=control)

    figure = Figure(figsize=(7.6, 1.25 * len(depths) + 0.9), dpi=160, layout="constrained")
    axes = figure.subplots(len(depths), 2, squeeze=False)
    rows = []
    for column, (control, label) in enumerate((("none", "trained network"), ("random_host", "random network"))):
        for row, depth in enumerate(depths):
            share = _shares(results, kind, depth, control, len(names))
            axis = axes[row][column]
            axis.imshow(share.to_numpy().T, aspect="auto", cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
            axis.set_yticks(range(len(names)), names, fontsize=6)
            axis.set_xticks([])
            axis.set_title(f"depth {depth}, {label}: {len(share)} latents", fontsize=8, loc="left")
            rows.append(share.assign(depth=depth, control=control).rename_axis("latent").reset_index())
    figure.supxlabel("latents that fire on ten held-out digits or more, sorted by their strongest class", fontsize=8)
    buffer = io.BytesIO()
    # no date and no version in the file: equal tables must give equal bytes
    figure.savefig(buffer, format="png", facecolor="white", metadata={"Software": None})
    return Drawing(
        title=(
            f"The strongest class takes {spoken(top('none', 1), True)} of a latent's activation at depth 1 and "
            f"{spoken(top('none', last), True)} at depth {last}; on a random network "
            f"{spoken(top('random_host', 1), True)} and {spoken(top('random_host', last), True)}"
        ),
        caption=(
            "Each column of a strip is one latent, each row a class; the darker a cell, the larger that class's "
            "share of the latent's activation. A latent that belongs to one class is one dark cell in an empty "
            "column. First seed."
        ),
        alt=(
            f"Heat maps for depths 1 to {last}, trained network on the left, random network on the right. Dark cells "
            "form a staircase over the classes. Mean share of the strongest class, left: "
            + ", ".join(spoken(top("none", depth), True) for depth in depths)
            + "; right: "
            + ", ".join(spoken(top("random_host", depth), True) for depth in depths)
            + "."
        ),
        data=pd.concat(rows),
        png=buffer.getvalue(),
    )


def _shares(results: Results, kind: str, depth: int, control: str, n_classes: int) -> pd.DataFrame:
    """Class shares of the eligible latents of a depth, sorted by strongest class, then by its share."""
    rows = results.latents
    rows = rows[
        (rows["run"] == results.first_run) & (rows["kind"] == kind) & (rows["depth"] == depth)
        & (rows["split"] == "held_out") & (rows["control"] == control)
    ]  # fmt: skip
    wide = rows.pivot(index="latent", columns="measure", values="value")
    share = wide[wide["eligible_share"] > 0][[f"class_share_{c}" for c in range(n_classes)]]
    best, top = share.to_numpy().argmax(1), share.to_numpy().max(1)
    return share.iloc[np.lexsort((-top, best))]
