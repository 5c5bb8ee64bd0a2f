"""Which change mends a collapsing tower: how much of the network is left at its last depth, over the penalty."""

from __future__ import annotations

import altair as alt
import pandas as pd

from analysis.figures.drawing import Drawing, end_labels, mean_or_nan, spoken
from analysis.figures.style import PLOT_HEIGHT, PLOT_WIDTH, ROLES
from analysis.figures.words import bands, needed
from analysis.plan.config import RunConfig
from analysis.results.findings import HIGHER, UNDECIDED, compare
from analysis.results.tables import Results

EXPERIMENTS = ("collapse",)
MEASURE = "host_variance_explained"
SWEPT = {
    "as published": ("c2", [1, 0]),
    "L1 as a mean": ("c3", [6, 3]),
    "normalised inputs": ("c4", [8, 3, 2, 3]),
    "unit-norm decoder": ("c6", [2, 2]),
    "all three": ("c1", [1, 0]),
}
FIXED = ("TopK", "TopK and AuxK")
# Not surely more variance of the network than this, and a tower does not count as alive in the title.
ALIVE = 0.01


def swept(variant: str) -> bool:
    """Whether a variant is a recipe at one of the penalties."""
    return ", penalty" in variant and variant.split(", penalty")[0] in SWEPT


def config_of(seen: Results) -> RunConfig:
    """The config of a variant."""
    return RunConfig.from_canonical(str(seen.runs["config"].iloc[0]))


def deepest(results: Results) -> int:
    """The last depth that was planned in the sweep; 1 where nothing is swept."""
    towers = [tower for name in results.variants if swept(name) for tower in config_of(results.of(name)).towers]
    return max((tower.depth for tower in towers), default=1)


def sweep(results: Results, measure: str, depth: int) -> pd.DataFrame:
    """recipe, penalty, run, value; a tower that stopped before `depth` explains nothing and counts as 0."""
    rows = []
    for variant in results.variants:
        if not swept(variant):
            continue
        recipe, seen = variant.split(", penalty")[0], results.of(variant)
        penalty = config_of(seen).sae.options["penalty"]
        found = seen.values(measure, "latents")
        at_depth = found[found["depth"] == depth]
        last = dict(zip(at_depth["run"].astype(str), at_depth["value"], strict=True))
        for run in seen.runs["run"].unique():
            rows.append({"recipe": recipe, "penalty": float(penalty), "run": run, "value": last.get(str(run), 0.0)})
    return pd.DataFrame(rows, columns=["recipe", "penalty", "run", "value"])


