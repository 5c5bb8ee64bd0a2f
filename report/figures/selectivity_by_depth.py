"""Class selectivity over depth, beside sparsity alone, a random network, plain neurons and shuffled labels."""

from __future__ import annotations

import pandas as pd

from analysis.figures.drawing import Drawing, beside_one_sae, mean_or_nan, over_depth, series, spoken
from analysis.figures.words import (
    RANDOM,
    UNDEFINED,
    bands,
    described,
    judged,
    known,
    needed,
    needs_labels,
    no_random,
    opened,
    tower_depths,
)
from analysis.results.findings import Comparison, Trend, Values, by_run, compare, over_depths, trend
from analysis.results.tables import Results

EXPERIMENTS = ("towers",)
KIND, MEASURE = "latents", "selectivity"
# what stands in the alternative text: kind, control
PLACES = {
    "trained network": (KIND, "none"),
    "random network": (KIND, RANDOM),
    "a single SAE as sparse, trained": ("direct", "none"),
    "a single SAE as sparse, random": ("direct", RANDOM),
    "shuffled labels": (KIND, "permuted_labels"),
}


def selectivity_by_depth(results: Results) -> Drawing:
    """Held-out selectivity index of the latents tower; depth 0 are the network's own neurons."""
    needs_labels(results)
    neurons = [
        series(results, "trained network", MEASURE, "host"),
        series(results, "random network", MEASURE, "host", control=RANDOM),
    ]
    chance = [series(results, "shuffled labels", MEASURE, place, control="permuted_labels") for place in ("host", KIND)]
    whole = needed(pd.concat([*neurons, beside_one_sae(results, MEASURE), *chance]), "selectivity of classes", results)
    depths = tower_depths(results, KIND)
    needed(whole[(whole["depth"] > 0) & (whole["series"] == "trained network")], "selectivity of its latents", results)
    # a single SAE as sparse as depth 1 is depth 1
    own = over_depths(results, MEASURE, KIND)
    random = over_depths(results, MEASURE, KIND, RANDOM)
    single = {**{depth: own[depth] for depth in depths[:1]}, **over_depths(results, MEASURE, "direct")}
    trends = {"own": trend(own), "random": trend(random), "single": trend(single)}
    first, last = trends["own"].first, trends["own"].last
    rises = {name: _rise(values, first, last) for name, values in
             {"own": own, "random": random, "single": single}.items()}  # fmt: skip
    compared = {name: compare(rises["own"], rises[name]) for name in ("random", "single")}
    return Drawing(
        title=_finding(results, trends["own"], rises, compared),
        caption=(
            "Selectivity index of a latent: (largest class mean minus second) over largest; 0 means two classes "
            "drive it equally, 1 that no second class drives it at all. Mean over latents that fire on at least "
            "ten held-out examples. "
            + "".join(
                described(
                    whole,
                    {
                        "one SAE, trained": "*One SAE* is a single SAE on the network that is as wide and as sparse as "
                        "that depth of the tower. ",
                    },
                )
            )
            + ("Depth 0 is the network's own neurons. " if (whole["depth"] == 0).any() else "")
            + bands(results)
            + no_random(results)
            + judged(*compared.values())
        ),
        alt="Line chart over depth. "
        + "; ".join(
            f"{opened(name)}: {said}"
            for name, (kind, control) in PLACES.items()
            if (said := known({depth: mean_or_nan(results, MEASURE, kind, depth, control) for depth in depths}))
            != UNDEFINED
        )
        + _plain(mean_or_nan(results, MEASURE, "host", 0))
        + ".",
        data=whole,
        chart=over_depth(whole, "selectivity index, held out", domain=(0, 1)),
    )


def _rise(depths: dict[int, dict[str, float]], first: int, last: int) -> Values:
    """Last depth minus first, by run."""
    start, end = depths.get(first, {}), depths.get(last, {})
    return {run: end[run] - start[run] for run in end if run in start}


def _finding(
    results: Results, own: Trend, rises: dict[str, Values], compared: dict[str, Comparison]
) -> str:  # fmt: skip
    if not own:
        value = spoken(mean_or_nan(results, MEASURE, KIND, own.last))
        random = by_run(results, MEASURE, KIND, own.last, RANDOM)
        there = compare(by_run(results, MEASURE, KIND, own.last), random)
        text = there.than(f"on a random network ({spoken(mean_or_nan(results, MEASURE, KIND, own.last, RANDOM))})")
        return f"Selectivity is {value} at depth {own.last}" + (f", {text}" if text else "")
    verb = {
        "rises": "rises by", "falls": "falls by", "stays": "stays about equal, with a change of",
        "varies": "varies, with a change of", "undecided": "changes, undecided in which direction, by",
    }[own.word]  # fmt: skip

    def change(name: str) -> float:
        known_values = [value for value in rises[name].values() if value == value]
        return sum(known_values) / len(known_values) if known_values else float("nan")

    amount = abs(change("own")) if own.word in ("rises", "falls") else change("own")
    said = f"Selectivity {verb} {spoken(amount)} from depth {own.first} to {own.last}"
    direction = -1 if own.word == "falls" else 1
    names = {"random": "on a random network by", "single": "from sparsity alone by"}
    return said + "".join(
        f"; {names[name]} {spoken(direction * change(name))} ({_word(one, direction)})"
        for name, one in compared.items()
        if one
    )


def _word(compared: Comparison, direction: int) -> str:
    """Whether the other place changes more or less than the tower."""
    more, less = ("more", "less") if direction > 0 else ("less", "more")
    return compared.choose(higher=less, lower=more, equal="about as much", undecided="undecided whether more or less")


def _plain(value: float) -> str:
    return "" if value != value else f"; plain neurons {spoken(value)}"
