"""Class selectivity of the latents over depth, beside plain neurons, a random host and permuted labels."""

from __future__ import annotations

import pandas as pd

from analysis.drawing import Drawing, over_depth, series, spoken
from analysis.results import Results


def selectivity_by_depth(results: Results) -> Drawing:
    """Held-out selectivity index of the latents tower; depth 0 are the host's own neurons."""
    kind, measure = "latents", "selectivity"
    lines = []
    for label, control in (
        ("trained host", "none"), ("random host", "random_host"), ("permuted labels", "permuted_labels"),
    ):  # fmt: skip
        lines += [
            series(results, label, measure, "host", control=control),
            series(results, label, measure, kind, control=control),
        ]
    whole = pd.concat(lines)
    last = max(results.depths(kind))
    rise = results.mean(measure, kind, last) - results.mean(measure, kind, 1)
    random_rise = results.mean(measure, kind, last, control="random_host") - results.mean(
        measure, kind, 1, control="random_host"
    )
    return Drawing(
        title=(
            f"Latents grow more selective with depth (+{spoken(rise)} from depth 1 to {last}), "
            f"but so they do on a host that never learned anything (+{spoken(random_rise)})"
        ),
        caption=(
            "Selectivity index of a latent: (largest class mean minus second) over largest; 0 means two classes "
            "drive it equally, 1 that no second class drives it at all. Mean over latents that fire on at least "
            "ten held-out digits. Depth 0 are the host's own neurons. Permuted labels show what chance gives to "
            "latents that fire this rarely. Bands are the range over seeds."
        ),
        alt=(
            f"Line chart over depth 0 to {last}. Trained host rises from {spoken(results.mean(measure, 'host', 0))} "
            f"for plain neurons to {spoken(results.mean(measure, kind, 1))} at depth 1 and "
            f"{spoken(results.mean(measure, kind, last))} at depth {last}; the random host runs below it, nearly "
            f"parallel, ending at {spoken(results.mean(measure, kind, last, control='random_host'))}; permuted "
            "labels stay near 0.2."
        ),
        data=whole,
        chart=over_depth(whole, "selectivity index, held out", domain=(0, 1)),
    )
