"""How many latents of each depth detect each class: a map whose cells choose rows of the table of latents."""

from __future__ import annotations

import altair as alt
import pandas as pd

from analysis.figures.chosen_depth import CHOSEN, linked
from analysis.figures.drawing import Drawing, spoken
from analysis.figures.style import PLOT_WIDTH, ROLES
from analysis.figures.words import needs_labels
from analysis.results.detectors import levels
from analysis.results.tables import Results

CELL = 30
# Colour of the fullest cell over the page's ground, so that ink on it has a contrast of 4.5 in both themes.
STRONGEST = 0.55
# Class names of more letters do not fit above a cell.
SHORT = 3


def class_heat(results: Results) -> Drawing:
    """Classes across, depths down, first seed: latents that detect the class better than shuffled labels do."""
    needs_labels(results)
    names = results.sprite["class_names"]
    table = pd.DataFrame(counted(results))
    order = list(dict.fromkeys(table["where"]))
    angle = 0 if max(map(len, names)) <= SHORT else -45
    above = alt.Axis(orient="top", labelAngle=angle, labelAlign="left" if angle else "center", ticks=False)
    base = alt.Chart(table.round(4)).encode(
        x=alt.X("class:N", sort=names, title="class", axis=above),
        y=alt.Y("where:N", sort=order, title=None, axis=alt.Axis(ticks=False, domain=False)),
    )
    # one colour of the palette, more or less opaque: a mix of two colours would not follow the theme in a picture
    opacity = alt.FillOpacity(
        "share:Q", legend=None,
        scale=alt.Scale(domain=[0, max(float(table["share"].max()), 1e-9)], range=[0, STRONGEST]),
    )  # fmt: skip
    tips = [
        alt.Tooltip("where:N", title="depth"),
        alt.Tooltip("class:N", title="class"),
        alt.Tooltip("latents:Q", title="latents that detect it"),
        alt.Tooltip("exclusive:Q", title="of them exclusive to it"),
        alt.Tooltip("best:N", title="best one"),
        alt.Tooltip("f1:Q", title="its F1", format=".2f"),
    ]
    cells = base.mark_rect(fill=ROLES["c1"], stroke=ROLES["line"], cursor="pointer").encode(
        fillOpacity=opacity, tooltip=tips
    )
    text = base.mark_text(fontSize=13, cursor="pointer", color=ROLES["ink"]).encode(text="latents:Q", tooltip=tips)
    # round the row of a depth that is chosen on the page
    rows = table[["where", "depth"]].drop_duplicates()
    frame = (
        alt.Chart(rows)
        .mark_rect(filled=False, stroke=ROLES["ink"], strokeWidth=1.8, aria=False)
        .transform_filter(CHOSEN)
    )
    framed = frame.encode(y=alt.Y("where:N", sort=order))
    chart = alt.layer(cells, text, framed).properties(width=PLOT_WIDTH + 40, height=CELL * len(order))
    totals = table.groupby("where", sort=False)["latents"].sum()
    return Drawing(
        title=_finding(table, any(level.judged for level in levels(results))),
        caption=(
            "[Press a cell to see the best of its latents in the table of latents, where the page has "
            "one.]{.page-only} Latents of the first seed whose F1 for their class passes shuffled labels (5% false "
            "finds), by class and depth; the stronger the colour, the larger their share of the depth."
        ),
        alt="Heat map of the number of detecting latents. In all: "
        + ", ".join(f"{where} {count}" for where, count in totals.items())
        + f". Largest share of a depth for one class: {spoken(float(table['share'].max()), True)}.",
        data=table,
        chart=linked(chart, {int(depth): "" for depth in rows["depth"]}),
    )


def _finding(table: pd.DataFrame, judged: bool) -> str:
    by_class = table.groupby("class", sort=False)["latents"].sum()
    if not judged:
        return "Whether a latent detects a class better than shuffled labels do is undecided: labels were not shuffled"
    if not by_class.any():
        return "No latent detects a class better than shuffled labels do"
    none = int((table["latents"] == 0).sum())
    if len(by_class) == 1:
        where = f"{none} of {len(table)} depths have no" if none else "Every depth has a"
        return f"{where} detector of class {by_class.index[0]}, the only one"
    most, fewest = (_of_classes(by_class[by_class == end]) for end in (by_class.max(), by_class.min()))
    if none:
        return f"{none} of {len(table)} pairs of depth and class have no detector; most are {most}"
    if by_class.nunique() == 1:
        return "Every depth has detectors of every class, as many of each"
    return f"Every depth has detectors of every class; most are {most}, fewest {fewest}"


def _of_classes(tied: pd.Series) -> str:
    """`of class 7`, `of classes 7 and 9`: those that tie."""
    names = [str(name) for name in tied.index]
    return f"of class {names[0]}" if len(names) == 1 else f"of classes {', '.join(names[:-1])} and {names[-1]}"


def counted(results: Results) -> list[dict[str, object]]:
    """One row a depth and class: latents that detect it, how many are exclusive to it, the best one."""
    rows: list[dict[str, object]] = []
    for level in levels(results):
        passed = level.passed
        for name in results.sprite["class_names"]:
            here = passed[passed["class"] == name]
            rows.append(
                {
                    "where": level.name, "depth": level.depth, "class": name,
                    "latents": len(here), "share": len(here) / len(level.rows),
                    "exclusive": int(here["exclusive"].sum()),
                    "best": f"d{level.depth}/{here['latent'].iloc[0]}" if len(here) else "none",
                    "f1": float(here["f1"].iloc[0]) if len(here) else None,
                }
            )  # fmt: skip
    return rows
