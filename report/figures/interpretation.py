"""What looking at single latents found, depth by depth: names, detectors, readers, causes, matches, with controls."""

from __future__ import annotations

from analysis.figures.drawing import Drawing, mean_or_nan, spoken
from analysis.figures.measure_rows import measure_rows
from analysis.results.tables import Results

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
    ("match_random_host", "the same, with the untrained network's tower"),
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
    html, data = measure_rows(results, "latents", SHOWN, UNDER)
    depths = results.depths("latents")

    def share(depth: int, control: str = "none") -> str:
        return spoken(mean_or_nan(results, "named_share", "latents", depth, control=control), percent=True)

    return Drawing(
        kind="tbl",
        title=(
            f"Of all latents {share(depths[0])} have a name at depth {depths[0]} and {share(depths[-1])} at depth "
            f"{depths[-1]}; on a random network {share(depths[0], 'random_host')} and "
            f"{share(depths[-1], 'random_host')}"
        ),
        caption=(
            "Names, detectors and causes: means over all seeds. What the classifier reads, optimised images and "
            "matches: the first seed. All on held-out images. A dash: not defined there."
        ),
        alt="Table of what was found for single latents at every depth, with the random network and shuffled firing.",
        data=data,
        html=html,
    )
