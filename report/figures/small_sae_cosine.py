"""Are meta-latents of directions the latents of a smaller SAE? Largest cosines, beside what needs no meta-SAE."""

from __future__ import annotations

import pandas as pd

from analysis.figures.drawing import Drawing, mean_or_nan, over_depth, reaching, series, spoken
from analysis.figures.words import bands, judged, needed, tower_depths
from analysis.results.findings import EQUAL, HIGHER, LOWER, UNDECIDED, beside, counted
from analysis.results.tables import Results

EXPERIMENTS = ("towers",)
KIND = "directions"
# Mean cosines that are closer than this count as equal.
CLEAR = 0.01
CONTROLS = {
    "directions of depth below": "stored_dictionary",
    "meta-latents": "none",
    "random mixtures": "matched_dictionary",
    "random directions": "random_dictionary",
}
STYLES = {
    "meta-latents": ("c1", [1, 0]),
    "directions of depth below": ("c2", [6, 3]),
    "random mixtures": ("c6", [8, 3, 2, 3]),
    "random directions": ("c5", [2, 2]),
}
WORDS = {
    HIGHER: "more like",
    LOWER: "less like",
    EQUAL: "about as like",
    UNDECIDED: "undecided whether more or less like",
}


def small_sae_cosine(results: Results) -> Drawing:
    """Mean over the smaller SAE's latents of the largest cosine to a dictionary of the same size."""
    tower_depths(results, KIND)
    lines = pd.concat(
        series(results, label, "cosine_from_small", KIND, "train", control) for label, control in CONTROLS.items()
    )
    lines = needed(lines, "smaller SAEs beside its directions tower", results)
    needed(lines[lines["series"] == "meta-latents"], "cosines of smaller SAEs to meta-latents", results)

    def at(measure: str, control: str, depth: int) -> float:
        return mean_or_nan(results, measure, KIND, depth, control, "train")

    depths = sorted({int(depth) for depth in lines["depth"]})
    first = depths[0]
    compared = {
        depth: beside(results, "cosine_from_small", KIND, depth, "stored_dictionary", "train", matters=CLEAR)
        for depth in depths
    }
    back = {label: at("cosine_to_small", control, first) for label, control in CONTROLS.items()}
    back = {label: value for label, value in back.items() if value == value}
    here = lines[lines["depth"] == first].groupby("series")["value"].mean()
    return Drawing(
        title=_finding({d: one.word for d, one in compared.items() if one}, first, here),
        caption=(
            "For every depth from 2 on, an SAE with as many latents was trained on the network itself. Each of its "
            "latents is compared with the most similar direction of a dictionary of that size: the meta-latents; a "
            "random choice from the (centred) directions that the meta-SAE read; random mixtures of those; random "
            "directions."
            + (
                f" The other way round, from each meta-latent to the smaller SAE, the values at depth {first} are "
                + ", ".join(f"{spoken(value)} ({label})" for label, value in back.items())
                + "."
                if back
                else ""
            )
            + f" {bands(results, '95% intervals')}{judged(*compared.values(), matters=CLEAR)}"
        ),
        alt=f"Line chart over depth of the mean largest cosine from a smaller SAE. At depth {first}: "
        + ", ".join(f"{name} {spoken(float(value))}" for name, value in here.reindex(list(CONTROLS)).dropna().items())
        + ".",
        data=lines,
        chart=over_depth(
            lines, "mean of the largest cosine", domain=reaching(lines, 0, 0.8), styles=STYLES, intervals=True
        ),
    )


def _finding(words: dict[int, str], first: int, here: pd.Series) -> str:
    """The word that holds at depth 2, and at how many depths it does."""
    own = spoken(float(here["meta-latents"])) if "meta-latents" in here else "unknown"
    said = f"a smaller SAE's latents have a mean largest cosine of {own} to the meta-latents at depth {first}"
    if first not in words:
        return said[0].upper() + said[1:]
    near = spoken(float(here["directions of depth below"]))
    count = counted(sum(word == words[first] for word in words.values()), len(words))
    like = (
        f"A smaller SAE's latents are {WORDS[words[first]]} the meta-latents ({own} at depth {first}) "
        f"{'as' if words[first] == EQUAL else 'than like'} a choice of the directions themselves ({near})"
    )
    return like + (f", at {count} depths" if len(words) > 1 else "")
