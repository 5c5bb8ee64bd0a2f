"""From runs to rows: medians, ratios within rounds, FVU after equal tokens and after equal seconds."""

from __future__ import annotations

from itertools import chain, pairwise
from statistics import median, quantiles
from typing import Any

from benchmarks.peers.implementations import FLOOR, OURS
from benchmarks.peers.rounds import Run

COLUMNS = {
    "n_latents": "{:>9,}",
    "impl": "{:<20}",
    "seconds_per_step": "{:>8.3f}",
    "tokens_per_s": "{:>9,.0f}",
    "ratio": "{:>6.2f}",
    "floor_ratio": "{:>6.2f}",
    "fvu": "{:>7.4f}",
    "fvu_equal_seconds": "{:>7.4f}",
}
HEADINGS = ("n_latents", "implementation", "s/step", "tokens/s", "/ours", "/floor", "FVU", "FVU at equal seconds")


def rows_of(runs: dict[str, Run], options: dict[str, Any], extra: dict[str, Any]) -> list[dict[str, Any]]:
    """One row for every implementation that learns; None where a ratio's other side is missing."""
    timed = {name: [seconds for seconds in run.rounds[1:] if seconds] for name, run in runs.items()}
    per_step = {name: median(chain(*rounds)) for name, rounds in timed.items()}
    learners = [name for name in runs if name != FLOOR]
    # equal seconds: those that the fastest of all needed for all of the tokens
    shared = min((per_step[name] * runs[name].curve[-1][0] for name in learners), default=0.0)
    return [
        {
            "n_latents": options["latents"],
            "impl": name,
            "seconds_per_step": round(per_step[name], 5),
            "tokens_per_s": round(options["batch"] / per_step[name]),
            "ratio": ratio(timed, name, OURS),
            "fvu": round(runs[name].curve[-1][1], 5),
            "floor_ratio": ratio(timed, name, FLOOR),
            "fvu_equal_seconds": round(fvu_after(runs[name], per_step[name], shared), 5),
            "equal_seconds": round(shared, 2),
            "tokens": runs[name].curve[-1][0] * options["batch"],
            "seconds_quartiles": [round(value, 5) for value in quartiles(list(chain(*timed[name])))],
            "curve": [
                {"seconds": round(steps * per_step[name], 3), "tokens": steps * options["batch"], "fvu": round(fvu, 5)}
                for steps, fvu in runs[name].curve
            ],
            **runs[name].versions,
            **extra,
        }
        for name in learners
    ]


def ratio(timed: dict[str, list[list[float]]], name: str, other: str) -> float | None:
    """Median over rounds of the ratio of the two medians of one round."""
    if other not in timed:
        return None
    within = [median(mine) / median(theirs) for mine, theirs in zip(timed[name], timed[other], strict=True)]
    return round(median(within), 3)


def quartiles(values: list[float]) -> list[float]:
    """First and third quartile; the value itself where there is only one."""
    return quantiles(values, n=4)[::2] if len(values) > 1 else values * 2


def fvu_after(run: Run, per_step: float, seconds: float) -> float:
    """FVU after `seconds` of training, on straight lines between the recorded points."""
    points = [(steps * per_step, fvu) for steps, fvu in run.curve]
    for (t0, fvu0), (t1, fvu1) in pairwise(points):
        if seconds <= t1:
            return fvu0 + (fvu1 - fvu0) * (seconds - t0) / (t1 - t0)
    return points[-1][1]


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as text, the fastest first within a size."""
    lines = ["{:>9} {:<20} {:>8} {:>9} {:>6} {:>6} {:>7} {}".format(*HEADINGS)]
    for row in sorted(rows, key=lambda row: (row["n_latents"], row["seconds_per_step"])):
        cells = []
        for key, form in COLUMNS.items():
            missing = row[key] is None
            cells.append(" " * len(form.format(0)) if missing else form.format(row[key]))
        lines.append(" ".join(cells))
    return "\n".join(lines)
