"""Every latent of every depth as a thin column: how its activation is spread over the classes. A raster."""

from __future__ import annotations

import io

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.figures.drawing import Drawing, mean_or_nan, spoken
from analysis.figures.words import (
    RANDOM,
    UNDEFINED,
    depths_between,
    has_random,
    judged,
    known,
    needs_labels,
    no_random,
    seeds,
    seeds_of,
    tower_depths,
)  # fmt: skip
from analysis.results.findings import Comparison, Trend, beside, over_depths, trend
from analysis.results.tables import Results
from sae.errors import DataError

matplotlib.use("agg")
MEASURE = "top_class_share"


def class_map(results: Results) -> Drawing:
    """One strip for each depth of the latents tower and its random-host twin, first seed, held out."""
    needs_labels(results)
    kind = "latents"
    depths = tower_depths(results, kind)
    names = results.sprite["class_names"]

    if not latents_known(results, kind):
        raise DataError(f"{results.experiment} has no classes of single latents (class_share_...) in its first seed")
    networks = [("none", "trained network"), *([(RANDOM, "random network")] if has_random(results) else [])]

    def top(control: str, depth: int) -> float:
        return mean_or_nan(results, MEASURE, kind, depth, control)

    figure = Figure(figsize=(7.6, 1.25 * len(depths) + 0.9), dpi=160, layout="constrained")
    axes = figure.subplots(len(depths), len(networks), squeeze=False)
    rows = []
    for column, (control, label) in enumerate(networks):
        for row, depth in enumerate(depths):
            share = _shares(results, kind, depth, control, len(names))
            axis = axes[row][column]
            if len(share):
                axis.imshow(share.to_numpy().T, aspect="auto", cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
            axis.set_yticks(range(len(names)), names, fontsize=6)
            axis.set_xticks([])
            axis.set_title(f"depth {depth}, {label}: {len(share)} latents", fontsize=8, loc="left")
            rows.append(share.assign(depth=depth, control=control).rename_axis("latent").reset_index())
    figure.supxlabel("latents that fire on ten held-out examples or more, sorted by their strongest class", fontsize=8)
    buffer = io.BytesIO()
    # no date and no version in the file: equal tables must give equal bytes
    figure.savefig(buffer, format="png", facecolor="white", metadata={"Software": None})
    change = trend(over_depths(results, MEASURE, kind))
    compared = {depth: beside(results, MEASURE, kind, depth) for depth in dict.fromkeys((depths[0], depths[-1]))}
    return Drawing(
        title=_finding(change, {d: top("none", d) for d in depths}, {d: top(RANDOM, d) for d in depths}, compared),
        caption=(
            "Each column of a strip is one latent, each row a class; the darker a cell, the larger that class's "
            "share of the latent's activation. A latent that belongs to one class is one dark cell in an empty "
            "column. Columns are of the first seed, the numbers of the title means over "
            f"{seeds(seeds_of(results))}.{no_random(results)}{judged(change.change, *compared.values())}"
        ),
        alt=(
            f"Heat maps for {depths_between(depths)}. Mean share of the strongest class: "
            + "; ".join(
                f"{label} {said}"
                for control, label in networks
                if (said := known({d: top(control, d) for d in depths}, True)) != UNDEFINED
            )
            + "."
        ),
        data=pd.concat(rows),
        png=buffer.getvalue(),
    )


def latents_known(results: Results, kind: str) -> bool:
    """Whether it is known on which classes the activation of single latents falls."""
    rows = results.latents
    here = (rows["run"] == results.first_run) & (rows["kind"] == kind) & (rows["measure"] == "eligible_share")
    return bool(here.any())


def _finding(
    change: Trend, own: dict[int, float], random: dict[int, float], compared: dict[int, Comparison]
) -> str:  # fmt: skip
    """The share of the strongest class at the first and the last depth that have one, beside the random network."""
    if not change.last:
        return "No latent fires often enough to say on which class its activation falls"
    ends = list(dict.fromkeys((change.first, change.last)))
    first, *further = (f"{spoken(own[depth], True)}" for depth in ends)
    title = f"The strongest class takes {first} of a latent's activation at depth {ends[0]}"
    title += "".join(f" and {value} at depth {ends[1]}" for value in further)
    there = [
        f"{spoken(random[depth], True)} ("
        + one.choose(higher="less", lower="more", equal="about as much", undecided="undecided whether more or less")
        + ")"
        for depth in ends
        if (one := compared.get(depth)) and random[depth] == random[depth]
    ]
    return title + (f"; on a random network {' and '.join(there)}" if there else "")


def _shares(results: Results, kind: str, depth: int, control: str, n_classes: int) -> pd.DataFrame:
    """Class shares of the eligible latents of a depth, sorted by strongest class, then by its share."""
    rows = results.latents
    rows = rows[
        (rows["run"] == results.first_run) & (rows["kind"] == kind) & (rows["depth"] == depth)
        & (rows["split"] == "held_out") & (rows["control"] == control)
    ]  # fmt: skip
    wide = rows.astype({"measure": str}).pivot(index="latent", columns="measure", values="value")
    wide = wide.reindex(columns=["eligible_share", *(f"class_share_{c}" for c in range(n_classes))])
    share = wide[wide["eligible_share"] > 0].drop(columns="eligible_share")
    if share.empty:
        return share
    best, top = share.to_numpy().argmax(1), share.to_numpy().max(1)
    return share.iloc[np.lexsort((-top, best))]
