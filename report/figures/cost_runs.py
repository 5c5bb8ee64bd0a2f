"""How long our own SAEs trained, beside what the formulae say: a point for each size of SAE that reads the network.

What is predicted takes the operations of `analysis/results/cost.py`, and the operations a second that one core was seen
to do in a product of matrices (`make bench-flops`). SAEs that read codes are left out: most of their rows are zeros.
"""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from analysis.figures.drawing import Drawing
from analysis.figures.style import PLOT_HEIGHT, ROLES
from analysis.results.cost import Plan, cost
from analysis.results.kept_file import KeptFile
from analysis.results.tables import Results
from sae.errors import DataError

FROM_FILE = "data/benchmarks/flops.json"
EXPERIMENTS = ("towers", "fashion", "schedules", "layer2", "collapse", "language", "union")
# What the steps of a path cost: those of our kernels touch active latents only.
STEPS = {"compiled": "kernels that touch active latents", "torch": "dense products, plain PyTorch"}
LOOKS = {STEPS["compiled"]: ("c1", "circle"), STEPS["torch"]: ("c2", "triangle-up")}
COUNTED = ("topk", "relu_l1")
"""Architectures that are one encoder and one decoder."""
SIZE = ["d_model", "width", "k", "rows", "step"]


def cost_runs(file: KeptFile, *given: Results) -> Drawing:
    """Points on two logarithmic axes, and the line on which both times are the same."""
    flops = float(file.json("flops")["flops"])
    rows = pd.concat([_read(results) for results in given])
    if rows.empty:
        raise DataError(f"no SAE that reads a network in {', '.join(results.experiment for results in given)}")
    sizes = rows.groupby(SIZE)["seconds"]
    points = pd.DataFrame({"measured": sizes.median(), "quickest": sizes.min(), "saes": sizes.count()}).reset_index()
    points["predicted"] = [_seconds(row, flops) for _, row in points.iterrows()]
    points["reached"] = points["predicted"] / points["measured"]
    points["quick"] = points["predicted"] / points["quickest"]
    low, middle, high = (float(points["reached"].quantile(share)) for share in (0, 0.5, 1))
    title = (
        f"Our training reached {middle:.0%} of what a core does in one product of matrices: between {low:.0%} and "
        f"{high:.0%} over {len(points)} sizes of SAE"
    )
    return Drawing(
        title=title,
        caption=(
            f"Each point is a size of SAE ({int(points['saes'].sum())} SAEs, median seconds for each). On the "
            f"line training takes as long as its operations at {flops / 1e9:.0f} billion a second, which one core was "
            f"seen to do in a product of matrices; above it, longer. {_by_size(points)}The quickest SAE of each size "
            f"reached {float(points['quick'].median()):.0%} in the middle: other work ran beside. Not counted: AuxK, "
            "Adam, choosing latents, reading rows."
        ),
        alt=(
            f"Scatter of measured over predicted seconds of training. {title}. Predicted are "
            f"{points['predicted'].min():.2g} to {points['predicted'].max():.2g} seconds, measured "
            f"{points['measured'].min():.2g} to {points['measured'].max():.2g}."
        ),
        data=points.drop(columns="quick"),
        chart=_chart(points),
    )


def _by_size(points: pd.DataFrame) -> str:
    """What the smallest and the largest SAE with most rows reached; empty where there are no two sizes."""
    own = points[(points["rows"] == points["rows"].max())].assign(size=points["d_model"] * points["width"])
    small, large = own.loc[own["size"].idxmin()], own.loc[own["size"].idxmax()]
    if small["size"] == large["size"]:
        return ""
    return (
        f"Of those with {small['rows']:,} rows the smallest ({small['width']:,} latents) reached "
        f"{small['reached']:.0%}, the largest ({large['width']:,}) {large['reached']:.0%}. "
    )


def _read(results: Results) -> pd.DataFrame:
    """The SAEs of an experiment that read the host's state, on the trained host, with its width and how they step."""
    rows = results.training
    # depth 1 stands in both kinds of tower; single SAEs stand beside every depth
    reads = (rows["depth"] == 1) | rows["kind"].isin(["direct", "small"])
    rows = rows[reads & (rows["control"] == "none") & rows["architecture"].isin(COUNTED)]
    rows = rows.drop_duplicates(["run", "architecture", "width", "k", "rows", "seconds"])
    widths = results.values("live_share", "host", "train").groupby("run")["n"].max()
    step = rows["path"].str.split(" ").str[0].map(STEPS)
    if len(rows) and (step.isna().any() or not set(rows["run"]) <= set(widths.index)):
        raise DataError(f"{results.experiment}: SAEs of unknown steps, or of a host whose width is in no table")
    return rows.assign(d_model=rows["run"].map(widths).astype(int), step=step)[[*SIZE, "seconds"]]


def _seconds(row: pd.Series, flops: float) -> float:
    """What the formulae say of a size."""
    plan = Plan(
        d_model=row["d_model"], latents=row["width"], k=row["k"], layers=1, tokens=row["rows"], passes=1, host=1,
        number=4, stored=4, flops=flops, utilisation=1, price=0, dense=row["step"] == STEPS["torch"],
    )  # fmt: skip
    return cost(plan).training_hours * 3600


def _chart(points: pd.DataFrame) -> Any:
    ends = points[["predicted", "measured"]].to_numpy(dtype=float)
    domain = [float(10 ** np.floor(np.log10(ends.min()))), float(10 ** np.ceil(np.log10(ends.max())))]
    powers = [float(10**power) for power in range(round(np.log10(domain[0])), round(np.log10(domain[1])) + 1)]
    axis = alt.Axis(format="~g", values=powers)
    scale = alt.Scale(type="log", domain=domain, nice=False)
    names = [name for name in STEPS.values() if name in set(points["step"])]
    colours, shapes = [ROLES[LOOKS[name][0]] for name in names], [LOOKS[name][1] for name in names]
    legend = alt.Legend(orient="bottom", direction="vertical", title=None, labelLimit=0)
    line = alt.Chart(pd.DataFrame({"predicted": domain, "measured": domain})).mark_line(
        color=ROLES["muted"], strokeDash=[4, 3]
    )
    marks = alt.Chart(points).mark_point(filled=True, size=70, opacity=0.85)
    x = alt.X("predicted:Q", title="predicted seconds", scale=scale, axis=axis)
    y = alt.Y("measured:Q", title="measured seconds", scale=scale, axis=axis)
    tips = [
        alt.Tooltip("d_model:Q", title="d"), alt.Tooltip("width:Q", title="latents"), alt.Tooltip("k:Q", title="k"),
        alt.Tooltip("rows:Q", title="rows", format=","),
        alt.Tooltip("predicted:Q", title="predicted, s", format=".2~f"),
        alt.Tooltip("measured:Q", title="measured, s", format=".2~f"),
        alt.Tooltip("reached:Q", title="reached", format=".0%"), alt.Tooltip("saes:Q", title="SAEs"),
    ]  # fmt: skip
    shown = marks.encode(
        x=x, y=y, tooltip=tips,
        color=alt.Color("step:N", scale=alt.Scale(domain=names, range=colours), legend=legend),
        shape=alt.Shape("step:N", scale=alt.Scale(domain=names, range=shapes), legend=legend),
    )  # fmt: skip
    return alt.layer(line.encode(x=x, y=y), shown).properties(width=320, height=PLOT_HEIGHT)
