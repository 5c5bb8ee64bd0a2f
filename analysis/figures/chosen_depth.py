"""A depth that a reader chooses in one chart is marked in all charts of the page: what a chart's spec holds for that.

The choice is a variable of the spec, null in the picture; `report/assets/linked.js` sets it in every live chart. What
is marked is filtered by it, so that a picture in which nothing is chosen shows none of it.
"""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from analysis.figures.style import ROLES

CHOICE = "depth_choice"
CHOSEN = f"datum.depth === {CHOICE}"
# The key in a spec's `usermeta` under which the script finds the depths, each with its values in words.
READINGS = "depths"
# Beside a layer with a selection Vega-Lite makes all others deaf, unless they have a tooltip: this one is empty.
PRESSABLE = alt.TooltipValue(None)


def linked(chart: Any, readings: dict[int, str]) -> Any:
    """`chart` with the choice declared, and with the words that stand below it when a depth is chosen ("": none)."""
    usermeta = {READINGS: {str(depth): text for depth, text in readings.items()}}
    return chart.add_params(alt.param(name=CHOICE, value=None)).properties(usermeta=usermeta)


def depth_scale(depths: list[int]) -> Any:
    """The scale of an axis of depths, the same for all layers; marks that reach across would put 0 on it."""
    return alt.Scale(domain=[min(depths), max(depths)], nice=False, zero=False)


def rule(depths: list[int], scale: Any) -> Any:
    """A rule across the plot at the chosen depth; `depth` is the horizontal axis."""
    return (
        alt.Chart(pd.DataFrame({"depth": depths}))
        .mark_rule(color=ROLES["muted"], strokeWidth=1.3, aria=False)
        .encode(x=alt.X("depth:Q", scale=scale))
        .transform_filter(CHOSEN)
    )


def columns(depths: list[int], scale: Any) -> Any:
    """What can be pressed: a clear column around each depth, half as wide at both ends."""
    first, last = min(depths), max(depths)
    areas = pd.DataFrame(
        [{"depth": depth, "from": max(first, depth - 0.5), "to": min(last, depth + 0.5)} for depth in depths]
    )
    clear = alt.Chart(areas).mark_rect(color="transparent", cursor="pointer", aria=False)
    return clear.encode(x=alt.X("from:Q", scale=scale), x2=alt.X2("to:Q"), tooltip=PRESSABLE)


def depth_axis(depths: list[int]) -> Any:
    """The axis of depths: all of them, the chosen one bold."""
    weight = {"condition": {"test": f"datum.value === {CHOICE}", "value": "bold"}, "value": "normal"}
    # without a count a narrow plot leaves out every other value
    return alt.Axis(values=depths, tickCount=len(depths), format="d", grid=False, labelFontWeight=weight)


def point_size() -> Any:
    """The size of a point: larger at the chosen depth."""
    return alt.SizeValue(**alt.condition(CHOSEN, alt.value(110), alt.value(46)))
