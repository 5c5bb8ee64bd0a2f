"""Tests of a mean lead and its bounds, over seeds and over held-out examples. Free of torch."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from scipy.special import nctdtrinc, ndtr, ndtri, stdtr, stdtrit

K = TypeVar("K", bound=Hashable)
CONFIDENCE = 0.95


def interval(values: Sequence[float], confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Student's t interval of the mean of `values`; NaN for fewer than two."""
    given = np.asarray(values, dtype=float)
    if len(given) < 2:
        return math.nan, math.nan
    # the quantile itself: `scipy.stats.t` gives the same bits, at sixty times the cost and half a second of import
    half = stdtrit(len(given) - 1, (1 + confidence) / 2) * given.std(ddof=1) / math.sqrt(len(given))
    return float(given.mean() - half), float(given.mean() + half)


@dataclass(frozen=True)
class Lead:
    """A mean lead over one floor, by one of the two bounds."""

    mean: float
    step: float
    """Standard error of the mean."""
    freedom: float
    """Of Student's t; infinite for the normal distribution."""

    @classmethod
    def over_seeds(cls, leads: Sequence[float]) -> Lead:
        """From the lead in each seed."""
        given = np.asarray(leads, dtype=float)
        step = given.std(ddof=1) / math.sqrt(len(given)) if len(given) > 1 else math.nan
        return cls(float(given.mean()), float(step), float(len(given) - 1))

    @classmethod
    def over_examples(cls, leads: Sequence[float], errors: Sequence[float]) -> Lead:
        """From its standard error over held-out examples in each seed. All seeds are scored on the same examples, so
        that their errors do not average out. NaN where it was not measured in every seed."""
        return cls(float(np.mean(leads)), float(np.mean(errors)), math.inf)

    @property
    def known(self) -> bool:
        """Whether there is anything to test by."""
        return not math.isnan(self.mean + self.step)

    def quantile(self, share: float) -> float:
        """Of its distribution, in standard errors."""
        return float(ndtri(share) if math.isinf(self.freedom) else stdtrit(self.freedom, share))

    def p(self) -> float:
        """How likely a lead as large is by luck where there is none, one-sided."""
        if self.step == 0:
            return float(self.mean <= 0)
        at = self.mean / self.step
        return float(ndtr(-at) if math.isinf(self.freedom) else stdtr(self.freedom, -at))

    def detects(self, confidence: float, power: float) -> float:
        """The true lead that would be above 0 with this power."""
        critical = self.quantile((1 + confidence) / 2)
        if math.isinf(self.freedom):
            return (critical + self.quantile(power)) * self.step
        return float(nctdtrinc(self.freedom, 1 - power, critical)) * self.step


def holm(found: Mapping[K, float]) -> dict[K, float]:
    """p values adjusted for being many (Holm 1979), under the same keys; NaN is no test and stays NaN."""
    tests = sorted((key for key, p in found.items() if not math.isnan(p)), key=lambda key: found[key])
    adjusted, least = dict(found), 0.0
    for place, key in enumerate(tests):
        least = max(least, min(1.0, (len(tests) - place) * found[key]))
        adjusted[key] = least
    return adjusted


def mean_of(values: Sequence[float]) -> float:
    """Of those that are known; NaN where none is."""
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan
