"""The loss of a tower that has died, depth by depth, beside the losses of the log that it reproduces."""

from __future__ import annotations

from itertools import pairwise

import altair as alt
import pandas as pd

from analysis.figures.chosen_depth import columns, depth_axis, depth_scale, linked, point_size, rule
from analysis.figures.drawing import Drawing, mean_or_nan, readings
from analysis.figures.style import PLOT_HEIGHT, PLOT_WIDTH, ROLES
from analysis.figures.words import needed, seeds, seeds_of
from analysis.results.findings import HIGHER, LOWER, UNDECIDED, Values, compare
from analysis.results.tables import Results

EXPERIMENTS = ("collapse",)
PUBLISHED = "as published, ten depths"
# jain18ayush/mnist-sae, interp-blog: losses it reports for depths 1, 2, 3, ... (constant from depth 7 on)
LOG = (34.04, 1.8e-2, 2.35e-4, 4.6e-7, 4.5e-10, 1.6e-20, 3.64e-44)
# Where an exact 0 is drawn on an axis of powers: below the smallest float32.
ZERO = 1e-48


def collapse_loss(results: Results) -> Drawing:
    """Last training loss by depth on a logarithmic axis."""
    seen = results.of(PUBLISHED)
    ours = needed(seen.values("loss", "latents", "train"), f"loss of the variant {PUBLISHED!r}", results)
    means = ours.groupby("depth")["value"].mean()
    reported = list(LOG) + [LOG[-1]] * (len(means) - len(LOG))
    rows = pd.DataFrame(
        [{"series": "our run", "depth": depth, "loss": value} for depth, value in means.items()]
        + [{"series": "the log", "depth": depth, "loss": value} for depth, value in enumerate(reported, 1)]
    )
    rows["shown"] = rows["loss"].clip(lower=ZERO)
    depths = seen.depths("latents")
    live = {depth: mean_or_nan(seen, "l0", "latents", depth) for depth in depths[:2]}
    by_depth: dict[int, Values] = {
        int(str(depth)): dict(zip(own["run"].astype(str), own["value"], strict=True))
        for depth, own in ours.groupby("depth")
    }
    falls = _falls(by_depth)
    scale = alt.Scale(domain=["our run", "the log"], range=[ROLES["c1"], ROLES["c2"]])
    ticks = [1e0, 1e-10, 1e-20, 1e-30, 1e-40, ZERO]
    across = depth_scale(depths)
    base = alt.Chart(rows.assign(loss=rows["loss"].map("{:.2g}".format))).encode(
        x=alt.X("depth:Q", title="depth", scale=across, axis=depth_axis(depths)),
        y=alt.Y(
            "shown:Q", title="training loss", scale=alt.Scale(type="log", domain=[ZERO, 1e3], nice=False),
            axis=alt.Axis(values=ticks, labelExpr="datum.value < 1e-46 ? '0' : format(datum.value, '.0e')"),
        ),
        color=alt.Color("series:N", scale=scale, legend=None),
    )  # fmt: skip
    line = base.mark_line(strokeWidth=2.2).encode(
        strokeDash=alt.StrokeDash("series:N", scale=alt.Scale(domain=["our run", "the log"], range=[[1, 0], [6, 3]]),
                                  legend=None)
    )  # fmt: skip
    points = base.mark_point(filled=True).encode(
        size=point_size(),
        tooltip=[alt.Tooltip("series:N"), alt.Tooltip("depth:Q"), alt.Tooltip("loss:N", title="loss")],
    )
    ends = rows.groupby("series", sort=False).tail(1)
    text = alt.Chart(ends).mark_text(align="left", dx=8, fontSize=14).encode(
        x="depth:Q", y=alt.Y("shown:Q"), text="series:N", color=alt.Color("series:N", scale=scale, legend=None)
    )  # fmt: skip
    chart = alt.layer(rule(depths, across), line, columns(depths, across), points, text)
    active = [f"{value:.2g} latents are active at depth {depth}" for depth, value in live.items() if value == value]
    return Drawing(
        title=_finding(means, falls),
        caption=(
            "Last training loss of a tower trained by the log's recipe: a sparsity penalty summed over the batch, free "
            "decoder, inputs as they come, one epoch. "
            + ("The loss falls because the input vanishes: on" if falls == LOWER and _vanishes(live) else "On")
            + f" held-out examples {' and '.join(active)}. Dashed, the losses that the "
            "log reports (Jain, mnist-sae; another network, 2,304 latents where ours has 512), which end at the "
            f"smallest numbers that a computer can hold. Mean of {seeds(seeds_of(seen))}."
        ),
        alt="Line chart of the loss by depth, on a logarithmic axis: "
        + ", ".join(f"{value:.2g}" for value in means)
        + f" in our run; {', '.join(f'{value:.2g}' for value in LOG)} in the log.",
        data=rows[["series", "depth", "loss"]],
        chart=linked(chart.properties(width=PLOT_WIDTH, height=PLOT_HEIGHT), readings(rows, "loss", ".2g")),
    )


def _falls(depths: dict[int, Values]) -> str:
    """LOWER where the loss of each depth is surely below that of the one before, or both are exactly 0; UNDECIDED where
    that is not sure of some; HIGHER where some depth's is not lower."""
    words = {
        compare(depths[above], depths[below], matters=0).word
        for below, above in pairwise(sorted(depths))
        if any([*depths[below].values(), *depths[above].values()])
    }
    return LOWER if words <= {LOWER} else UNDECIDED if words <= {LOWER, UNDECIDED} else HIGHER


def _finding(means: pd.Series, falls: str) -> str:
    """Whether the loss falls at every depth, its first values, and from which depth on it is exactly 0."""
    depths = list(means.index)
    said = f"{means.iloc[0]:.2g} at depth {depths[0]}"
    if len(means) == 1:
        return f"The tower's loss is {said}"
    said += f", {means.iloc[1]:.1g} at depth {depths[1]}"
    dead = next((depth for depth in depths if (means.loc[depth:] == 0).all()), None)
    lead = {
        LOWER: "The tower's loss falls at every depth" if dead is None
        else "A dying tower's loss looks better at every depth",
        HIGHER: "The tower's loss does not fall at every depth",
        UNDECIDED: "Whether the tower's loss falls at every depth is undecided",
    }[falls]  # fmt: skip
    return f"{lead}: ours is {said}" + (f" and exactly 0 from depth {dead} on" if dead is not None else "")


def _vanishes(live: dict[int, float]) -> bool:
    """Whether fewer latents are active at the second depth than at the first."""
    values = list(live.values())
    return len(values) > 1 and values[1] < values[0]
