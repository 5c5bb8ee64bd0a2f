"""How sure a margin is: over seeds where there are three, else over held-out rows that are drawn again."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from sae.bounds import interval
from sae.floors import RowErrors
from sae.judge_floors import Beside
from sae.judgement import Margin
from sae.rule import DICTIONARIES, MEMORISING, THRESHOLDS, Bound
from sae.seeding import stream

DRAWS = 500


def intervals(found: list[Beside], seed: int) -> tuple[tuple[Margin, ...], Bound | None, str]:
    """Margins with intervals: over seeds where there are three, else over held-out rows drawn again."""
    names = [name for name in found[0].seed.margins() if all(name in beside.seed.margins() for beside in found)]
    means = {name: [beside.seed.margins()[name] for beside in found] for name in names}
    n = len(found)
    if n >= THRESHOLDS.seeds:
        margins = [Margin(name, float(np.mean(values)), *interval(values)) for name, values in means.items()]
        return tuple(margins), None, f"Intervals are Student's t over {n} SAEs of one shape, taken as seeds."
    # all SAEs are scored on the same held-out rows: drawn again, they are the same for all
    shared = _weights(len(found[0].own.error), stream(seed, "bootstrap"))
    drawn = [_redrawn(beside, shared, stream(seed, "bootstrap", number)) for number, beside in enumerate(found)]
    together = {name: np.mean([one[name] for one in drawn], axis=0) for name in names}
    margins = [Margin(name, float(np.mean(means[name])), *_middle(values)) for name, values in together.items()]
    nearest, least = (min(margins, key=key) for key in (lambda one: one.mean, lambda one: one.low))
    rows = len(found[0].own.error)
    words = (
        f"Intervals are a bootstrap over {rows} held-out rows: how much another sample of rows would move the "
        f"numbers. They say nothing about another training of the SAE: for that give {THRESHOLDS.seeds} seeds."
    )
    over = f"over {rows} held-out rows drawn again,"
    return tuple(margins), Bound(nearest.low, nearest.high, over, least.low, least.floor), words


def _redrawn(beside: Beside, weights: Tensor, draw: torch.Generator) -> dict[str, np.ndarray]:
    """Each margin under draws of the held-out rows; nulls have rows of their own, drawn on their own."""
    own = _explained(beside.own, weights)
    refit = _explained(beside.refit, weights[:, beside.sample])
    found = {}
    for name, floor in beside.floors.items():
        if name == MEMORISING:
            found[name] = np.full(DRAWS, beside.seed.margins()[name])
        elif name in DICTIONARIES and floor.rows is not None:
            found[name] = refit - _explained(floor.rows, weights[:, beside.sample])
        elif floor.rows is not None:
            same = name == "frozen_decoder" and floor.split == "held_out"
            found[name] = own - _explained(floor.rows, weights if same else _weights(len(floor.rows.error), draw))
    return found


def _weights(n: int, draw: torch.Generator) -> Tensor:
    """How often each of n rows is in each draw, (DRAWS, n)."""
    chosen = torch.randint(n, (DRAWS, n), generator=draw, device="cpu")
    zeros = torch.zeros(DRAWS, n, dtype=torch.float64, device="cpu")
    return zeros.scatter_add_(1, chosen, torch.ones_like(zeros))


def _explained(rows: RowErrors, weights: Tensor) -> np.ndarray:
    found: np.ndarray = (1 - (weights @ rows.error) / (weights @ rows.spread)).numpy()
    return found


def _middle(values: np.ndarray) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - THRESHOLDS.confidence) / 2, (1 + THRESHOLDS.confidence) / 2])
    return float(low), float(high)
