"""What looking at single latents found, depth by depth: names, detectors, readers, causes, matches, with controls."""

from __future__ import annotations

from analysis.figures.drawing import Drawing, mean_or_nan, spoken
from analysis.figures.measure_rows import measure_rows
from analysis.figures.words import RANDOM, judged, no_random, seeds, seeds_of, tower_depths
from analysis.results.findings import Comparison, beside
from analysis.results.tables import Results
from sae.errors import DataError

MEASURE, KIND = "named_share", "latents"
SHOWN = (
    ("named_share", "have a name, of all latents"),
    ("named_share_common_0", "the same, however rarely it fires on what the name says"),
    ("named_share_common_40", "the same, if it must fire on four in ten of them"),
    ("named_live_share", "have a name, of those that fire"),
    ("condition_share", "named with an attribute, of those named"),
    ("significant_share", "detect a class better than shuffled labels, of all"),
    ("read_top_agrees", "classifier reads a class of the name in the strongest images"),
    ("read_optimised_agrees", "classifier reads a class of the name in the optimised image"),
    ("optimised_enters_share", "optimised image enters the top k"),
    ("acting_share", "ablation surely lowers some class by 1% or more, of all"),
    ("disagree_share", "of those that have a name and surely lower a class: not one in the name"),
    ("steering_focus", "set high: share of all rises that is on its own class"),
    ("steering_effect", "set high: mean rise of class probabilities in all"),
    ("attribution_rank", "rank correlation of attribution and ablation"),
    ("match_other_seeds", "correlation with the most similar latent of another seed"),
    ("match_random_host", "the same, with the random network's tower"),
)
UNDER = (
    ("trained network", "none", ""),
    ("random network", "random_host", ""),
    ("one SAE, trained", "none", "direct"),
    ("one SAE, random", "random_host", "direct"),
    ("shuffled: firing over images, or names", "permuted_labels", ""),
    ("a random direction instead", "random_direction", ""),
)


def interpretation(results: Results) -> Drawing:
    """Rows are a measure under a control, columns the depths."""
    depths = tower_depths(results, KIND)
    html, data = measure_rows(results, KIND, SHOWN, UNDER)
    if data.empty:
        raise DataError(f"nobody looked at the latents of {results.experiment}: its TOML has no [interpret]")
    title, compared = _finding(results, depths)
    return Drawing(
        kind="tbl",
        title=title,
        caption=(
            f"Names{', detectors and causes' if results.labelled else ''}: means over {seeds(seeds_of(results))}. "
            f"{'What the classifier reads, optimised' if results.labelled else 'Optimised'} images and matches: the "
            "first seed. All on held-out examples. A dash: not defined there."
            f"{no_random(results)}{judged(*compared)}"
        ),
        alt=f"Table of what was found for single latents at every depth, beside its controls. {title}.",
        data=data,
        html=html,
    )


def _finding(results: Results, depths: list[int]) -> tuple[str, list[Comparison]]:
    """How many latents have a name at the first and at the last depth, beside the random network."""
    shares = {depth: mean_or_nan(results, MEASURE, KIND, depth) for depth in dict.fromkeys((depths[0], depths[-1]))}
    shares = {depth: value for depth, value in shares.items() if value == value}
    if not shares:
        return "What was found for single latents, depth by depth; names were not tried", []
    compared = [beside(results, MEASURE, KIND, depth) for depth in shares]
    title = "Of all latents " + " and ".join(
        f"{spoken(value, True)}{' have a name' if place == 0 else ''} at depth {depth}"
        for place, (depth, value) in enumerate(shares.items())
    )
    there = [
        f"{spoken(mean_or_nan(results, MEASURE, KIND, depth, RANDOM), True)} ("
        + one.choose(higher="fewer", lower="more", equal="about as many", undecided="undecided whether more or fewer")
        + ")"
        for depth, one in zip(shares, compared, strict=True)
        if one
    ]
    return title + (f"; on a random network {' and '.join(there)}" if there else ""), compared
