"""How much of a depth another seed finds again on the same rows."""

from __future__ import annotations

import pandas as pd

from analysis.figures.drawing import Drawing, mean_or_nan, over_depth, reaching, series, spoken
from analysis.figures.words import bands, judged, known, needed, versus
from analysis.results.findings import Comparison, beside
from analysis.results.tables import Results

EXPERIMENTS = ("towers",)
MEASURE = "matched_cosine"
STYLES = {
    "latents tower": ("c1", [1, 0]),
    "directions tower": ("c3", [1, 0]),
    "unlearned, latents": ("c2", [6, 3]),
    "unlearned, directions": ("c6", [6, 3]),
}
# What the pairs are held against: two dictionaries that nobody learned, of random mixtures of the rows that were read.
# Tables from before these were paired have each SAE beside random directions, a much lower floor.
UNLEARNED = {
    "matched_dictionary": (
        "two sets of random mixtures of its rows",
        "between two sets of as many random mixtures of the rows, which nobody trained",
    ),
    "random_dictionary": (
        "random directions",
        "with random directions, which come near each other where dimensions are few",
    ),
}


def matched_by_depth(results: Results) -> Drawing:
    """Mean cosine of one-to-one pairs between two seeds, beside pairs of what nobody learned."""
    control = next(name for name in UNLEARNED if name in set(_paired(results)) or name == "random_dictionary")
    parts = []
    for kind in ("latents", "directions"):
        parts.append(series(results, f"{kind} tower", MEASURE, kind, "train"))
        parts.append(series(results, f"unlearned, {kind}", MEASURE, kind, "train", control))
    lines = needed(pd.concat(parts), "latents that were paired with those of another seed", results)
    towers = [kind for kind in ("latents", "directions") if f"{kind} tower" in set(lines["series"])]
    needed(
        lines[lines["series"].isin([f"{kind} tower" for kind in towers])], "trained latents that were paired", results
    )
    lead = towers[0]
    depths = sorted({int(depth) for depth in lines[lines["series"] == f"{lead} tower"]["depth"]})
    ends = list(dict.fromkeys((depths[0], depths[-1])))
    compared = {depth: beside(results, MEASURE, lead, depth, control, "train") for depth in ends}
    told = [_told(results, lead, depth, compared[depth], depth == ends[0], control) for depth in ends]
    shares = known({depth: _mean(results, "matched_share", lead, depth) for depth in depths}, True)
    return Drawing(
        title=f"Another seed finds depth {told[0]}" + "".join(f", depth {text}" for text in told[1:]),
        caption=(
            "A second SAE from another seed was trained on the rows of each depth, and their latents paired one to "
            "one (Hungarian algorithm, decoder and encoder together). Shown is the mean decoder cosine of all pairs, "
            f"good and bad; dashed, the same {UNLEARNED[control][1]}. Pairs "
            f"that agree to .7 in both decoder and encoder, {lead} tower: {shares}. "
            f"{bands(results, '95% intervals')}{judged(*compared.values())}"
        ),
        alt="Line chart over depth of the mean cosine between matched latents of two seeds. "
        + "; ".join(
            f"{kind.capitalize()} tower "
            + known({depth: _mean(results, MEASURE, kind, depth) for depth in results.depths(kind)})
            for kind in towers
        )
        + ".",
        data=lines,
        chart=over_depth(
            lines, "mean cosine to the other seed", domain=reaching(lines, 0, 1), styles=STYLES, intervals=True
        ),
    )


def _told(results: Results, kind: str, depth: int, compared: Comparison, first: bool, control: str) -> str:
    """`1 again with a mean cosine of 0.45, less than two sets of random mixtures of its rows (0.57)`; later
    `6 of the latents tower with`."""
    unlearned = _mean(results, MEASURE, kind, depth, control)
    return (
        f"{depth}{' again with a mean cosine of' if first else f' of the {kind} tower with'} "
        f"{spoken(_mean(results, MEASURE, kind, depth))}"
        + versus(compared, f"{UNLEARNED[control][0]} ({spoken(unlearned)})")
    )


def _mean(results: Results, measure: str, kind: str, depth: int, control: str = "none") -> float:
    return mean_or_nan(results, measure, kind, depth, control, "train")


def _paired(results: Results) -> list[str]:
    """The controls of which pairs were made."""
    rows = results.measures
    return [str(name) for name in rows.loc[rows["measure"] == MEASURE, "control"].unique()]
