"""Drawings: what a chart, a table or a grid gives to the build; and the one shape that most charts here have.

A figure's module `NAME.py` holds `def NAME(results) -> Drawing`. It computes nothing that is not in the tables:
it selects, averages over seeds, and draws.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from analysis.figures import spec_bounds
from analysis.figures.chosen_depth import columns, depth_axis, depth_scale, linked, point_size, rule
from analysis.figures.style import PLOT_HEIGHT, PLOT_WIDTH, ROLES, SERIES
from analysis.results.tables import Results, mean_of
from sae.bounds import interval
from sae.errors import DataError

# Labels at line ends closer than this share of the axis are pushed apart.
LABEL_GAP = 0.075


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """An artefact before it is written: exactly one of `chart`, `html` and `png`, and the words around it."""

    title: str
    """The finding, as a sentence."""
    caption: str
    """How to read it."""
    alt: str
    """What it shows, for a reader who does not see it."""
    data: pd.DataFrame
    """What is drawn, offered as CSV."""
    chart: Any = None
    """An Altair chart (its classes share no public base that a type checker sees)."""
    html: str = ""
    png: bytes = b""
    kind: str = "fig"
    """`fig` or `tbl`: how it is numbered."""

    def fault(self) -> str:
        """What no page can be made of, in words: the part, what it is, what it must be; empty where all is well."""
        texts = ("title", "caption", "alt", "html", "kind")
        for name, kind in (*dict.fromkeys(texts, str).items(), ("png", bytes), ("data", pd.DataFrame)):
            value = getattr(self, name)
            if not isinstance(value, kind):
                return f"{name} is a {type(value).__name__}, must be a {kind.__name__}"
            if isinstance(value, str) and (why := spec_bounds.character(value)):
                return f"{name} {why}"
        if self.chart is not None and not isinstance(self.chart, alt.TopLevelMixin):
            return f"chart is a {type(self.chart).__name__}, must be a chart of Altair, as alt.Chart(data).mark_bar()"
        if self.kind not in ("fig", "tbl"):
            return f"kind is {self.kind!r}, must be 'fig' or 'tbl'"
        bodies = {"chart": self.chart is not None, "html": bool(self.html.strip()), "png": bool(self.png)}
        shown = [name for name, is_given in bodies.items() if is_given]
        if len(shown) != 1:
            return f"body is {' and '.join(shown) or 'missing'}, must be exactly one of {', '.join(bodies)}"
        return ""


def series(
    results: Results, label: str, measure: str, kind: str, split: str = "held_out", control: str = "none"
) -> pd.DataFrame:
    """One line of a chart: label, run, depth, value."""
    rows = results.values(measure, kind, split, control)
    return rows.assign(series=label)[["series", "run", "depth", "value"]]


def beside_one_sae(results: Results, measure: str) -> pd.DataFrame:
    """The latents tower, and single SAEs as sparse as its depths, each on the trained and on the random network.

    Depth 1 of the tower is such a single SAE, so both lines start there.
    """
    parts = []
    for network, control in (("trained", "none"), ("random", "random_host")):
        tower = series(results, f"{network} network", measure, "latents", control=control)
        single = f"one SAE, {network}"
        parts += [tower, tower[tower["depth"] == 1].assign(series=single)]
        parts.append(series(results, single, measure, "direct", control=control))
    return pd.concat(parts)


def over_seeds(lines: pd.DataFrame, intervals: bool = False) -> pd.DataFrame:
    """Mean, least and largest over seeds, by series and depth; with `intervals` the 95% interval of the mean."""
    whole = lines.groupby(["series", "depth"], sort=False, observed=True)["value"]
    found = whole.agg(mean="mean", low="min", high="max", seeds="count").reset_index()
    if intervals:
        bounds = whole.apply(lambda values: pd.Series(interval(values.tolist()), index=["low", "high"])).unstack()
        found[["low", "high"]] = bounds.reindex(pd.MultiIndex.from_frame(found[["series", "depth"]])).to_numpy()
    return found


def over_depth(
    lines: pd.DataFrame,
    y: str,
    *,
    domain: tuple[float, float],
    percent: bool = False,
    styles: dict[str, tuple[str, list[int]]] = SERIES,
    intervals: bool = False,
    level: float | None = None,
) -> Any:
    """Lines over depth with seeds as bands, labelled at their ends; a series of one depth is a ruled level.

    The band is the range over seeds, or with `intervals` the 95% interval of their mean. `level` draws a line
    across, such as zero. A depth that is chosen on the page (`analysis.figures.chosen_depth`) gets a rule and
    larger points. Raises DataError where no series has a number.
    """
    data = over_seeds(lines[lines["value"].notna()], intervals).round(4)
    if data.empty:
        raise DataError(f"no series of this chart ({y}) has a number")
    names = list(dict.fromkeys(data["series"]))
    colours = alt.Scale(domain=names, range=[ROLES[styles[name][0]] for name in names])
    dashes = alt.Scale(domain=names, range=[styles[name][1] for name in names])
    depths = sorted(int(d) for d in data["depth"].unique())
    form = ".0%" if percent else ".3~f"
    hover = alt.selection_point(on="pointerover", fields=["series"], empty=True, name="hover")
    across = depth_scale(depths)
    # channels are given as what they are: text and dictionaries Altair looks up among all of its classes
    base = alt.Chart(data).encode(
        x=alt.X("depth:Q", title="depth", scale=across, axis=depth_axis(depths)),
        color=alt.Color("series:N", scale=colours, legend=None),
        opacity=alt.OpacityValue(**alt.condition(hover, alt.value(1), alt.value(0.25))),
    )  # fmt: skip
    scale = alt.Scale(domain=list(domain), nice=False, clamp=False)
    axis = alt.Axis(format=".0%" if percent else "~g", tickCount=6)
    band = base.mark_area(opacity=0.18, clip=True).encode(
        y=alt.Y("low:Q", scale=scale, title=y, axis=axis), y2=alt.Y2("high:Q"), opacity=alt.OpacityValue(0.18)
    )
    line = base.mark_line(strokeWidth=2.2).encode(
        y=alt.Y("mean:Q", scale=scale), strokeDash=alt.StrokeDash("series:N", scale=dashes, legend=None)
    )
    tips = [
        alt.Tooltip("series:N", title="series"),
        alt.Tooltip("depth:Q", title="depth"),
        alt.Tooltip("mean:Q", title="mean over seeds", format=form),
        alt.Tooltip("low:Q", title="95% from" if intervals else "least", format=form),
        alt.Tooltip("high:Q", title="95% to" if intervals else "largest", format=form),
        alt.Tooltip("seeds:Q", title="seeds"),
    ]
    points = base.mark_point(filled=True).encode(y=alt.Y("mean:Q", scale=scale), size=point_size(), tooltip=tips)
    ends = end_labels(data, domain)
    text = (
        alt.Chart(ends)
        .mark_text(align="left", dx=8, fontSize=14)
        .encode(
            x=alt.X("depth:Q"), y=alt.Y("at:Q", scale=scale), text=alt.Text("series:N"),
            color=alt.Color("series:N", scale=colours, legend=None),
        )
    )  # fmt: skip
    ruled = alt.Chart(pd.DataFrame({"level": [level]})).mark_rule(color=ROLES["ink"])
    levels = [] if level is None else [ruled.encode(y=alt.Y("level:Q", scale=scale))]
    layers = (*levels, rule(depths, across), band, line, columns(depths, across), points.add_params(hover), text)
    chart = alt.layer(*layers).properties(width=PLOT_WIDTH, height=PLOT_HEIGHT)
    return linked(chart, readings(data, "mean", ".0%" if percent else ".2f" if level is None else "+.3f"))


def readings(rows: pd.DataFrame, value: str, form: str) -> dict[int, str]:
    """The values of a column at each depth in words, from the top of the chart down."""
    ordered = rows.sort_values(value, ascending=False)
    return {
        depth: "; ".join(
            f"{name} {number:{form}}"
            for name, at, number in zip(ordered["series"], ordered["depth"], ordered[value], strict=True)
            if at == depth
        )
        for depth in sorted(int(d) for d in rows["depth"].unique())
    }


def reaching(lines: pd.DataFrame, low: float, high: float) -> tuple[float, float]:
    """A domain from `low` to `high`, further where the values are."""
    least, most = float(lines["value"].min()), float(lines["value"].max())
    return min(low, math.floor(20 * least) / 20), max(high, math.ceil(20 * most) / 20)


def around(data: pd.DataFrame, steps: int) -> tuple[float, float]:
    """A domain in whole 1/`steps` that holds zero, the means, and their intervals where there are some."""
    whole = data[["mean", "low", "high"]].to_numpy(dtype=float)
    low, high = min(0.0, float(np.nanmin(whole))), float(np.nanmax(whole))
    return math.floor(steps * low) / steps, max(math.ceil(steps * high) / steps, 1 / steps)


def end_labels(data: pd.DataFrame, domain: tuple[float, float]) -> pd.DataFrame:
    """Where each series' label stands: at its last point, pushed apart where two would touch."""
    ends = data.sort_values("depth").groupby("series", sort=False).tail(1)[["series", "depth", "mean"]]
    ends = ends.sort_values("mean").reset_index(drop=True)
    gap = LABEL_GAP * (domain[1] - domain[0])
    at = ends["mean"].clip(*domain).to_numpy(dtype=float, copy=True)
    for _ in range(60):  # relax: neighbours that are too close move apart by the same amount
        for i in range(len(at) - 1):
            lack = gap - (at[i + 1] - at[i])
            if lack > 1e-9:
                at[i] -= lack / 2
                at[i + 1] += lack / 2
    # up from the lower end of the axis, then down from the upper one: shifting all labels would push some off it
    for i in range(len(at)):
        at[i] = max(at[i], domain[0] if i == 0 else at[i - 1] + gap)
    for i in reversed(range(len(at))):
        at[i] = min(at[i], domain[1] if i == len(at) - 1 else at[i + 1] - gap)
    ends["at"] = np.round(at, 4)
    ends["depth"] = int(data["depth"].max())
    return ends


def mean_or_nan(
    results: Results, measure: str, kind: str, depth: int, control: str = "none", split: str = "held_out"
) -> float:
    """Mean over seeds; NaN where there is no such number, as beyond the depth where a tower stopped."""
    return mean_of(results.numbers(measure, kind, depth, split, control))


def spoken(value: float, percent: bool = False) -> str:
    """A number as it stands in a title or caption: `86%` or `0.86`."""
    if np.isnan(value):
        return "undefined"
    return f"{value:.0%}" if percent else f"{value:.2f}".replace("-0.00", "0.00")
