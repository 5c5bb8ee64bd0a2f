"""What each architecture leaves unexplained at one L0, with its own codes and with fitted ones, beside floors."""

from __future__ import annotations

import math

import altair as alt
import pandas as pd

from analysis.figures.drawing import Drawing
from analysis.figures.style import PLOT_WIDTH, ROLES
from analysis.figures.words import judged, needed
from analysis.results.architectures import DICTIONARIES, OWN, REFIT, numbers, over_seeds
from analysis.results.findings import EQUAL, HIGHER, LOWER, UNDECIDED, Comparison, Values, compare, counted
from analysis.results.tables import Results

# The smallest difference that matters between two shares of variance that are missed.
CLEAR = 0.005
CODERS = {OWN: "own codes", REFIT: "fitted codes"}


def architecture_error(results: Results) -> Drawing:
    """A row an architecture or untrained dictionary; a tick at the mean of each coder, a dot a seed."""
    parts = [numbers(results, measure).assign(coder=coder) for measure, coder in CODERS.items()]
    rows = needed(pd.concat(parts), "variance explained at depth 1 by any architecture", results)
    needed(rows[~rows["floor"]], "variance explained at depth 1 by any architecture", results)
    rows = rows.assign(missed=lambda frame: 1 - frame["value"])
    # an untrained dictionary has fitted codes only
    rows = rows[(~rows["floor"]) | (rows["what"].isin(DICTIONARIES) & (rows["coder"] == "fitted codes"))]
    means = pd.concat(
        over_seeds(part.assign(value=part["missed"])).assign(coder=coder) for coder, part in rows.groupby("coder")
    )
    fitted = means[means["coder"] == "fitted codes"].sort_values("mean")
    order = [*fitted[~fitted["floor"]]["what"], *fitted[fitted["floor"]]["what"]]
    order += [what for what in dict.fromkeys(rows["what"]) if what not in order]
    title, compared = _finding(rows)
    end = max(3, math.ceil(10 * float(rows["missed"].max())))
    scale = alt.Scale(domain=list(CODERS.values()), range=[ROLES["c2"], ROLES["c1"]])
    colour = alt.Color("coder:N", scale=scale, legend=alt.Legend(orient="top", title=None))
    shape = alt.Shape("coder:N", scale=alt.Scale(domain=list(CODERS.values()), range=["circle", "diamond"]))
    y = alt.Y("what:N", sort=order, title=None, axis=alt.Axis(labelLimit=220, domain=False, ticks=False))
    # the two coders of a row one above the other: they often miss about the same
    apart = alt.YOffset("coder:N", sort=list(CODERS.values()), scale=alt.Scale(paddingOuter=0.35))
    x = alt.X(
        "missed:Q", title=["share of held-out variance missed", "(lower is better)"],
        scale=alt.Scale(domain=[0, end / 10], nice=False),
        axis=alt.Axis(format=".0%", values=[tenth / 10 for tenth in range(end + 1)]),
    )  # fmt: skip
    dots = alt.Chart(rows[["what", "coder", "missed"]].round(4)).mark_point(filled=True, size=40, opacity=0.7)
    middle = alt.Chart(means[["what", "coder", "mean", "low", "high"]].round(4))
    tips = [
        alt.Tooltip("what:N", title="what"),
        alt.Tooltip("coder:N", title="codes"),
        alt.Tooltip("mean:Q", title="mean over seeds", format=".3f"),
        alt.Tooltip("low:Q", title="least", format=".3f"),
        alt.Tooltip("high:Q", title="largest", format=".3f"),
    ]
    ticks = middle.mark_tick(thickness=2.5, size=13).encode(x="mean:Q", y=y, yOffset=apart, color=colour, tooltip=tips)
    ends = means.sort_values("high").groupby("what", sort=False).tail(1)
    labels = ends.assign(label=[_label(means, what) for what in ends["what"]])
    text = (
        alt.Chart(labels[["what", "high", "label"]].round(4))
        .mark_text(align="left", dx=12, fontSize=13, color=ROLES["ink"])
        .encode(x="high:Q", y=y, text="label:N")
    )
    return Drawing(
        title=title,
        caption=(
            "Variance of the rows that depth 1 reads which each SAE misses on held-out examples, at about the same "
            "number of active latents: with the codes of its own encoder, and with codes fitted to its dictionary by "
            "matching pursuit. A dot is a seed, a tick their mean. The last rows are dictionaries that were not "
            f"trained, always with fitted codes; compare them with fitted codes only.{judged(*compared, matters=CLEAR)}"
        ),
        alt="Dot plot of the share of variance missed by each architecture under two coders, with floors below: "
        + "; ".join(f"{what} {_label(means, what)}" for what in order)
        + ".",
        data=rows[["what", "coder", "run", "missed"]],
        chart=alt.layer(dots.encode(x=x, y=y, yOffset=apart, color=colour, shape=shape), ticks, text).properties(
            width=PLOT_WIDTH, height=36 * len(order)
        ),
    )


def _finding(rows: pd.DataFrame) -> tuple[str, list[Comparison]]:
    """How many learned dictionaries surely miss less than rows stored by heart, both with fitted codes."""
    fitted = rows[rows["coder"] == CODERS[REFIT]]
    values: dict[str, Values] = {
        str(what): dict(zip(own["run"].astype(str), own["missed"], strict=True)) for what, own in fitted.groupby("what")
    }
    learned = [str(what) for what in dict.fromkeys(fitted[~fitted["floor"]]["what"])]
    by_heart = values.get("stored rows", {})
    found = [one for what in learned if (one := compare(values[what], by_heart, CLEAR))]
    if not found:
        own = len(set(rows[~rows["floor"]]["what"]))
        what = "architecture" if own == 1 else "architectures"
        return f"What {own} {what} leave{'s' if own == 1 else ''} unexplained at about one L0", []
    words = [one.word for one in found]
    better = words.count(LOWER)
    noun = "dictionary misses" if len(words) == 1 or (better == 1 and len(words) == 1) else "dictionaries miss"
    said = f"With fitted codes, {counted(better, len(words))} learned {noun} less than rows stored by heart"
    others = [f"{words.count(word)} {text}" for word, text in
              ((EQUAL, "about as much"), (HIGHER, "more"), (UNDECIDED, "undecided")) if word in words]  # fmt: skip
    return said + (f" ({', '.join(others)})" if others else ""), found


def _label(means: pd.DataFrame, what: str) -> str:
    """Both means of a row as percentages, the fitted one last; a floor has one."""
    here = means[means["what"] == what].set_index("coder")["mean"]
    return " / ".join(f"{100 * here[coder]:.1f}" for coder in CODERS.values() if coder in here) + "%"
