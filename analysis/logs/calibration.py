"""How often a rule that is so sure was right: what stands as the confidence of an item.

`python -m benchmarks.confidence --write` makes the table of the lists in tests/gold that the rules were made on, and
says how right it is on files that it was not made of; a test makes it again.
"""

from __future__ import annotations

from bisect import bisect_right

from analysis.logs.items import Kind

EDGES = (0.0, 0.5, 0.6, 0.7, 0.8, 0.95)
"""Where the steps of a rule's sureness begin."""
# made by benchmarks/confidence.py
TABLE: dict[str, tuple[float, ...]] = {
    "question": (0.06, 0.5, 0.66, 0.66, 0.84, 0.88),
    "next_step": (0.06, 0.58, 0.58, 0.88, 0.88, 0.88),
    "learning": (0.29, 0.63, 0.65, 0.65, 0.67, 0.93),
    "done": (0.06, 0.5, 0.77, 0.77, 0.82, 0.82),
    "resource": (0.06, 0.56, 0.56, 0.56, 0.78, 0.78),
    "background": (0.06, 0.5, 0.5, 0.67, 0.67, 0.74),
}
"""By kind, for each step the share that is right, at the low end of what the lists leave open."""


def calibrated(kind: Kind, sureness: float) -> float:
    """The confidence (0 to 1) of an item whose rule is so sure. It grows with the sureness, and is below a half where
    that is: what is shown as "maybe" hangs on the rules alone."""
    if kind not in TABLE:
        return sureness
    return TABLE[kind][bisect_right(EDGES, sureness) - 1]
