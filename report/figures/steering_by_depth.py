"""How cleanly setting a latent high raises the class that it stands for, depth by depth."""

from __future__ import annotations

from collections.abc import Callable

from analysis.figures.drawing import Drawing, beside_one_sae, mean_or_nan, over_depth, spoken
from analysis.figures.words import (
    RANDOM,
    UNDEFINED,
    bands,
    judged,
    known,
    needed,
    needs_labels,
    no_random,
    tower_depths,
    versus,
)
from analysis.results.findings import Trend, beside, by_run, compare, over_depths, trend
from analysis.results.tables import Results

MEASURE, EFFECT, KIND = "steering_focus", "steering_effect", "latents"
# A mean rise of class probabilities below this is next to nothing.
NOTHING = 0.01


def steering_by_depth(results: Results) -> Drawing:
    """Latents tower and single SAEs as sparse, each on the trained and the random network; bands over seeds."""
    needs_labels(results)
    lines = needed(beside_one_sae(results, MEASURE), "effects of latents: its TOML has no [interpret]", results)
    needed(lines[lines["series"] == "trained network"], "effects of latents of its tower", results)
    depths = tower_depths(results, KIND)

    def value(kind: str, depth: int, measure: str = MEASURE, control: str = "none") -> float:
        return mean_or_nan(results, measure, kind, depth, control)

    change = trend(over_depths(results, MEASURE, KIND))
    last = change.last
    single = compare(by_run(results, MEASURE, KIND, last), by_run(results, MEASURE, "direct", last))
    random = beside(results, MEASURE, KIND, last)
    rises = {kind: known({d: value(kind, d, EFFECT) for d in depths}, True) for kind in (KIND, "direct")}
    untrained = [at for d in depths if (at := value(KIND, d, EFFECT, RANDOM)) == at]
    return Drawing(
        title=f"Setting a latent high {_finding(change, value)}"
        + versus(single, f"one SAE as sparse ({spoken(value('direct', last), True)})")
        + versus(random, f"on a random network ({spoken(value(KIND, last, control=RANDOM), True)})"),
        caption=(
            "A latent's code is set to a strong value of its own on a sample of held-out examples, and the network "
            "runs on. Of all rises of mean class probabilities, the share that is on the class which the latent "
            "prefers in training examples: sums over the latents of a depth, divided once. "
            + ("" if single.word == "unknown" else "*One SAE*: a single SAE on the network, as wide and as sparse as "
               "that depth. ")
            + "".join(
                f"The mean rise in all in the {name} is {rises[kind]}. "
                for kind, name in ((KIND, "tower"), ("direct", "single SAEs"))
                if rises[kind] != UNDEFINED
            )
            + (
                f"On the random network it is at most {spoken(max(untrained), True)}"
                + (", next to nothing. " if max(untrained) < NOTHING else ". ")
                if untrained
                else ""
            )
            + bands(results)
            + no_random(results)
            + judged(single, random)
        ),
        alt="Line chart of the share of the rise that is on the latent's own class, over depth. "
        + "; ".join(
            f"{name}, trained: {said}"
            for name, kind in (("Tower", KIND), ("single SAEs", "direct"))
            if (said := known({d: value(kind, d) for d in depths}, True)) != UNDEFINED
        )
        + ".",
        data=lines,
        chart=over_depth(lines, "share of the rise on its own class", domain=(0, 1), percent=True),
    )  # fmt: skip


def _finding(change: Trend, value: Callable[..., float]) -> str:
    """What the share does over depth."""
    end = spoken(value(KIND, change.last), True)
    if not change:
        return f"puts {end} of the rise on its own class at depth {change.last}"
    word = {
        "rises": "raises its own class more cleanly higher up", "falls": "raises its own class less cleanly higher up",
        "stays": "raises its own class about as cleanly higher up",
        "varies": "raises its own class as cleanly at both ends",
    }.get(change.word, "raises its own class, undecided whether more or less cleanly higher up")  # fmt: skip
    start = spoken(value(KIND, change.first), True)
    return f"{word}: {start} of the rise at depth {change.first}, {end} at depth {change.last}"
