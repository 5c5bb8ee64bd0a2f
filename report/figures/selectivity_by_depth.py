"""Class selectivity over depth, beside sparsity alone, a random network, plain neurons and shuffled labels."""

from __future__ import annotations

import pandas as pd

from analysis.figures.drawing import Drawing, beside_one_sae, over_depth, series, spoken
from analysis.results.tables import Results

EXPERIMENTS = ("towers",)


def selectivity_by_depth(results: Results) -> Drawing:
    """Held-out selectivity index of the latents tower; depth 0 are the network's own neurons."""
    kind, measure = "latents", "selectivity"
    neurons = [
        series(results, "trained network", measure, "host"),
        series(results, "random network", measure, "host", control="random_host"),
    ]
    chance = [series(results, "shuffled labels", measure, place, control="permuted_labels") for place in ("host", kind)]
    whole = pd.concat([*neurons, beside_one_sae(results, measure), *chance])
    last = max(results.depths(kind))

    def at(kind: str, depth: int, control: str = "none") -> float:
        return results.mean(measure, kind, depth, control=control)

    rise, random_rise = at(kind, last) - at(kind, 1), at(kind, last, "random_host") - at(kind, 1, "random_host")
    sparse_rise = at("direct", last) - at(kind, 1)
    return Drawing(
        title=(
            f"Selectivity rises by {spoken(rise)} from depth 1 to {last}; on a random network by "
            f"{spoken(random_rise)}, and by {spoken(sparse_rise)} from sparsity alone"
        ),
        caption=(
            "Selectivity index of a latent: (largest class mean minus second) over largest; 0 means two classes "
            "drive it equally, 1 that no second class drives it at all. Mean over latents that fire on at least "
            "ten held-out digits. *One SAE* is a single SAE on the network that is as wide and as sparse as that "
            "depth of the tower. Depth 0 is the network's own neurons. Bands, where they are wider than the line, "
            "are the range over seeds."
        ),
        alt=(
            f"Line chart over depth 0 to {last}. Trained network: {spoken(at('host', 0))} for plain neurons, "
            f"{spoken(at(kind, 1))} at depth 1, {spoken(at(kind, last))} at depth {last}. Random network ends at "
            f"{spoken(at(kind, last, 'random_host'))}. A single SAE as sparse as depth {last}: "
            f"{spoken(at('direct', last))} trained, {spoken(at('direct', last, 'random_host'))} random. Shuffled "
            f"labels end at {spoken(at(kind, last, 'permuted_labels'))}."
        ),
        data=whole,
        chart=over_depth(whole, "selectivity index, held out", domain=(0, 1)),
    )
