"""The verdicts of a tower in a strip: a box a depth, and below it how far each depth is from its nearest floor."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from analysis.figures.drawing import Drawing
from analysis.figures.strip_picture import Depth, strip
from analysis.figures.verdict_cells import judged
from analysis.figures.words import needed, one_variant, seeds, seeds_of
from analysis.results.margins import margins as distances
from analysis.results.margins import spelled
from analysis.results.tables import Results
from sae.rule import NAMES, Verdict


def verdict_strip(results: Results, *, kind: str = "latents", variant: str = "") -> Drawing:
    """A box for every depth that was planned; a line through the distances to the nearest floors, with their 95%
    interval; the distances to all floors behind it. Of a `variant`, where there are several."""
    results = results.of(variant) if variant else results
    one_variant(results)
    words = judged(results, kind)
    lines = needed(distances(results, kind), f"distances of its {kind} tower to any floor", results)
    depths = [
        Depth(depth, one.word or "undecided", NAMES.get(one.best_floor, ""), one.margin, one.low, one.high)
        for depth, one in words.items()
    ]
    floors = {
        str(name): {int(str(depth)): float(mean) for depth, mean in rows.groupby("depth")["value"].mean().items()}
        for name, rows in lines.groupby("series", sort=False)
    }
    said = spelled([one.word for one in words.values()])
    told = "; ".join(f"depth {depth}: {_distance(one)}" for depth, one in words.items())
    lies = _beyond(floors, depths)
    band = ", the band its 95% interval" if seeds_of(results) > 1 else ""
    name = f"{results.experiment} {kind}"
    pictures = strip(depths, floors, 680, phone=False, of=name) + strip(depths, floors, 350, phone=True, of=name)
    return Drawing(
        title=f"{variant or f'{kind.capitalize()} tower'}: {said}",
        caption=(
            f"In each box the word, and the distance to the nearest floor of that depth (observed minus floor, share "
            f"of variance, mean over {seeds(lines['run'].nunique())}). The line below is that distance{band}; on the "
            f"zero line a floor does as well. Grey: all floors, by the letters below{lies}."
        ),
        alt=f"Verdicts by depth: {said}. Distance to the nearest floor, {told}.",
        data=_table(words, lines),
        html=f'<div class="strip">{pictures}</div>',
    )


def _distance(verdict: Verdict) -> str:
    if math.isnan(verdict.margin):
        return "not measured"
    between = "" if math.isnan(verdict.low) else f" ({verdict.low:+.3f} to {verdict.high:+.3f})"
    return f"{verdict.margin:+.3f}{between} from {NAMES[verdict.best_floor]}"


def _beyond(floors: Mapping[str, Mapping[int, float]], depths: list[Depth]) -> str:
    """Which floors are so far away that they lie above the picture all the way."""
    _, top = Depth.domain(depths)
    names = [name for name, line in floors.items() if all(not value < top for value in line.values())]
    return f"; above the picture: {', '.join(names)}" if names else ""


def _table(words: Mapping[int, Verdict], lines: pd.DataFrame) -> pd.DataFrame:
    """A row for each depth's word, then one for each floor at each depth."""
    own = [
        {"depth": depth, "floor": NAMES.get(one.best_floor, ""), "word": one.word or "undecided", "mean": one.margin,
         "low": one.low, "high": one.high}
        for depth, one in words.items()
    ]  # fmt: skip
    means = lines.groupby(["depth", "series"], sort=True)["value"].mean().reset_index()
    others = means.rename(columns={"series": "floor", "value": "mean"})
    return pd.concat([pd.DataFrame(own), others], ignore_index=True)
