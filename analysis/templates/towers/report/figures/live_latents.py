"""The share of latents that ever fire, by depth."""

from __future__ import annotations

import altair as alt

from analysis.figures.drawing import Drawing
from analysis.results.tables import Results


def live_latents(results: Results) -> Drawing:
    """One bar a depth, mean over seeds, held-out examples."""
    rows = results.values("live_share", "latents")
    data = rows.groupby("depth", as_index=False)["value"].mean().round(4)
    lowest = data.loc[data["value"].idxmin()]
    said = "; ".join(f"depth {row.depth}: {row.value:.0%}" for row in data.itertuples())
    return Drawing(
        title=f"Fewest latents fire at depth {lowest['depth']:.0f}: {lowest['value']:.0%}",
        caption="Share of latents that fire on at least one held-out example, mean over seeds.",
        alt=f"Bar chart of the share of live latents. {said}.",
        data=data,
        chart=alt.Chart(data)
        .mark_bar()
        .encode(x=alt.X("depth:O"), y=alt.Y("value:Q", title="live latents", axis=alt.Axis(format="%"))),
    )