def collapse_fixes(results: Results) -> Drawing:
    """Variance of the network explained by the last depth, over the penalty, a line a recipe."""
    depth = deepest(results)
    rows = needed(sweep(results, MEASURE, depth), "recipe with a penalty that is swept", results)
    rows["value"] = rows["value"].clip(lower=0)
    grouped = rows.groupby(["recipe", "penalty"], sort=False)
    data = pd.DataFrame(
        {"mean": grouped["value"].mean(), "low": grouped["value"].min(), "high": grouped["value"].max()}
    )
    data = data.reset_index()
    fixed = pd.DataFrame(
        [
            {"recipe": name, "mean": mean_or_nan(results.of(name), MEASURE, "latents", depth)}
            for name in FIXED
            if name in results.variants
        ],
        columns=["recipe", "mean"],
    ).dropna()
    there = data[data["penalty"] == data["penalty"].max()]
    last = rows[rows["penalty"] == data["penalty"].max()]
    words = [_alive(own) for _, own in last.groupby("recipe", sort=False)]
    alive, unsure = words.count(HIGHER), words.count(UNDECIDED)
    colours = alt.Scale(domain=[*SWEPT, *FIXED], range=[ROLES[c] for c, _ in SWEPT.values()] + [ROLES["ink"]] * 2)
    dashes = alt.Scale(domain=list(SWEPT), range=[d for _, d in SWEPT.values()])
    x = alt.X("penalty:Q", title="weight of the sparsity penalty",
              scale=alt.Scale(type="log", domain=[data["penalty"].min(), data["penalty"].max()], nice=False),
              axis=alt.Axis(values=sorted(data["penalty"].unique()), format="~g", grid=False))  # fmt: skip
    y = alt.Scale(domain=[0, 1], nice=False)
    base = alt.Chart(data.round(4)).encode(x=x, color=alt.Color("recipe:N", scale=colours, legend=None))
    band = base.mark_area(opacity=0.15).encode(
        y=alt.Y("low:Q", scale=y, title=f"variance of the network explained at depth {depth}",
                axis=alt.Axis(format=".0%", tickCount=6)), y2="high:Q",
    )  # fmt: skip
    line = base.mark_line(strokeWidth=2.2).encode(
        y=alt.Y("mean:Q", scale=y), strokeDash=alt.StrokeDash("recipe:N", scale=dashes, legend=None)
    )
    points = base.mark_point(filled=True, size=46).encode(
        y=alt.Y("mean:Q", scale=y),
        tooltip=[alt.Tooltip("recipe:N"), alt.Tooltip("penalty:Q", format="~g"),
                 alt.Tooltip("mean:Q", title="mean over seeds", format=".0%"),
                 alt.Tooltip("l0:Q", title="active latents (L0)", format=".0f")],
    )  # fmt: skip
    rule = alt.Chart(fixed.round(4)).mark_rule(strokeWidth=1.4, color=ROLES["ink"]).encode(y=alt.Y("mean:Q", scale=y))
    ends = pd.concat([data.sort_values("penalty").groupby("recipe", sort=False).tail(1), fixed])
    labels = end_labels(ends.rename(columns={"recipe": "series"}).assign(depth=0), (0.0, 1.0))
    text = alt.Chart(labels).mark_text(align="left", dx=8, fontSize=14).encode(
        x=alt.value("width"), y=alt.Y("at:Q", scale=y), text="series:N",
        color=alt.Color("series:N", scale=colours, legend=None),
    )  # fmt: skip
    topk = fixed[fixed["recipe"] == FIXED[-1]]
    best = data.sort_values("mean").to_dict("records")[-1]
    return Drawing(
        title=(
            f"At the log's penalty of {there['penalty'].iloc[0]:g}, {alive} of {len(there)} "
            f"{'recipe' if len(there) == 1 else 'recipes'} with an L1 {'is' if len(there) == 1 else 'are'} "
            f"alive at depth {depth}"
            + (f" ({unsure} undecided)" if unsure else "")
            + (f"; TopK keeps {spoken(float(topk['mean'].iloc[0]), True)} of the variance" if len(topk) else "")
        ),
        caption=(
            f"Variance of the network's state that is left when depth {depth} is decoded all the way down, on held-out "
            "examples. One thing is changed at a time from the log's recipe: the penalty as a mean over the batch and "
            "not a sum, inputs centred and scaled at every depth, decoder rows of unit length; then all three. "
            + ("TopK has no penalty: the horizontal lines. " if len(fixed) else "")
            + f"Alive: surely more than {ALIVE:.0%}, by the 95% interval over seeds. A "
            "tower that stopped itself counts as 0. The best of the sweep is "
            f"*{best['recipe']}* at {best['penalty']:g} with {spoken(float(best['mean']), True)}. " + bands(results)
        ),
        alt="Line chart over the penalty: "
        + "; ".join(
            f"{recipe} "
            + ", ".join(
                f"{spoken(mean, True)} at {penalty:g}"
                for penalty, mean in zip(own["penalty"], own["mean"], strict=True)
            )
            for recipe, own in data.groupby("recipe", sort=False)
        )
        + ".",
        data=rows,
        chart=alt.layer(band, line, points, rule, text).properties(width=PLOT_WIDTH, height=PLOT_HEIGHT),
    )


def _alive(rows: pd.DataFrame) -> str:
    """Whether what is left is surely more than ALIVE."""
    values = dict(zip(rows["run"].astype(str), rows["value"].astype(float), strict=True))
    return compare(values, dict.fromkeys(values, ALIVE), matters=0).word
