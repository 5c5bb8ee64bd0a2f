"""The panel: for each tower and depth every measure beside its controls. The word that judges it is not here yet."""

from __future__ import annotations

import math
from typing import Any

from analysis.results import Results


def panel(results: Results) -> list[dict[str, Any]]:
    """One object per tower and depth: experiment, kind, depth, and measures[measure][split][control] with mean, low,
    high (over seeds) and seeds. NaN, a measure that is undefined there, becomes null."""
    rows = []
    table = results.measures
    for place_key, place in table.groupby(["kind", "depth"], observed=True, sort=True):
        kind, depth = (str(part) for part in place_key)
        measures: dict[str, Any] = {}
        keys = ["measure", "split", "control"]
        for cell_key, cell in place.groupby(keys, observed=True, sort=True):
            measure, split, control = (str(part) for part in cell_key)
            values = cell["value"].dropna()
            measures.setdefault(measure, {}).setdefault(split, {})[control] = {
                "mean": _plain(values.mean()), "low": _plain(values.min()), "high": _plain(values.max()),
                "seeds": len(values),
            }  # fmt: skip
        rows.append({"experiment": results.experiment, "kind": kind, "depth": int(depth), "measures": measures})
    return rows


def text(rows: list[dict[str, Any]]) -> str:
    """The held-out means as lines for a terminal: the measure, then each control's mean."""
    lines = []
    for row in rows:
        lines.append(f"\n{row['experiment']}, {row['kind']}, depth {row['depth']}")
        for measure, splits in row["measures"].items():
            controls = splits.get("held_out") or splits.get("train") or {}
            where = "" if "held_out" in splits else " (train)"
            shown = "   ".join(
                f"{control} {cell['mean']:.3f}" for control, cell in controls.items() if cell["mean"] is not None
            )
            lines.append(f"  {measure + where:<28} {shown}")
    return "\n".join(lines).lstrip()


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 6)
