"""The distance of a tower's depths from each of their floors, drawn the same way for both kinds."""

from __future__ import annotations

import math

from analysis.figures.drawing import Drawing, over_depth, over_seeds
from analysis.results.margins import STYLES, spelled
from analysis.results.margins import margins as distances
from analysis.results.rule import NAMES
from analysis.results.tables import Results
from analysis.results.verdict import verdicts

DRAWN = (
    "permuted_null", "gaussian_null", "gaussian_tower", "frozen_decoder", "stored_dictionary", "matched_dictionary",
)  # fmt: skip


def margins(results: Results, *, kind: str = "latents") -> Drawing:
    """Observed minus floor over depth with 95% intervals; the zero line is the floor."""
    lines = distances(results, kind)
    if kind == "directions":
        lines = lines[lines["depth"] >= 2]
    lines = lines[lines["series"].isin([NAMES[name] for name in DRAWN])]
    words = {depth: verdict for (at, depth), verdict in verdicts(results).items() if at == kind}
    data = over_seeds(lines, intervals=True)
    low = math.floor(20 * min(0.0, float(data["low"].min()))) / 20
    high = math.ceil(20 * float(data["high"].max())) / 20
    nearest = {
        depth: f"{verdict.margin:+.3f} ({verdict.low:+.3f} to {verdict.high:+.3f})"
        for depth, verdict in words.items()
        if depth in set(lines["depth"])
    }
    chart = over_depth(
        lines, "above the floor, share of variance", domain=(low, high), intervals=True, level=0.0,
        styles={NAMES[name]: STYLES[name] for name in STYLES},
    )  # fmt: skip
    said = "; ".join(f"depth {depth}: {text}" for depth, text in nearest.items())
    return Drawing(
        title=f"{kind.capitalize()} tower: {spelled([verdict.word for verdict in words.values()])}",
        caption=(
            f"*Observed minus floor* of the {kind} tower on held-out rows, mean and 95% interval over "
            f"{lines['run'].nunique()} seeds. Solid: the SAE's own codes against SAEs that were trained in the same "
            "way on rows without structure, or with a decoder that stays random. Dashed: its dictionary against "
            "unlearned ones, all with fitted codes. Random directions and the memorising bound are further away and "
            "stand in the table. A line that touches zero is a floor that does as well."
        ),
        alt=f"Line chart of the distance to each floor over depth. Distance to the nearest floor, {said}.",
        data=lines,
        chart=chart,
    )
