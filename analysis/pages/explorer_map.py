"""The explorer's map of directions: a file a depth, fetched when its place comes near. Free of torch.

`points` are latents as [number, x, y, class], `floors` the maps of as many directions that nobody learned, as [x, y,
class] by name. Places are thousandths of -1..1; the class is -1 where there is none. `alike` is the share of each
point's nearest neighbours on the map that have its class: `learned`, and each floor.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis.plan.map_config import MIXTURES, NO_CLASS, RANDOM
from analysis.results.tables import Results

FLOORS = {"random": RANDOM, "mixtures": MIXTURES}
NEIGHBOURS = 5
"""On the map, of a point whose classes are compared with its own."""


def map_of(results: Results, kind: str, depth: int) -> dict[str, Any] | None:
    """What the explorer shows of one depth; None where the tables hold no map of it."""
    if results.maps is None:
        return None
    rows = results.maps.astype({"control": str})
    rows = rows[(rows["run"] == results.first_run) & (rows["kind"] == kind) & (rows["depth"] == depth)]
    shown = {name: rows[rows["control"] == control] for name, control in {"learned": "none", **FLOORS}.items()}
    if shown["learned"].empty:
        return None
    alike = {name: _alike(part) for name, part in shown.items()}
    return {
        "points": [
            list(point) for point in zip(shown["learned"]["latent"].tolist(), *_cells(shown["learned"]), strict=True)
        ],
        "floors": {name: [list(point) for point in zip(*_cells(shown[name]), strict=True)] for name in FLOORS},
        "alike": {name: round(1000 * share) for name, share in alike.items() if share is not None},
    }


def _cells(rows: pd.DataFrame) -> list[list[int]]:
    """Columns x, y and class, in whole numbers."""
    return [(rows[name] * 1000).round().astype(int).tolist() for name in ("x", "y")] + [rows["class"].tolist()]


def _alike(rows: pd.DataFrame) -> float | None:
    """The share of neighbours of the same class, over points that have one; None where there are too few."""
    places, classes = rows[["x", "y"]].to_numpy(np.float64), rows["class"].to_numpy()
    some = classes != NO_CLASS
    if len(rows) <= NEIGHBOURS or not some.any():
        return None
    apart = ((places[:, None] - places[None]) ** 2).sum(-1)
    np.fill_diagonal(apart, np.inf)
    near = apart.argsort(1, kind="stable")[:, :NEIGHBOURS]
    return float((classes[near] == classes[:, None])[some].mean())
