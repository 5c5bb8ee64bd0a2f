"""How far a depth is above each of its floors, like with like: what the verdict's charts and tables are made of."""

from __future__ import annotations

import pandas as pd

from analysis.results.tables import Results
from analysis.results.verdict import seeds
from sae.rule import CODES, DICTIONARIES, MEMORISING, NAMES, TRAINED

# Own codes against trained floors: solid, fitted codes against unlearned dictionaries: dashed.
STYLES = {
    "permuted_null": ("c1", [1, 0]),
    "gaussian_null": ("c3", [1, 0]),
    "gaussian_tower": ("ink", [1, 0]),
    "frozen_decoder": ("c4", [1, 0]),
    "curveball_null": ("c2", [1, 0]),
    "reencoded_null": ("c6", [1, 0]),
    "relearned_null": ("c5", [1, 0]),
    "stored_dictionary": ("c2", [6, 3]),
    "matched_dictionary": ("c6", [6, 3]),
    "random_dictionary": ("c5", [6, 3]),
    "memorising": ("c5", [1, 3]),
}
FLOORS = (*TRAINED, *CODES, *DICTIONARIES, MEMORISING)


def margins(results: Results, kind: str) -> pd.DataFrame:
    """Observed minus floor: series (the floor's name), run, depth, value."""
    rows = [
        {"series": NAMES[floor], "run": run, "depth": depth, "value": value}
        for (run, at, depth), seed in seeds(results).items()
        if at == kind
        for floor, value in seed.margins().items()
    ]
    return pd.DataFrame(rows, columns=["series", "run", "depth", "value"])


def spelled(words: list[str | None]) -> str:
    """The words of depths 1, 2, ... in prose: `structure at depths 1 to 5, copy at depth 6`."""
    parts, start = [], 0
    for end in range(1, len(words) + 1):
        if end == len(words) or words[end] != words[start]:
            first, last = start + 1, end
            where = (
                f"depth {first}" if first == last else f"depths {first} {'to' if last > first + 1 else 'and'} {last}"
            )
            parts.append(f"{words[start] or 'undecided'} at {where}")
            start = end
    return ", ".join(parts)
