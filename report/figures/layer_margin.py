"""Does the verdict hang on the layer? The latents tower on the network's first and on its second layer."""

from __future__ import annotations

import math

import pandas as pd

from analysis.figures.drawing import Drawing, over_depth, over_seeds
from analysis.results.margins import spelled
from analysis.results.tables import Results
from analysis.results.verdict import seeds_of, verdicts

EXPERIMENTS = ("towers", "layer2")
KIND = "latents"
STYLES = {"first layer": ("c1", [1, 0]), "second layer": ("c2", [6, 3])}


def layer_margin(towers: Results, layer2: Results) -> Drawing:
    """Distance of each depth from its best floor, on both layers."""
    given = dict(zip(STYLES, (towers, layer2), strict=True))
    depths = layer2.depths(KIND)
    rows = [
        {"series": name, "run": run, "depth": depth, "value": seed.margin()}
        for name, results in given.items()
        for (run, kind, depth), seed in seeds_of(results.measures).items()
        if kind == KIND and depth in depths
    ]
    lines = pd.DataFrame(rows, columns=["series", "run", "depth", "value"])
    words = {
        name: spelled([verdicts(results)[KIND, depth].word for depth in depths]) for name, results in given.items()
    }
    data = over_seeds(lines, intervals=True)
    low = math.floor(50 * min(0.0, float(data["low"].min()))) / 50
    high = math.ceil(50 * float(data["high"].max())) / 50
    seeds = {name: results.runs["seed"].nunique() for name, results in given.items()}
    means = data.set_index(["series", "depth"])["mean"]
    told = [
        f"{name.capitalize()}: {', '.join(f'{means[name, depth]:+.3f} at depth {depth}' for depth in depths)}."
        for name in STYLES
    ]
    return Drawing(
        title="; ".join(f"{name}: {said}" for name, said in words.items()).capitalize(),
        caption=(
            "Observed minus best floor of the latents tower on held-out rows, mean and 95% interval over "
            f"{seeds['first layer']} seeds on the first layer (256 neurons) and {seeds['second layer']} on the second "
            "(128 neurons). Same width, same numbers of active latents, same training. A depth whose interval reaches "
            "below zero is floor."
        ),
        alt=f"Line chart of the distance to the best floor over depth. {' '.join(told)}",
        data=lines,
        chart=over_depth(
            lines, "above the best floor, share of variance", domain=(low, high), intervals=True, level=0.0,
            styles=STYLES,
        ),
    )  # fmt: skip
