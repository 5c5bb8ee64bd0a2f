"""How many latents of each depth detect each class: a map whose cells choose rows of the table of latents."""

from __future__ import annotations

import altair as alt
import pandas as pd

from analysis import latents
from analysis.drawing import Drawing, spoken
from analysis.results import Results
from analysis.style import PLOT_WIDTH, ROLES

CELL = 30


def class_heat(results: Results) -> Drawing:
    """Classes across, depths down, first seed: latents that detect the class better than shuffled labels do."""
    names = results.sprite["class_names"]
    table = pd.DataFrame(counted(results))
    order = list(dict.fromkeys(table["where"]))
    most = int(table["latents"].max())
    base = alt.Chart(table.round(4)).encode(
        x=alt.X("class:N", sort=names, title="class", axis=alt.Axis(orient="top", labelAngle=0, ticks=False)),
        y=alt.Y("where:N", sort=order, title=None, axis=alt.Axis(ticks=False, domain=False)),
    )
    colour = alt.Color(
        "share:Q", legend=None, scale=alt.Scale(domain=[0, max(float(table["share"].max()), 1e-9)],
                                                range=[ROLES["paper"], ROLES["c1"]]),
    )  # fmt: skip
    tips = [
        alt.Tooltip("where:N", title="depth"),
        alt.Tooltip("class:N", title="class"),
        alt.Tooltip("latents:Q", title="latents that detect it"),
        alt.Tooltip("exclusive:Q", title="of them exclusive to it"),
        alt.Tooltip("best:N", title="best one"),
        alt.Tooltip("f1:Q", title="its F1", format=".2f"),
    ]
    cells = base.mark_rect(stroke=ROLES["line"], cursor="pointer").encode(color=colour, tooltip=tips)
    dark = alt.condition(
        f"datum.share > {0.55 * float(table['share'].max())}", alt.value(ROLES["paper"]), alt.value(ROLES["ink"])
    )
    text = base.mark_text(fontSize=12, cursor="pointer").encode(text="latents:Q", color=dark, tooltip=tips)
    totals = table.groupby("where", sort=False)["latents"].sum()
    if most == 0:
        title = "No latent detects a class better than shuffled labels do"
    else:
        rarest = table.groupby("class")["latents"].sum().idxmin()
        commonest = table.groupby("class")["latents"].sum().idxmax()
        title = f"Every depth has detectors of every class; most are of class {commonest}, fewest of class {rarest}"
        if (table["latents"] == 0).any():
            none = int((table["latents"] == 0).sum())
            title = f"{none} of {len(table)} pairs of depth and class have no detector; most are of class {commonest}"
    return Drawing(
        title=title,
        caption=(
            "Latents of the first seed whose F1 for their class passes shuffled labels (5% false finds), by class and "
            "depth; the stronger the colour, the larger their share of the depth. Press a cell to see the best of them "
            "in the table below."
        ),
        alt="Heat map of the number of detecting latents. In all: "
        + ", ".join(f"{where} {count}" for where, count in totals.items())
        + f". Largest share of a depth for one class: {spoken(float(table['share'].max()), True)}.",
        data=table,
        chart=alt.layer(cells, text).properties(width=PLOT_WIDTH + 40, height=CELL * len(order)),
    )


def counted(results: Results) -> list[dict[str, object]]:
    """One row a depth and class: latents that detect it, how many are exclusive to it, the best one."""
    rows: list[dict[str, object]] = []
    for kind, depth in latents.places(results):
        wide = latents.wide(results, kind, depth)
        width = len(latents.names(results, kind, depth))
        passed = wide[wide["class_q"] <= latents.SIGNIFICANT] if "class_q" in wide else wide.iloc[:0]
        for number, name in enumerate(results.sprite["class_names"]):
            here = passed[passed["chosen_class"] == number] if len(passed) else passed
            best = int(str(here["f1"].idxmax())) if len(here) else None
            rows.append(
                {
                    "where": "neurons" if depth == 0 else f"depth {depth}", "depth": depth, "class": name,
                    "latents": len(here), "share": len(here) / max(1, width),
                    "exclusive": int(here["exclusive_share"].sum()) if len(here) else 0,
                    "best": "none" if best is None else f"d{depth}/{best}",
                    "f1": float(here["f1"].max()) if len(here) else None,
                }
            )  # fmt: skip
    return rows
