"""How activation changes with depth: the sum falls, the strength of a firing rises, on any host."""

from __future__ import annotations

import pandas as pd

from analysis.figures.drawing import Drawing, over_depth, series, spoken
from analysis.results.tables import Results

EXPERIMENTS = ("towers",)
STYLES = {
    "mass": ("c1", [1, 0]),
    "mass, random": ("c2", [6, 3]),
    "strength": ("c3", [1, 0]),
    "strength, random": ("c4", [6, 3]),
}


def activation_by_depth(results: Results) -> Drawing:
    """Activation mass and mean activation of the latents tower, in host units, relative to depth 1."""
    kind = "latents"
    parts = []
    for label, measure, control in (
        ("mass", "activation_mass", "none"),
        ("mass, random", "activation_mass", "random_host"),
        ("strength", "mean_activation", "none"),
        ("strength, random", "mean_activation", "random_host"),
    ):
        line = series(results, label, measure, kind, control=control)
        first = line[line["depth"] == 1].set_index("run")["value"]
        parts.append(line.assign(value=line["value"] / line["run"].astype(str).map(first).to_numpy()))
    lines = pd.concat(parts)
    last = max(results.depths(kind))

    def end(label: str) -> float:
        return float(lines[(lines["series"] == label) & (lines["depth"] == last)]["value"].mean())

    return Drawing(
        title=(
            f"From depth 1 to {last} the activation of an example falls to {spoken(end('mass'))} of what it was while "
            f"each firing gets {spoken(end('strength'))} times as strong, and on a random network it is the same"
        ),
        caption=(
            "Mass is the summed activation of an example, strength the mean of the activations above 0; both in "
            "the network's units and relative to depth 1. With exactly k latents active mass is k times strength, and "
            "this tower halves k at each depth: only the strength is news. That it moves alike on an untrained "
            "network says that it is no evidence of anything learned. Held-out digits; bands, where they are wider "
            "than the line, are the range over seeds."
        ),
        alt=(
            f"Line chart relative to depth 1. At depth {last}: mass {spoken(end('mass'))}, on the random host "
            f"{spoken(end('mass, random'))}; strength of a firing {spoken(end('strength'))}, on "
            f"the random host {spoken(end('strength, random'))}."
        ),
        data=lines,
        chart=over_depth(lines, "relative to depth 1", domain=(0, round(float(lines["value"].max()) * 1.1, 1)),
                         styles=STYLES),
    )  # fmt: skip
