"""How well each latent detects its class, as a histogram a depth, with what shuffled labels reach."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from analysis.figures.chosen_depth import CHOSEN, PRESSABLE, linked
from analysis.figures.drawing import Drawing, mean_or_nan
from analysis.figures.style import PLOT_WIDTH, ROLES
from analysis.figures.words import RANDOM, at_depths, judged, needs_labels, no_random
from analysis.figures.words import known as known_shares
from analysis.results import latents
from analysis.results.detectors import of_depth
from analysis.results.findings import beside, share
from analysis.results.tables import Results

BINS = 25
MEASURE = "significant_share"
LINE = " (dashed: 95% of shuffled labels stay below)"


def detector_scores(results: Results) -> Drawing:
    """A row a depth, first seed, held out: F1 of every latent that fires, and the 95% point of the shuffles."""
    needs_labels(results)
    rows: list[dict[str, object]] = []
    lines: list[dict[str, object]] = []
    shuffled, passing, firing = False, 0, 0
    for _, depth in latents.places(results):
        live = of_depth(results, depth).live
        name = "neurons" if depth == 0 else f"depth {depth}"
        known = live["q"].notna().any()
        shuffled = shuffled or bool(known)
        beats = int(live["passes"].sum())
        passing, firing = passing + beats, firing + len(live)
        label = f"{name}: {beats} of {len(live)} pass" + ("" if rows else LINE)
        counts, edges = np.histogram(live["f1"].dropna(), BINS, (0, 1))
        rows += [
            {"row": label, "depth": depth, "from": a, "to": b, "latents": int(n)}
            for a, b, n in zip(edges, edges[1:], counts, strict=False)
        ]
        if known:
            lines.append({"row": label, "at": float(live["f1_null"].median())})
    table = pd.DataFrame(rows)
    order = list(dict.fromkeys(table["row"]))
    null = pd.DataFrame(lines, columns=["row", "at"])
    x = alt.X(
        "from:Q", title="F1 as a detector of its class, held out", scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(values=[0, 0.2, 0.4, 0.6, 0.8, 1], grid=False, format="~g"),
    )  # fmt: skip
    y = alt.Y("latents:Q", title=None, axis=alt.Axis(tickCount=2, grid=False))
    tips = [alt.Tooltip("from:Q", title="F1 from", format=".2f"), alt.Tooltip("latents:Q")]
    bars = alt.Chart().mark_bar(color=ROLES["c1"]).encode(x=x, x2="to:Q", y=y, y2=alt.datum(0), tooltip=tips)
    rule = alt.Chart().mark_rule(color=ROLES["c2"], strokeWidth=2, strokeDash=[4, 2]).encode(x="at:Q")
    # the whole strip of a depth can be pressed; one that is chosen on the page gets a ground
    strip = alt.Chart().mark_rect(color=ROLES["c1"], cursor="pointer", aria=False).transform_filter("datum.from === 0")
    strip = strip.encode(opacity=alt.condition(CHOSEN, alt.value(0.16), alt.value(0)), tooltip=PRESSABLE)
    # one source for all layers, as a facet wants
    whole = pd.concat([table, null]).round(4)
    both = alt.layer(
        strip,
        bars.transform_filter("isValid(datum.latents)"),
        rule.transform_filter("isValid(datum.at)"),
        data=whole,
    ).properties(width=PLOT_WIDTH + 150, height=54)
    header = alt.Header(
        labelAngle=0, labelAlign="left", labelOrient="top", labelAnchor="start", labelPadding=2,
        labelExpr="split(replace(datum.value, ' (', '#('), '#')",  # what the dashes are stands in a line of its own
    )  # fmt: skip
    chart = both.facet(row=alt.Row("row:N", sort=order, title=None, header=header), spacing=16)
    chart = chart.resolve_scale(y="independent")
    depths = results.depths(latents.KIND)
    means = {control: {d: mean_or_nan(results, MEASURE, latents.KIND, d, control) for d in depths}
             for control in ("none", RANDOM)}  # fmt: skip
    compared = {d: one for d in depths if (one := beside(results, MEASURE, latents.KIND, d))}
    networks = [
        f"on the {name} network {known_shares(means[control], True)}"
        for control, name in ((RANDOM, "random"), ("none", "trained"))
        if any(value == value for value in means[control].values())
    ]
    return Drawing(
        title=_finding(passing, firing, shuffled, at_depths(compared, less="fewer", equal="about as many")),
        caption=(
            "F1 of firing as a sign of the latent's class, on held-out examples, of all latents that fire; the class "
            "was chosen on training examples. Dashed: the 95% point over shuffles of the labels with the class chosen "
            "anew in each (median over the latents of a depth; every latent has its own, in the table). *Pass*: 5% "
            "false finds among those that pass, by Benjamini and Hochberg. First seed."
            + (f" Share of all latents that pass, all seeds: {'; '.join(networks)}." if networks else "")
            + no_random(results)
            + judged(*compared.values())
        ),
        alt="Histograms of the F1 of latents, one for each depth, each with a line at the shuffled labels: "
        + "; ".join(order)
        + ".",
        data=table.drop(columns="depth"),
        chart=linked(chart, dict.fromkeys(table["depth"].unique(), "")),
    )


def _finding(passing: int, firing: int, shuffled: bool, there: str) -> str:
    """Which share of the latents that fire pass, and at how many depths more of them do than on a random network."""
    if not firing:
        return "No latent fires"
    if not shuffled:
        return "Whether latents detect a class better than shuffled labels do is undecided: labels were not shuffled"
    if not passing:
        return "No latent detects a class better than shuffled labels do"
    said = f"{share(passing, firing).capitalize()} latents that fire detect a class better than shuffled labels do"
    return said + (f"; beside a random network {there}" if there else "")
