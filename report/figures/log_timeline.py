"""Questions and next steps over the logs: how many were open, how many closed."""

from __future__ import annotations

import altair as alt
import pandas as pd

from analysis.figures.drawing import Drawing
from analysis.figures.style import PLOT_WIDTH, ROLES
from analysis.logs.counts import History

FROM_LOGS = True
PANEL_HEIGHT = 120
# With more logs than this their titles do not fit below the bars.
MANY = 12
COLOURS = {"open": "c2", "closed": "c1"}


def log_timeline(history: History) -> Drawing:
    """Open and closed questions and next steps after each log."""
    table = history.table
    if table.empty:
        nothing = "There are no logs yet"
        return Drawing(title=nothing, caption="", alt=nothing, data=table, html=f"<p>{nothing}.</p>")
    last = {kind: rows.iloc[-1] for kind, rows in table.groupby("kind", sort=False)}
    questions, steps = last["questions"], last["next steps"]
    logs = int(table["log"].max())
    count = f"{logs} {'log' if logs == 1 else 'logs'}"
    title = (
        f"After {count} {questions['closed']} of {questions['asked']} questions and {steps['closed']} of "
        f"{steps['asked']} next steps are closed"
    )
    return Drawing(
        title=title,
        caption=(
            "After each log, in their order: how many questions and next steps had been written down until then, and "
            "how many of them were closed by that log. A question is closed by an answer that rests on a result; "
            "either by its author, who drops or ticks it; a step also by a later log that reports work like it."
        ),
        alt=(
            f"Stacked bars for {count}. Questions grow to {questions['asked']}, of which {questions['open']} are "
            f"open; next steps grow to {steps['asked']}, of which {steps['open']} are open."
        ),
        data=table,
        chart=alt.vconcat(
            *(_panel(table[table["kind"] == kind], str(kind), kind == "next steps") for kind in last), spacing=12
        ),
    )


def _panel(table: pd.DataFrame, kind: str, titled: bool) -> alt.LayerChart | alt.FacetChart:
    bars = table.melt(["log", "title", "date"], ["closed", "open"], var_name="state", value_name="count")
    bars["from"] = bars["log"].map(table.set_index("log")["closed"]).where(bars["state"] == "open", 0)
    bars["to"] = bars["from"] + bars["count"]
    scale = alt.Scale(domain=list(COLOURS), range=[ROLES[role] for role in COLOURS.values()])
    logs = sorted(int(log) for log in table["log"])
    axis = alt.Axis(
        title="log" if titled else None,
        labelAngle=0,
        values=logs if len(logs) <= MANY else logs[:: len(logs) // MANY + 1],
    )
    base = alt.Chart(bars).encode(
        x=alt.X("log:O", axis=axis),
        color=alt.Color("state:N", scale=scale, legend=None),
    )
    tips = [
        alt.Tooltip("title:N", title="log"), alt.Tooltip("date:N", title="date"),
        alt.Tooltip("state:N", title="state"), alt.Tooltip("count:Q", title=kind),
    ]  # fmt: skip
    drawn = base.mark_bar(opacity=0.85).encode(
        y=alt.Y("from:Q", title=kind, axis=alt.Axis(tickCount=4, format="d")), y2="to:Q", tooltip=tips
    )
    ends = bars[(bars["log"] == logs[-1]) & (bars["count"] > 0)].copy()
    ends["middle"] = (ends["from"] + ends["to"]) / 2
    ends["label"] = ends["count"].astype(str) + " " + ends["state"]
    half = PLOT_WIDTH / len(logs) / 2
    text = (
        alt.Chart(ends)
        .mark_text(align="left", dx=half + 4)
        .encode(x=alt.X("log:O"), y="middle:Q", text="label:N", color=alt.Color("state:N", scale=scale, legend=None))
    )
    return alt.layer(drawn, text).properties(width=PLOT_WIDTH, height=PANEL_HEIGHT)
