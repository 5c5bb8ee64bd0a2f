"""The distance of a tower's depths from each of their floors, drawn the same way for both kinds."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from analysis.figures.drawing import Drawing, around, over_depth, over_seeds
from analysis.figures.verdict_cells import judged
from analysis.figures.words import mean_of_seeds, needed, one_variant
from analysis.results.margins import STYLES, spelled
from analysis.results.margins import margins as distances
from analysis.results.tables import Results
from sae.rule import CODES, DICTIONARIES, NAMES, TRAINED, Verdict

DRAWN = (
    "permuted_null", "gaussian_null", "gaussian_tower", "frozen_decoder", *CODES, "stored_dictionary",
    "matched_dictionary",
)  # fmt: skip


def margins(results: Results, *, kind: str = "latents") -> Drawing:
    """Observed minus floor over depth with 95% intervals; the zero line is the floor."""
    one_variant(results)
    lines = distances(results, kind)
    if kind == "directions":
        lines = lines[lines["depth"] >= 2]
    words = judged(results, kind)
    where = " from depth 2 on" if kind == "directions" else ""
    whole, lines = lines, lines[lines["series"].isin([NAMES[name] for name in DRAWN])]
    lines = needed(lines, f"distances of its {kind} tower{where} to trained floors or unlearned dictionaries", results)
    data = over_seeds(lines, intervals=True)
    domain = around(data, 20)
    nearest = {
        depth: "unknown" if math.isnan(verdict.margin) else f"{verdict.margin:+.3f}{_between(verdict)}"
        for depth, verdict in words.items()
        if depth in set(lines["depth"])
    }
    chart = over_depth(
        lines, "above the floor, share of variance", domain=domain, intervals=True, level=0.0,
        styles={NAMES[name]: STYLES[name] for name in STYLES},
    )  # fmt: skip
    said = "; ".join(f"depth {depth}: {text}" for depth, text in nearest.items())
    return Drawing(
        title=f"{kind.capitalize()} tower: {spelled([verdict.word for verdict in words.values()])}",
        caption=(
            f"*Observed minus floor* of the {kind} tower on held-out rows, "
            f"{mean_of_seeds(lines['run'].nunique())}. "
            + _drawn(
                lines,
                (*TRAINED, *CODES),
                "Solid: the SAE's own codes against SAEs that were trained in the same way on rows "
                "without structure, or with a decoder that stays random. ",
            )
            + _drawn(lines, DICTIONARIES, "Dashed: its dictionary against unlearned ones, all with fitted codes. ")
            + _left_out(whole)
            + "A line that touches zero is a floor that does as well."
        ),
        alt=f"Line chart of the distance to each floor over depth. Distance to the nearest floor, {said}.",
        data=lines,
        chart=chart,
    )


def _between(verdict: Verdict) -> str:
    return "" if math.isnan(verdict.low) else f" ({verdict.low:+.3f} to {verdict.high:+.3f})"


def _drawn(lines: pd.DataFrame, floors: Sequence[str], text: str) -> str:
    """`text`, where one of the floors is drawn."""
    return text if lines["series"].isin([NAMES[name] for name in floors]).any() else ""


def _left_out(whole: pd.DataFrame) -> str:
    """Which floors are not drawn, and at which depths the nearest of all is one of them."""
    means = whole.groupby(["depth", "series"])["value"].mean().dropna().reset_index()
    drawn = means["series"].isin([NAMES[name] for name in DRAWN])
    others = [name for name in NAMES.values() if name in set(means["series"][~drawn])]
    if not others:
        return ""
    least, hidden = means[drawn].groupby("depth")["value"].min(), means[~drawn].groupby("depth")["value"].min()
    nearer = [str(depth) for depth, value in hidden.items() if not value >= least.get(depth, math.inf)]
    where = f"nearer at depth {', '.join(nearer)}" if nearer else "further away at every depth"
    return f"Not drawn: {' and '.join(others)}, {where}. "
