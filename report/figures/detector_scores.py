"""How well each latent detects its class, as a histogram a depth, with what shuffled labels reach."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from analysis.figures.chosen_depth import CHOSEN, PRESSABLE, linked
from analysis.figures.drawing import Drawing, mean_or_nan, spoken
from analysis.figures.style import PLOT_WIDTH, ROLES
from analysis.results import latents
from analysis.results.tables import Results

BINS = 25
LINE = " (dashed: 95% of shuffled labels stay below)"


def detector_scores(results: Results) -> Drawing:
    """A row a depth, first seed, held out: F1 of every latent that fires, and the 95% point of the shuffles."""
    rows: list[dict[str, object]] = []
    lines: list[dict[str, object]] = []
    for kind, depth in latents.places(results):
        wide = latents.wide(results, kind, depth)
        wide = wide[wide["f1"].notna()] if "f1" in wide else wide.iloc[:0]
        name = "neurons" if depth == 0 else f"depth {depth}"
        beats = int((wide["class_q"] <= latents.SIGNIFICANT).sum()) if len(wide) else 0
        label = f"{name}: {beats} of {len(wide)} pass" + ("" if rows else LINE)
        counts, edges = np.histogram(wide["f1"] if len(wide) else [], BINS, (0, 1))
        rows += [
            {"row": label, "depth": depth, "from": a, "to": b, "latents": int(n)}
            for a, b, n in zip(edges, edges[1:], counts, strict=False)
        ]
        if len(wide):
            lines.append({"row": label, "at": float(wide["f1_null"].median())})
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
    random = [mean_or_nan(results, "significant_share", latents.KIND, d, control="random_host") for d in depths]
    trained = [mean_or_nan(results, "significant_share", latents.KIND, d) for d in depths]
    higher = sum(r >= t for r, t in zip(random, trained, strict=True))
    title = (
        f"Nearly every latent that fires detects a class better than shuffled labels do; at {higher} of "
        f"{len(depths)} depths a random network has as many or more"
        if max(trained) > 0
        else "No latent detects a class better than shuffled labels do"
    )
    return Drawing(
        title=title,
        caption=(
            "F1 of firing as a sign of the latent's class, on held-out images, for every latent that fires; the class "
            "was chosen on training images. Dashed: the 95% point over shuffles of the labels with the class chosen "
            "anew in each (median over the latents of a depth; every latent has its own, in the table). *Pass*: 5% "
            "false finds among those that pass, by Benjamini and Hochberg. First seed. Share of all latents that pass "
            "on the random network, all seeds: " + ", ".join(spoken(share, True) for share in random) + " at depths "
            f"{depths[0]} to {depths[-1]}; on the trained one "
            + ", ".join(spoken(share, True) for share in trained)
            + "."
        ),
        alt="Histograms of the F1 of latents, one for each depth, each with a line at the shuffled labels: "
        + "; ".join(order)
        + ".",
        data=table.drop(columns="depth"),
        chart=linked(chart, dict.fromkeys(table["depth"].unique(), "")),
    )
