"""How cleanly setting a latent high raises the class that it stands for, depth by depth."""

from __future__ import annotations

from analysis.figures.drawing import Drawing, beside_one_sae, mean_or_nan, over_depth, spoken
from analysis.results.tables import Results

MEASURE = "steering_focus"


def steering_by_depth(results: Results) -> Drawing:
    """Latents tower and single SAEs as sparse, each on the trained and the random network; bands over seeds."""
    lines = beside_one_sae(results, MEASURE)
    depths = results.depths("latents")
    first, last = depths[0], depths[-1]

    def value(kind: str, depth: int, measure: str = MEASURE, control: str = "none") -> str:
        return spoken(mean_or_nan(results, measure, kind, depth, control=control), percent=True)

    random = [mean_or_nan(results, "steering_effect", "latents", d, control="random_host") for d in depths]
    return Drawing(
        title=(
            f"Setting a latent high raises its own class more cleanly higher up: {value('latents', first)} of the "
            f"rise at depth {first}, {value('latents', last)} at depth {last}; one SAE as sparse has "
            f"{value('direct', last)}"
        ),
        caption=(
            "A latent's code is set to a strong value of its own on 400 held-out images, and the network runs on. Of "
            "all rises of mean class probabilities, the share that is on the class which the latent prefers in "
            "training images: sums over the latents of a depth, divided once. *One SAE*: a single SAE on the network, "
            "as wide and as sparse as that depth. The mean rise in all is "
            + ", ".join(value("latents", d, "steering_effect") for d in depths)
            + " in the tower, "
            + ", ".join(value("direct", d, "steering_effect") for d in depths[1:])
            + " in the single SAEs from depth 2 on, and at most "
            + spoken(max(random), True)
            + " on the random network, where next to nothing moves. Bands: range over seeds."
        ),
        alt="Line chart of the share of the rise that is on the latent's own class, over depth. Tower, trained: "
        + ", ".join(value("latents", d) for d in depths)
        + "; single SAEs, trained: "
        + ", ".join(value("direct", d) for d in depths[1:])
        + ".",
        data=lines,
        chart=over_depth(lines, "share of the rise on its own class", domain=(0, 1), percent=True),
    )
