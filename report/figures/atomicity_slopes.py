"""Do the metrics of atomicity rise with depth, and do they rise more than on a network that learned nothing?"""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from analysis.figures.drawing import Drawing
from analysis.figures.style import PLOT_WIDTH, ROLES
from analysis.results.rule import interval
from analysis.results.tables import Results

EXPERIMENTS = ("towers",)
METRICS = {
    "fri": "FRI, over its size at depth 1", "csp": "CSP", "pds": "PDS", "ltes": "LTES", "selectivity": "selectivity",
    "exclusive_share": "one-class latents",
}  # fmt: skip
PROPOSED = list(METRICS.values())[:4]
TOWERS = {
    "trained network": ("latents", "none"),
    "random network": ("latents", "random_host"),
    "single SAEs as sparse": ("direct", "none"),
}


def slopes(results: Results) -> pd.DataFrame:
    """Least-squares slope over the depths where the metric is defined: metric, tower, run, slope. FRI in units of
    depth 1's; it ends where one latent is active. Depth 1 stands for a single SAE, too."""
    rows = []
    for measure, name in METRICS.items():
        for tower, (kind, control) in TOWERS.items():
            values = results.values(measure, kind, control=control).dropna()
            if kind == "direct":  # depth 1 of the tower is the first of the single SAEs
                values = pd.concat([results.values(measure, "latents").query("depth == 1"), values])
            for run, own in values.groupby("run", observed=True):
                if len(own) < 3:
                    continue
                y = own["value"] / abs(float(own["value"].iloc[0])) if measure == "fri" else own["value"]
                slope = float(np.polyfit(own["depth"], y, 1)[0])
                rows.append({"metric": name, "tower": tower, "run": str(run), "slope": slope})
    return pd.DataFrame(rows)


def atomicity_slopes(results: Results) -> Drawing:
    """Slope over depth of each metric, with its 95% interval over seeds."""
    rows = slopes(results)
    means = pd.DataFrame(
        [
            {"metric": metric, "tower": tower, "mean": own["slope"].mean(), **_bounds(own["slope"].tolist())}
            for (metric, tower), own in rows.groupby(["metric", "tower"], sort=False)
        ]
    )
    trained = means[means["tower"] == "trained network"].set_index("metric")
    random = means[means["tower"] == "random network"].set_index("metric")
    falling = [name for name in PROPOSED if trained["high"][name] < 0]
    there = [name for name in falling if random["high"][name] < 0]
    faster = trained["low"]["selectivity"] > random["high"]["selectivity"]
    scale = alt.Scale(domain=list(TOWERS), range=[ROLES["c1"], ROLES["c2"], ROLES["c3"]])
    shape = alt.Scale(domain=list(TOWERS), range=["circle", "diamond", "square"])
    base = alt.Chart(means.round(4)).encode(
        y=alt.Y("tower:N", sort=list(TOWERS), title=None, axis=None),
        color=alt.Color("tower:N", scale=scale, legend=alt.Legend(orient="top", title=None)),
    )
    # an axis of its own for each metric, always with zero on it
    x = alt.X(
        "low:Q", title=None, scale=alt.Scale(zero=True), axis=alt.Axis(tickCount=5, format="~g", labelSeparation=5)
    )
    bars = base.mark_rule(strokeWidth=2.4).encode(x=x, x2="high:Q")
    dots = base.mark_point(filled=True, size=70, opacity=1).encode(
        x="mean:Q", shape=alt.Shape("tower:N", scale=shape),
        tooltip=[alt.Tooltip("metric:N"), alt.Tooltip("tower:N"), alt.Tooltip("mean:Q", format="+.3f"),
                 alt.Tooltip("low:Q", title="95% from", format="+.3f"),
                 alt.Tooltip("high:Q", title="95% to", format="+.3f")],
    )  # fmt: skip
    zero = base.mark_rule(color=ROLES["line"]).encode(x=alt.datum(0), y=alt.value(0), y2=alt.value(48))
    chart = (
        alt.layer(zero, bars, dots)
        .properties(width=PLOT_WIDTH, height=48)
        .facet(row=alt.Row("metric:N", sort=list(METRICS.values()), title=None,
                           header=alt.Header(labelAngle=0, labelAnchor="start", labelOrient="top")), spacing=8)
        .resolve_scale(x="independent")
    )  # fmt: skip
    return Drawing(
        title=(
            f"{len(falling)} of the {len(PROPOSED)} proposed metrics fall with depth, {len(there)} of them on a random "
            f"network too; selectivity rises {'faster than' if faster else 'no faster than it does'} there"
        ),
        caption=(
            f"Slope over depth in the latents tower, mean and 95% interval over {rows['run'].nunique()} seeds. FRI, "
            "CSP, PDS and LTES are the atomicity metrics that the project behind the logs proposed; FRI is divided by "
            "its size at depth 1, because it is in the network's squared units. It ends at depth 4; the others "
            "go to depth 6. *Single SAEs* stand on the network and are as sparse as each depth. Every metric has its "
            "own axis. Depths are not exchangeable, so slopes are compared between towers, not with permuted depths."
        ),
        alt="Dot plot of slopes: "
        + "; ".join(f"{row.metric}, {row.tower} {row.mean:+.3f}" for row in means.itertuples())
        + ".",
        data=rows,
        chart=chart,
    )


def _bounds(values: list[float]) -> dict[str, float]:
    low, high = interval(values)
    return {"low": low, "high": high}
