"""Every measure of one tower over depth, each beside its controls."""

from __future__ import annotations

from analysis.figures.drawing import Drawing, mean_or_nan, spoken
from analysis.figures.measure_rows import SHOWN, measure_rows
from analysis.figures.words import (
    RANDOM,
    at_depths,
    depths_between,
    judged,
    no_random,
    seeds,
    seeds_of,
    tower_depths,
    versus,
)
from analysis.results.findings import Comparison, Trend, beside, over_depths, trend
from analysis.results.tables import Results
from sae.errors import DataError

# Measures that are shares, so that the difference that matters between shares holds for them; the first that there is
# makes the title.
LEADING = ("variance_explained", "variance_explained_refit", "host_variance_explained", "selectivity", "live_share")


def measures(results: Results, *, kind: str = "latents") -> Drawing:
    """Rows are a measure under a control, columns the depths."""
    depths = tower_depths(results, kind)
    html, data = measure_rows(results, kind)
    if data.empty:
        raise DataError(f"{results.experiment} has no measure of its {kind} tower that was taken of held-out rows")
    more = len(results.variants) if results.only is None else 1
    title, compared = _finding(results, kind, depths, more)
    several = f" of {more} variants" if more > 1 else ""
    single = not results.values("variance_explained", "direct").empty and kind == "latents"
    folds = (
        "Variance explained is scored by folds from depth 2 on, with the SAE's own codes and with codes refitted by "
        "matching pursuit; everything else on held-out examples."
        if kind == "directions"
        else "On held-out examples."
        + (" *One SAE* is a single SAE on the network, as wide and as sparse as that depth." if single else "")
    )
    return Drawing(
        kind="tbl",
        title=title,
        caption=(
            f"Means over {seeds(seeds_of(results))}{several}. {folds} A dash: not defined there.{no_random(results)}"
            + judged(*compared)
        ),
        alt=f"Table of all measures of the {kind} tower at {depths_between(depths)}, with their controls. {title}.",
        data=data,
        html=html,
    )


def _finding(results: Results, kind: str, depths: list[int], variants: int) -> tuple[str, list[Comparison]]:
    """What the leading measure does over depth, and beside the random network; of one variant, since an interval over
    several would not be one over seeds."""
    names = dict(SHOWN)
    for measure in LEADING if variants == 1 else ():
        change = trend(over_depths(results, measure, kind))
        if not change.last:
            continue
        last = change.last
        own, random = (spoken(mean_or_nan(results, measure, kind, last, control)) for control in ("none", RANDOM))
        compared = {depth: beside(results, measure, kind, depth) for depth in depths}
        what = names[measure].replace(", own", " of its own")
        said = f"{kind.capitalize()} tower: {what} {_over(results, measure, kind, change, own)}"
        there = versus(compared[last], f"on a random network ({random})")
        if len([one for one in compared.values() if one]) > 1:
            there = f"; beside a random network {at_depths(compared)} ({random} at depth {last})"
        return said + there, [change.change, *compared.values()]
    return f"{kind.capitalize()} tower: every measure of {depths_between(depths)}, beside its controls", []


def _over(results: Results, measure: str, kind: str, change: Trend, own: str) -> str:
    if not change:
        return f"is {own} at depth {change.last}"
    start = spoken(mean_or_nan(results, measure, kind, change.first))
    return f"{change.verb} from {start} at depth {change.first} to {own} at depth {change.last}"
