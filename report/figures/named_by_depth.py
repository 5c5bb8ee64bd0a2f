"""The share of latents that have a name which predicts when they fire, depth by depth."""

from __future__ import annotations

import pandas as pd

from analysis.figures.drawing import Drawing, beside_one_sae, mean_or_nan, over_depth, series, spoken
from analysis.figures.style import SERIES
from analysis.results.tables import Results

STYLES = {**SERIES, "shuffled firing": SERIES["shuffled labels"]}
NETWORKS = (("trained network", "none"), ("random network", "random_host"))


def named_by_depth(results: Results) -> Drawing:
    """Latents tower with neurons as depth 0, and single SAEs as sparse; bands over seeds."""
    neurons = [series(results, label, "named_share", "host", control=control) for label, control in NETWORKS]
    shuffled = [
        series(results, "shuffled firing", "named_share", kind, control="permuted_labels")
        for kind in ("host", "latents")
    ]
    lines = pd.concat([*neurons, beside_one_sae(results, "named_share"), *shuffled])
    depths = results.depths("latents")

    def share(depth: int, control: str = "none") -> str:
        return spoken(mean_or_nan(results, "named_share", "latents" if depth else "host", depth, control=control), True)

    def single(depth: int) -> str:
        return spoken(mean_or_nan(results, "named_share", "direct", depth), True)

    best = max(depths, key=lambda depth: mean_or_nan(results, "named_share", "latents", depth))
    return Drawing(
        title=(
            f"Names that predict firing: {share(0)} of the neurons have one, {share(best)} of the latents of depth "
            f"{best}; on a random network {share(best, 'random_host')}, of one SAE as sparse {single(best)}"
        ),
        caption=(
            "A name is a set of classes with up to two attributes, chosen on training images. It counts when it "
            "predicts on held-out images where the latent fires, by the rule in the methods, corrected over the "
            "latents of a depth. Share of all latents of a depth, dead ones included; depth 0 are the network's "
            "neurons. *One SAE*: a single SAE on the network, as wide and as sparse as that depth. *Shuffled firing*: "
            "the same search with firing shuffled over images. Bands: range over seeds."
        ),
        alt=(
            "Line chart of the share of named latents over depth. Trained network: "
            + ", ".join(share(depth) for depth in (0, *depths))
            + "; random network: "
            + ", ".join(share(depth, "random_host") for depth in (0, *depths))
            + "; shuffled: "
            + ", ".join(share(depth, "permuted_labels") for depth in (0, *depths))
            + "."
        ),
        data=lines,
        chart=over_depth(lines, "share of latents with a name", domain=(0, 0.4), percent=True, styles=STYLES),
    )
