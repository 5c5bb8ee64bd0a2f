"""A number over tokens with its standard error over contexts: tokens of one context are no independent draws."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from sae.errors import InputError


@dataclass(frozen=True)
class Estimate:
    """A ratio of sums."""

    value: float
    error: float | None
    """Standard error over the contexts (or other groups); None with fewer than two: nothing says how it varies."""
    n: int
    """Groups that it is estimated from."""


def ratio(numerators: Float[Tensor, " groups"], denominators: Float[Tensor, " groups"]) -> Estimate:
    """sum of numerators / sum of denominators, with the error of a ratio over groups (linearised; Cochran 1977, 2.11).

    Raises InputError where the denominators sum to 0 or less.
    """
    above, below = numerators.double(), denominators.double()
    total, n = float(below.sum()), len(below)
    if not total > 0:
        raise InputError(f"the denominator of {n} groups together is {total:g}, expected more than 0")
    value = float(above.sum()) / total
    if n < 2:
        return Estimate(value, None, n)
    spread = float((above - value * below).pow(2).sum()) * n / (n - 1)
    return Estimate(value, math.sqrt(spread) / total, n)


def mean(values: Float[Tensor, " rows"], groups: Int[Tensor, " rows"] | None = None) -> Estimate:
    """The mean of values of rows, with its error over groups of them (None: each row is one)."""
    ones = torch.ones_like(values, dtype=torch.float64)
    if groups is None:
        return ratio(values, ones)
    return ratio(*by_group(groups, values, ones))


def named(groups: Shaped[Tensor, " rows"]) -> tuple[Shaped[Tensor, " groups"], Int[Tensor, " rows"]]:
    """The different groups (or other values), in order, and which of them each row is in."""
    found, place = torch.unique(groups, return_inverse=True)
    return found, place


def by_group(groups: Int[Tensor, " rows"], *columns: Float[Tensor, " rows"]) -> list[Float[Tensor, " groups"]]:
    """Sums of each column over the rows of each group, in float64."""
    found, place = named(groups)
    empty = torch.zeros(len(found), dtype=torch.float64, device=groups.device)
    return [empty.index_add(0, place, column.double()) for column in columns]


def rank_correlation(first: list[float], second: list[float]) -> float | None:
    """Spearman's, ties sharing their mean rank; None for fewer than three, or where one side is all alike."""
    if len(first) < 3 or len(set(first)) < 2 or len(set(second)) < 2:
        return None
    ranks = []
    for values in (first, second):
        names, place = named(torch.tensor(values, dtype=torch.float64, device="cpu"))
        counts = torch.bincount(place, minlength=len(names)).double()
        ranks.append((counts.cumsum(0) - (counts - 1) / 2)[place])
    return float(torch.corrcoef(torch.stack(ranks))[0, 1])
