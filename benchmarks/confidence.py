"""Whether the confidence of the logs' items is what it says: the share that is right, by confidence.

    python -m benchmarks.confidence            the shares, on files that the table was not made of
    python -m benchmarks.confidence --write    makes the table in analysis/logs/calibration.py anew

The table is made of the lists that the rules were made on (own, held_out and blind in tests/gold), and the rules know
them by heart. So for each step it takes the low end of a one-sided interval of 90%, with half of the items for its
size, since those of one file are right or wrong together; and it never falls where a rule is surer. `sealed` had no
part in it.
"""

from __future__ import annotations

import csv
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from unittest.mock import patch

import numpy as np
from sklearn.isotonic import IsotonicRegression

from analysis.logs import calibration
from analysis.logs.files import read_log
from analysis.logs.items import KINDS, MAYBE_BELOW

ROOT = Path(__file__).resolve().parent.parent
GOLD = ROOT / "tests" / "gold"
MADE_OF = {"own": "logs", "held_out": "held_out", "blind": "blind"}
SEALED = {"sealed": "sealed"}
ALIKE = 2
"""So many items of a file tell as much as one item of a file of its own."""
Z = 1.2816
BUCKETS = (0.0, 0.5, 0.6, 0.7, 0.8)

Table = Mapping[str, tuple[float, ...]]


@dataclass(frozen=True)
class Judged:
    """One item that was found."""

    file: str
    kind: str
    sureness: float
    """Of the rule, before the table."""
    right: bool
    """Whether the list has it."""


def judged(lists: Mapping[str, str], gold: Path = GOLD) -> list[Judged]:
    """Every item found in the logs of the lists but the unsorted ones; each entry of a list is used once."""
    found = []
    with patch.dict(calibration.TABLE, clear=True):
        for name, folder in lists.items():
            with (gold / f"{name}.tsv").open(encoding="utf-8", newline="") as file:
                rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
                left = Counter((row["file"], int(row["line"]), row["kind"]) for row in rows)
            for log in sorted({place[0] for place in left}):
                for item in read_log(gold / folder / log).items:
                    if item.kind != "unsorted":
                        place = (log, item.line, item.kind)
                        found.append(Judged(f"{name}/{log}", item.kind, item.confidence, left[place] > 0))
                        left[place] -= 1
    return found


def fitted(items: Sequence[Judged]) -> Table:
    """The table that the items make."""
    return {kind: _steps([item for item in items if item.kind == kind]) for kind in KINDS if kind != "unsorted"}


def _steps(items: Sequence[Judged]) -> tuple[float, ...]:
    edges = np.array(calibration.EDGES)
    places = np.searchsorted(edges, [item.sureness for item in items], side="right") - 1
    right = np.array([item.right for item in items], dtype=float)
    counts = np.bincount(places, minlength=len(edges)).astype(float)
    # one item that is half right where there is none: the neighbours say the rest
    shares = (np.bincount(places, weights=right, minlength=len(edges)) + 0.5) / (counts + 1)
    smooth = IsotonicRegression().fit(edges, shares, sample_weight=counts + 1).predict(edges)
    pooled = [counts[np.isclose(smooth, share)].sum() + 1 for share in smooth]
    lows = [_low(share, size / ALIKE) for share, size in zip(smooth, pooled, strict=True)]
    found = np.maximum.accumulate(lows)
    sure = edges >= MAYBE_BELOW
    found = np.where(sure, np.maximum(found, MAYBE_BELOW), np.minimum(found, MAYBE_BELOW - 0.01))
    return tuple(round(float(low), 2) for low in found)


def _low(share: float, size: float) -> float:
    """The low end of Wilson's interval."""
    middle = share + Z**2 / (2 * size)
    return float((middle - Z * sqrt(share * (1 - share) / size + Z**2 / (4 * size**2))) / (1 + Z**2 / size))


def crossed(items: Sequence[Judged]) -> list[tuple[float, bool]]:
    """Confidence and truth of each item, by the table of all other files."""
    found = []
    for file in sorted({item.file for item in items}):
        table = fitted([item for item in items if item.file != file])
        found += said([item for item in items if item.file == file], table)
    return found


def said(items: Iterable[Judged], table: Table) -> list[tuple[float, bool]]:
    """Confidence and truth of each item by a table."""
    with patch.dict(calibration.TABLE, table, clear=True):
        return [(calibration.calibrated(item.kind, item.sureness), item.right) for item in items]  # type: ignore[arg-type]  # a kind


def shares(found: Sequence[tuple[float, bool]]) -> list[tuple[str, int, float, float]]:
    """By bucket of confidence: its name, how many items, what they say on average, and the share that is right."""
    rows = []
    for low, high in zip(BUCKETS, (*BUCKETS[1:], 1.01), strict=True):
        own = [(sure, right) for sure, right in found if low <= sure < high]
        if own:
            mean, share = (sum(column) / len(own) for column in zip(*own, strict=True))
            rows.append((f"{low:.1f} to {min(high, 1):.1f}", len(own), mean, share))
    return rows


def written(table: Table) -> str:
    """The lines of the table as they stand in the module."""
    return "".join(f'    "{kind}": ({", ".join(map(str, steps))}),\n' for kind, steps in table.items())


def write(table: Table) -> None:
    """Put the table into the module."""
    path = Path(str(calibration.__file__))
    head = "TABLE: dict[str, tuple[float, ...]] = {\n"
    text = path.read_text(encoding="utf-8")
    made = re.sub(
        rf"({re.escape(head)}).*?(^}})", lambda match: match[1] + written(table) + match[2], text, flags=re.S | re.M
    )
    path.write_text(made, encoding="utf-8")


def main() -> None:
    """Print the shares; with --write make the table."""
    items = judged(MADE_OF)
    if "--write" in sys.argv[1:]:
        write(fitted(items))
    for title, found in (
        ("own, held_out and blind, each file by the table of the others", crossed(items)),
        ("sealed, which had no part in it", said(judged(SEALED), fitted(items))),
    ):
        print(f"\n{title}\n{'confidence':<14}{'items':>6}{'says':>7}{'right':>7}")
        for name, count, mean, share in shares(found):
            print(f"{name:<14}{count:>6}{mean:>7.2f}{share:>7.2f}")


if __name__ == "__main__":
    main()
