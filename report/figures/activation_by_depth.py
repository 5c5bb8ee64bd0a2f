"""How activation changes with depth: how much of it there is, how strong a firing is, on any host."""

from __future__ import annotations

import pandas as pd

from analysis.figures.drawing import Drawing, over_depth, series, spoken
from analysis.figures.words import bands, judged, needed, tower_depths
from analysis.results.findings import EQUAL, Comparison, Trend, Values, compare, trend
from analysis.results.tables import Results

EXPERIMENTS = ("towers",)
STYLES = {
    "mass": ("c1", [1, 0]),
    "mass, random": ("c2", [6, 3]),
    "strength": ("c3", [1, 0]),
    "strength, random": ("c4", [6, 3]),
}
KIND = "latents"
# The smallest difference that matters between two ratios to depth 1.
RATIO = 0.05


def activation_by_depth(results: Results) -> Drawing:
    """Activation mass and mean activation of the latents tower, in host units, relative to depth 1."""
    lines = needed(relative(results), "activation of its latents tower at depth 1 and further", results)
    last = max(tower_depths(results, KIND))
    ends = lines[lines["depth"] == last].groupby("series")["value"].mean()
    changes = {name: trend(_by_depth(lines, name), RATIO) for name in ("mass", "strength")}
    compared = {name: compare(_at(lines, name, last), _at(lines, f"{name}, random", last), RATIO) for name in changes}
    return Drawing(
        title=_finding(last, changes, ends, compared),
        caption=(
            "Mass is the summed activation of an example, strength the mean of the activations above 0; both in "
            f"the network's units and relative to depth 1. {_sparsity(results)}"
            + (
                "That strength moves alike on a random network says that it is no evidence of anything learned. "
                if compared["strength"].word == EQUAL else ""
            )
            + f"Held-out examples. {bands(results)}{judged(*compared.values(), matters=RATIO)}"
        ),
        alt="Line chart relative to depth 1. "
         f"At depth {last}: "
        + "; ".join(f"{name} {spoken(float(value))}" for name, value in ends.reindex(list(STYLES)).dropna().items())
        + ".",
        data=lines,
        chart=over_depth(
            lines, "relative to depth 1", domain=(0, max(1.0, round(float(lines["value"].max()) * 1.1, 1))),
            styles=STYLES,
        ),
    )  # fmt: skip


def relative(results: Results) -> pd.DataFrame:
    """The four lines, each value over that of the same run at depth 1; without runs that have none there."""
    parts = []
    for label, measure, control in (
        ("mass", "activation_mass", "none"),
        ("mass, random", "activation_mass", "random_host"),
        ("strength", "mean_activation", "none"),
        ("strength, random", "mean_activation", "random_host"),
    ):
        line = series(results, label, measure, KIND, control=control)
        first = line[(line["depth"] == 1) & (line["value"] > 0)].set_index("run")["value"]
        over = line["run"].astype(str).map(first).to_numpy(dtype=float)
        parts.append(line.assign(value=line["value"] / over))
    return pd.concat(parts)


def _finding(last: int, changes: dict[str, Trend], ends: pd.Series, compared: dict[str, Comparison]) -> str:
    if not changes["mass"] or not changes["strength"]:
        return f"Activation of the latents tower is known at depth {last} only: no change to speak of"
    verbs = [
        {"rises": "grows to", "falls": "falls to", "stays": "stays at", "varies": "varies, and ends at"}.get(
            changes["mass"].word, "changes, undecided in which direction, to"
        ),
        {"rises": "gets", "falls": "gets only", "stays": "stays", "varies": "varies, and ends"}.get(
            changes["strength"].word, "gets, undecided whether weaker or stronger,"
        ),
    ]
    said = (
        f"From depth 1 to {last} the activation of an example {verbs[0]} {spoken(ends['mass'])} of what it was while "
        f"each firing {verbs[1]} {spoken(ends['strength'])} times as strong"
    )
    there = [one for one in compared.values() if one]
    if not there:
        return said
    if all(one.word == EQUAL for one in there):
        return f"{said}, and on a random network it is about the same"
    # the word is of the random network, beside the trained one
    parts = [
        f"{spoken(ends[f'{name}, random'])} ("
        + one.choose(higher="less", lower="more", equal="about as much", undecided="undecided whether more or less")
        + ")"
        for name, one in compared.items()
        if one
    ]
    return f"{said}; on a random network {' and '.join(parts)}"


def _sparsity(results: Results) -> str:
    """What of the mass follows from the number of active latents, which the config sets."""
    trained = results.trained(KIND)
    own = trained[trained["run"] == results.first_run]
    if own.empty or set(own["architecture"]) != {"topk"}:
        return ""
    active = own["k"].tolist()
    if len(set(active)) == 1:
        return f"With exactly k latents active mass is k times strength, and k is {active[0]} at every depth. "
    return (
        f"With exactly k latents active mass is k times strength, and k goes from {active[0]} to {active[-1]} in this "
        "tower: only the strength is news. "
    )


def _at(lines: pd.DataFrame, name: str, depth: int) -> Values:
    own = lines[(lines["series"] == name) & (lines["depth"] == depth)]
    return dict(zip(own["run"].astype(str), own["value"], strict=True))


def _by_depth(lines: pd.DataFrame, name: str) -> dict[int, Values]:
    depths = sorted({int(depth) for depth in lines[lines["series"] == name]["depth"]})
    return {depth: _at(lines, name, depth) for depth in depths}
