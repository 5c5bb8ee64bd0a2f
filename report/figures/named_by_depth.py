"""The share of latents that have a name which predicts when they fire, depth by depth."""

from __future__ import annotations

import pandas as pd

from analysis.figures.drawing import Drawing, beside_one_sae, mean_or_nan, over_depth, reaching, series, spoken
from analysis.figures.style import SERIES
from analysis.figures.words import (
    RANDOM,
    bands,
    described,
    judged,
    known,
    needed,
    no_random,
    opened,
    tower_depths,
    versus,
)
from analysis.results.findings import beside, by_run, compare
from analysis.results.tables import Results

STYLES = {**SERIES, "shuffled firing": SERIES["shuffled labels"]}
NETWORKS = (("trained network", "none"), ("random network", RANDOM))
MEASURE, KIND = "named_share", "latents"


def named_by_depth(results: Results) -> Drawing:
    """Latents tower with neurons as depth 0, and single SAEs as sparse; bands over seeds."""
    neurons = [series(results, label, MEASURE, "host", control=control) for label, control in NETWORKS]
    shuffled = [series(results, "shuffled firing", MEASURE, kind, control="permuted_labels") for kind in ("host", KIND)]
    lines = pd.concat([*neurons, beside_one_sae(results, MEASURE), *shuffled])
    lines = needed(lines, "names of latents: its TOML has no [interpret]", results)
    tower = lines[(lines["depth"] > 0) & (lines["series"] == "trained network")]
    means = needed(tower, "names of latents of its tower", results).groupby("depth")["value"].mean()
    depths = tower_depths(results, KIND)

    def value(depth: int, control: str = "none") -> float:
        return mean_or_nan(results, MEASURE, KIND if depth else "host", depth, control)

    best = int(str(means.idxmax()))
    random = beside(results, MEASURE, KIND, best)
    single = compare(by_run(results, MEASURE, KIND, best), by_run(results, MEASURE, "direct", best))
    own_neurons = value(0)
    return Drawing(
        title="Names that predict firing: "
        + (f"{spoken(own_neurons, True)} of the neurons have one, " if own_neurons == own_neurons else "")
        + f"{spoken(value(best), True)} of the latents of depth {best}"
        + versus(random, f"on a random network ({spoken(value(best, RANDOM), True)})")
        + versus(single, f"of one SAE as sparse ({spoken(mean_or_nan(results, MEASURE, 'direct', best), True)})"),
        caption=(
            f"A name is {'a set of classes with ' if results.labelled else ''}up to two attributes, chosen on training "
            "examples. It counts when it predicts on held-out ones where the latent fires, by the rule in the "
            "methods, corrected over the latents of a depth. Share of all latents of a depth, dead ones included"
            + ("; depth 0 are the network's neurons. " if own_neurons == own_neurons else ". ")
            + "".join(
                described(
                    lines,
                    {
                        "one SAE, trained": "*One SAE*: a single SAE on the network, as wide and as sparse as that "
                        "depth. ",
                        "shuffled firing": "*Shuffled firing*: the same search with firing shuffled over examples. ",
                    },
                )
            )
            + bands(results)
            + no_random(results)
            + judged(random, single)
        ),
        alt="Line chart of the share of named latents over depth. "
        + "; ".join(
            f"{opened(label)}: {known({depth: value(depth, control) for depth in (0, *depths)}, True)}"
            for label, control in (*NETWORKS, ("shuffled firing", "permuted_labels"))
            if label in set(lines["series"])
        )
        + ".",
        data=lines,
        chart=over_depth(
            lines, "share of latents with a name", domain=reaching(lines, 0, 0.4), percent=True, styles=STYLES
        ),
    )
