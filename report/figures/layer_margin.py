"""Does the verdict hang on the layer? The latents tower on the network's first and on its second layer."""

from __future__ import annotations

import pandas as pd

from analysis.figures.drawing import Drawing, around, over_depth, over_seeds
from analysis.figures.verdict_cells import judged
from analysis.figures.words import mean_of_seeds, needed, one_variant, seeds_of, tower_depths
from analysis.results.margins import spelled
from analysis.results.tables import Results
from analysis.results.verdict import nearest_leads

EXPERIMENTS = ("towers", "layer2")
KIND = "latents"
STYLES = {"first layer": ("c1", [1, 0]), "second layer": ("c2", [6, 3])}


def layer_margin(towers: Results, layer2: Results) -> Drawing:
    """Distance of each depth from its best floor, on both layers."""
    given = dict(zip(STYLES, (towers, layer2), strict=True))
    for results in given.values():
        one_variant(results)
    judged_words = {name: judged(results, KIND) for name, results in given.items()}
    depths = [depth for depth in tower_depths(layer2, KIND) if all(depth in words for words in judged_words.values())]
    rows = [
        {"series": name, "run": run, "depth": depth, "value": value}
        for name, results in given.items()
        for (run, kind, depth), value in nearest_leads(results).items()
        if kind == KIND and depth in depths
    ]
    lines = pd.DataFrame(rows, columns=["series", "run", "depth", "value"])
    lines = needed(lines, f"distance of its {KIND} tower to all floors (nulls = false, or a short panel)", layer2)
    words = {name: spelled([found[depth].word for depth in depths]) for name, found in judged_words.items()}
    data = over_seeds(lines, intervals=True)
    sizes = [f"{mean_of_seeds(seeds_of(results))} on the {name}" for name, results in given.items()]
    means = data.set_index(["series", "depth"])["mean"]
    told = [
        f"{name.capitalize()}: "
        + ", ".join(f"{means[name, depth]:+.3f} at depth {depth}" for depth in depths if (name, depth) in means.index)
        + "."
        for name in STYLES
        if name in set(data["series"])
    ]
    same = len(set(words.values())) == 1
    said = "; ".join(f"{name}: {text}" for name, text in words.items())
    return Drawing(
        title=f"Both layers: {next(iter(words.values()))}" if same else said[0].upper() + said[1:],
        caption=(
            "Observed minus nearest floor of the latents tower on held-out rows, "
            f"{', '.join(sizes)}. The words in the title ask every floor, the lines show the nearest."
        ),
        alt=f"Line chart of the distance to the nearest floor over depth. {' '.join(told)}",
        data=lines,
        chart=over_depth(
            lines, "lead, share of variance", domain=around(data, 50), intervals=True, level=0.0,
            styles=STYLES,
        ),
    )  # fmt: skip
