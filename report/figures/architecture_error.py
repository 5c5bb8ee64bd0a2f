"""What each architecture leaves unexplained at one L0, with its own codes and with fitted ones, beside floors."""

from __future__ import annotations

import math

import altair as alt
import pandas as pd

from analysis.figures.drawing import Drawing
from analysis.figures.style import PLOT_WIDTH, ROLES
from analysis.results.architectures import DICTIONARIES, OWN, REFIT, numbers, over_seeds
from analysis.results.tables import Results

CODERS = {OWN: "own codes", REFIT: "fitted codes"}


def architecture_error(results: Results) -> Drawing:
    """A row an architecture or untrained dictionary; a tick at the mean of each coder, a dot a seed."""
    parts = [numbers(results, measure).assign(coder=coder) for measure, coder in CODERS.items()]
    rows = pd.concat(parts).assign(missed=lambda frame: 1 - frame["value"])
    # an untrained dictionary has fitted codes only
    rows = rows[(~rows["floor"]) | (rows["what"].isin(DICTIONARIES) & (rows["coder"] == "fitted codes"))]
    means = pd.concat(
        over_seeds(part.assign(value=part["missed"])).assign(coder=coder) for coder, part in rows.groupby("coder")
    )
    fitted = means[means["coder"] == "fitted codes"].sort_values("mean")
    order = [*fitted[~fitted["floor"]]["what"], *fitted[fitted["floor"]]["what"]]
    by_heart = float(fitted[fitted["what"] == "stored rows"]["mean"].iloc[0])
    own = fitted[~fitted["floor"]]
    better = int((own["mean"] < by_heart).sum())
    end = max(3, math.ceil(10 * float(rows["missed"].max())))
    scale = alt.Scale(domain=list(CODERS.values()), range=[ROLES["c2"], ROLES["c1"]])
    colour = alt.Color("coder:N", scale=scale, legend=alt.Legend(orient="top", title=None))
    shape = alt.Shape("coder:N", scale=alt.Scale(domain=list(CODERS.values()), range=["circle", "diamond"]))
    y = alt.Y("what:N", sort=order, title=None, axis=alt.Axis(labelLimit=220, domain=False, ticks=False))
    x = alt.X(
        "missed:Q", title=["share of held-out variance missed", "(lower is better)"],
        scale=alt.Scale(domain=[0, end / 10], nice=False),
        axis=alt.Axis(format=".0%", values=[tenth / 10 for tenth in range(end + 1)]),
    )  # fmt: skip
    dots = alt.Chart(rows[["what", "coder", "missed"]].round(4)).mark_point(filled=True, size=50, opacity=0.7)
    middle = alt.Chart(means[["what", "coder", "mean", "low", "high"]].round(4))
    tips = [
        alt.Tooltip("what:N", title="what"),
        alt.Tooltip("coder:N", title="codes"),
        alt.Tooltip("mean:Q", title="mean over seeds", format=".3f"),
        alt.Tooltip("low:Q", title="least", format=".3f"),
        alt.Tooltip("high:Q", title="largest", format=".3f"),
    ]
    ticks = middle.mark_tick(thickness=2.5, size=18).encode(x="mean:Q", y=y, color=colour, tooltip=tips)
    ends = means.sort_values("high").groupby("what", sort=False).tail(1)
    labels = ends.assign(label=[_label(means, what) for what in ends["what"]])
    text = (
        alt.Chart(labels[["what", "high", "label"]].round(4))
        .mark_text(align="left", dx=12, fontSize=13, color=ROLES["ink"])
        .encode(x="high:Q", y=y, text="label:N")
    )
    return Drawing(
        title=f"With fitted codes, {better} of {len(own)} learned dictionaries miss less than rows stored by heart",
        caption=(
            "Variance of the rows that depth 1 reads which each SAE misses on held-out digits, at about the same "
            "number of active latents: with the codes of its own encoder, and with codes fitted to its dictionary by "
            "matching pursuit. A dot is a seed, a tick their mean. The last rows are dictionaries that were not "
            "trained, always with fitted codes; compare them with fitted codes only."
        ),
        alt="Dot plot of the share of variance missed by each architecture under two coders, with floors below.",
        data=rows[["what", "coder", "run", "missed"]],
        chart=alt.layer(dots.encode(x=x, y=y, color=colour, shape=shape), ticks, text).properties(
            width=PLOT_WIDTH, height=28 * len(order)
        ),
    )


def _label(means: pd.DataFrame, what: str) -> str:
    """Both means of a row as percentages, the fitted one last; a floor has one."""
    here = means[means["what"] == what].set_index("coder")["mean"]
    return " / ".join(f"{100 * here[coder]:.1f}" for coder in CODERS.values() if coder in here) + "%"
