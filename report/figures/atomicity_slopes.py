"""Do the metrics of atomicity rise with depth, and do they rise more than on a network that learned nothing?"""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from analysis.figures.drawing import Drawing
from analysis.figures.style import PLOT_WIDTH, ROLES
from analysis.figures.words import judged, mean_of_seeds, needed, no_random
from analysis.results.findings import EQUAL, HIGHER, LOWER, UNDECIDED, Comparison, Values, compare
from analysis.results.tables import Results
from sae.bounds import interval

EXPERIMENTS = ("towers",)
METRICS = {
    "fri": "FRI, over its size at depth 1", "csp": "CSP", "pds": "PDS", "ltes": "LTES", "selectivity": "selectivity",
    "exclusive_share": "one-class latents",
}  # fmt: skip
# The smallest slope that matters: a thousandth of the metric's unit with each depth.
SLOPE = 0.001
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
            if kind == "direct" and not values.empty:  # depth 1 of the tower is the first of the single SAEs
                values = pd.concat([results.values(measure, "latents").query("depth == 1"), values])
            for run, own in values.dropna(subset="value").groupby("run", observed=True):
                if len(own) < 3:
                    continue
                size = abs(float(own["value"].iloc[0]))
                if measure == "fri" and not size:
                    continue
                y = own["value"] / size if measure == "fri" else own["value"]
                slope = float(np.polyfit(own["depth"], y, 1)[0])
                rows.append({"metric": name, "tower": tower, "run": str(run), "slope": slope})
    return pd.DataFrame(rows, columns=["metric", "tower", "run", "slope"])


def atomicity_slopes(results: Results) -> Drawing:
    """Slope over depth of each metric, with its 95% interval over seeds."""
    rows = slopes(results)
    needed(rows.rename(columns={"slope": "value"}), "metric of atomicity at three depths or more", results)
    means = pd.DataFrame(
        [
            {"metric": metric, "tower": tower, "mean": own["slope"].mean(), **_bounds(own["slope"].tolist())}
            for (metric, tower), own in rows.groupby(["metric", "tower"], sort=False)
        ]
    )
    title, compared = _finding(rows)
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
    # grey: the colours are those of the towers
    zero = base.mark_rule(strokeWidth=1.2, aria=False).encode(
        x=alt.datum(0), y=alt.value(0), y2=alt.value(48), color=alt.value(ROLES["muted"])
    )
    chart = (
        alt.layer(zero, bars, dots)
        .properties(width=PLOT_WIDTH, height=48)
        .facet(row=alt.Row("metric:N", sort=list(METRICS.values()), title=None,
                           header=alt.Header(labelAngle=0, labelAnchor="start", labelOrient="top")), spacing=8)
        .resolve_scale(x="independent")
    )  # fmt: skip
    return Drawing(
        title=title,
        caption=(
            f"Slope over depth in the latents tower, {mean_of_seeds(rows['run'].nunique())}. FRI, "
            "CSP, PDS and LTES are the atomicity metrics that the project behind the logs proposed; FRI is divided by "
            "its size at depth 1, because it is in the network's squared units. A metric ends where it is not defined "
            "any more, as FRI does where one latent is active. *Single SAEs* stand on the network and are as sparse as "
            "each depth. Every metric has its "
            "own axis. Depths are not exchangeable, so slopes are compared between towers, not with permuted depths."
            + no_random(results)
            + judged(*compared, matters=SLOPE)
        ),
        alt="Dot plot of slopes: "
        + "; ".join(f"{row.metric}, {row.tower} {row.mean:+.3f}" for row in means.itertuples())
        + ".",
        data=rows,
        chart=chart,
    )


def _finding(rows: pd.DataFrame) -> tuple[str, list[Comparison]]:
    """How many of the proposed metrics surely fall, and on the random network too; whether selectivity rises faster.

    Slopes are in units of their own; those up to SLOPE count as none.
    """

    def slope(metric: str, tower: str) -> Values:
        own = rows[(rows["metric"] == metric) & (rows["tower"] == tower)]
        return dict(zip(own["run"], own["slope"], strict=True))

    def sign(values: Values) -> Comparison:
        return compare(values, dict.fromkeys(values, 0.0), SLOPE)

    tower, untrained = list(TOWERS)[:2]
    signs = {name: one for name in PROPOSED if (one := sign(slope(name, tower)))}
    falling = [name for name, one in signs.items() if one.word == LOWER]
    others = {
        text: [name.split(",")[0] for name, one in signs.items() if one.word == word]
        for word, text in ((HIGHER, "rising"), (EQUAL, "no change"), (UNDECIDED, "undecided"))
    }
    random = {name: one for name in falling if (one := sign(slope(name, untrained)))}
    too = sum(one.word == LOWER for one in random.values())
    parts = []
    if signs:
        many = "metrics fall" if len(signs) > 1 else "metric falls"
        said = f"{len(falling)} of the {len(signs)} proposed {many} with depth"
        parts.append(said + (f", {too} of them on a random network too" if random else ""))
        parts += [f"{text}: {', '.join(names)}" for text, names in others.items() if names]
    own, there = slope("selectivity", tower), slope("selectivity", untrained)
    direction, faster = sign(own), compare(own, there, SLOPE)
    if direction:
        said = direction.choose(higher="selectivity rises", lower="selectivity falls", equal="selectivity stays",
                                undecided="whether selectivity rises or falls is undecided")  # fmt: skip
        if direction.word in (HIGHER, LOWER):
            more, less = ("faster than", "slower than") if direction.word == HIGHER else ("slower than", "faster than")
            said += faster.choose(
                higher=f" {more} there", lower=f" {less} there", equal=" as fast there",
                undecided=", undecided whether faster or slower than there",
            ).replace("there", "on a random network")  # fmt: skip
        parts.append(said)
    compared = [*signs.values(), *random.values(), direction, faster]
    text = "; ".join(parts) or "Slopes of metrics over depth"
    return text[0].upper() + text[1:], compared


def _bounds(values: list[float]) -> dict[str, float]:
    low, high = interval(values)
    return {"low": low, "high": high}
