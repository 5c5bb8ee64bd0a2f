"""The rule that turns a depth's numbers into one word. Free of torch; it knows numbers, not tables.

Tested in this order, over seeds:

collapse    the tower stopped before this depth in half of the seeds or more; or fewer than 5% of its latents ever fire
            on the rows it was trained on; or it explains less than 5% of the variance of those very rows
copy        half of its latents or more, dead ones included, only repeat one coordinate (latents kind) or one row
            (directions kind) of their input, with a cosine above .9
floor       the lower 95% bound of (observed - best floor) over seeds is not above 0
structure   otherwise

*Observed minus best floor* is, in each seed, the smallest distance to any floor, and like is compared with like: the
SAE's own codes with those of SAEs that were trained without structure to find or with a frozen decoder, and at a depth
that reads codes with SAEs trained on codes in which only the layer below makes latents fire together (`code_floors`:
they count wherever they were trained); its
dictionary with unlearned dictionaries under one coder (matching pursuit); its in-sample number with the memorising
bound. PCA never decides: it may use the same few components for every row. The bound is that of Student's t for the
mean over seeds. Fewer than three seeds give no bound, and a depth without its trained nulls no word.

SAEs that were trained elsewhere (`sae.judge`) are no towers, and may be one alone: then the caller says which floors
there are to be, and brings a bound of another kind, which the sentence names.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

STRUCTURE, FLOOR, COPY, COLLAPSE = WORDS = ("structure", "floor", "copy", "collapse")


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """What the rule compares with. Set before the runs that it judges; a change is a change of every verdict."""

    stopped: float = 0.5
    """Share of seeds in which the tower stopped before this depth."""
    live_share: float = 0.05
    in_sample: float = 0.05
    copy_score: float = 0.5
    margin: float = 0.0
    confidence: float = 0.95
    seeds: int = 3


THRESHOLDS = Thresholds()

# floor -> which of the depth's own numbers it is compared with
TRAINED = ("permuted_null", "gaussian_null", "gaussian_tower", "frozen_decoder")
DICTIONARIES = ("stored_dictionary", "matched_dictionary", "random_dictionary")
MEMORISING = "memorising"
DEALT, REENCODED, RELEARNED, SHUFFLED = "curveball_null", "reencoded", "relearned", "_shuffled"
CODE_NULLS = (DEALT, *(f"{name}{end}" for name in (REENCODED, RELEARNED) for end in ("", SHUFFLED)))
"""What `sae.code_floors` finds, by its names in the tables; `SHUFFLED` ends those of the same, dealt out once more."""
CODES = ("curveball_null", "reencoded_null", "relearned_null")
"""Of depths that read codes; see `sae.code_floors`."""
NAMES = {
    "permuted_null": "trained on shuffled coordinates",
    "gaussian_null": "trained on Gaussian rows",
    "gaussian_tower": "tower on Gaussian rows",
    "frozen_decoder": "frozen random decoder",
    "curveball_null": "codes dealt out by chance",
    "reencoded_null": "dealt out, encoded again",
    "relearned_null": "dealt out, learned again",
    "stored_dictionary": "rows stored by heart",
    "matched_dictionary": "random mixtures of rows",
    "random_dictionary": "random directions",
    "memorising": "memorising bound (in-sample)",
}
"""What each floor is called where people read."""
DECIDING = (*TRAINED, *DICTIONARIES)
"""The floors without which there is no word for a depth of a tower."""


@dataclass(frozen=True, kw_only=True)
class Seed:
    """One seed's numbers of one depth; NaN for what is not known."""

    live_share: float
    """On the rows it was trained on."""
    in_sample: float
    """Variance explained of those rows."""
    own: float
    """Variance explained of held-out rows, with the SAE's own codes."""
    refit: float
    """The same with codes fitted by matching pursuit."""
    copy_score: float
    floors: Mapping[str, float]
    """Variance explained by each floor."""

    def margins(self) -> dict[str, float]:
        """Observed minus floor, for each floor, like with like."""
        observed = dict.fromkeys((*TRAINED, *CODES), self.own)
        observed |= dict.fromkeys(DICTIONARIES, self.refit)
        observed[MEMORISING] = self.in_sample
        return {name: observed[name] - value for name, value in self.floors.items() if name in observed}

    def margin(self, wanted: Sequence[str] = DECIDING) -> float:
        """The smallest of them; NaN where one of the `wanted` floors is missing or undefined."""
        found = self.margins()
        if any(math.isnan(found.get(name, math.nan)) for name in wanted):
            return math.nan
        return min(found.values())


@dataclass(frozen=True)
class Bound:
    """An interval of the mean margin that was not made over seeds."""

    low: float
    high: float
    words: str
    """What it is an interval of, as it stands behind "95% interval"."""


@dataclass(frozen=True)
class Verdict:
    """The word, why in a sentence, and the numbers that decided."""

    word: str | None
    """None: not decided, see `why`."""
    why: str
    margin: float = math.nan
    """Mean over seeds of observed minus best floor."""
    low: float = math.nan
    """Lower bound of that mean."""
    high: float = math.nan
    best_floor: str = ""
    """The floor that is nearest on average; in single seeds the nearest may be another."""


def code_floors(found: Mapping[str, float]) -> dict[str, float]:
    """The `CODES`, from what `sae.code_floors` found by name; nothing where it found nothing.

    Codes that were encoded or learned again may be easier to explain all in all. What counts is by how much they are
    easier than the same dealt out once more: as much as that above `curveball_null` is the floor.
    """
    dealt = found.get(DEALT, math.nan)
    floors = {DEALT: dealt}
    for name in (REENCODED, RELEARNED):
        floors[f"{name}_null"] = dealt + found.get(name, math.nan) - found.get(f"{name}{SHUFFLED}", math.nan)
    return {name: value for name, value in floors.items() if not math.isnan(value)}


def interval(values: Sequence[float], confidence: float = THRESHOLDS.confidence) -> tuple[float, float]:
    """Student's t interval of the mean of `values`; NaN for fewer than two."""
    given = np.asarray(values, dtype=float)
    if len(given) < 2:
        return math.nan, math.nan
    # the quantile itself: `scipy.stats.t` gives the same bits, at sixty times the cost and half a second of import
    half = stdtrit(len(given) - 1, (1 + confidence) / 2) * given.std(ddof=1) / math.sqrt(len(given))
    return float(given.mean() - half), float(given.mean() + half)


def judge(
    seeds: Sequence[Seed],
    stops: Sequence[str] = (),
    limits: Thresholds = THRESHOLDS,
    *,
    wanted: Sequence[str] = DECIDING,
    bound: Bound | None = None,
) -> Verdict:
    """The word for a depth, from one `Seed` for each seed in which it was trained, and `stops`, the sentence of each
    seed in which the tower stopped before it. `wanted`: the floors without which there is no word. `bound` stands in
    for Student's t where there are fewer seeds than that needs."""
    n = len(seeds) + len(stops)
    if not n:
        return Verdict(None, "There are no runs of this depth.")
    if stops and len(stops) / n >= limits.stopped:
        return Verdict(COLLAPSE, f"{stops[0]} So in {len(stops)} of {n} seeds.")
    live, inside, copies = (_mean([getattr(seed, name) for seed in seeds]) for name in
                            ("live_share", "in_sample", "copy_score"))  # fmt: skip
    if live < limits.live_share:
        return Verdict(COLLAPSE, f"Only {live:.1%} of its latents ever fire (limit {limits.live_share:.0%}).")
    if inside < limits.in_sample:
        return Verdict(
            COLLAPSE,
            f"It explains {inside:.3f} of the variance of the rows it was trained on (limit {limits.in_sample:g}).",
        )
    lost = f" The tower stopped before it in {len(stops)} of {n} seeds." if stops else ""
    margins = [seed.margin(wanted) for seed in seeds]
    mean, (low, high) = _mean(margins), interval(margins, limits.confidence)
    if len(seeds) >= limits.seeds:
        bound = None
    elif bound is not None:
        low, high = bound.low, bound.high
    nearest = _nearest(seeds)
    numbers = (mean, low, high, nearest)
    if copies >= limits.copy_score:
        return Verdict(
            COPY, f"{copies:.0%} of its latents only repeat one part of its input (limit {limits.copy_score:.0%}).",
            *numbers,
        )  # fmt: skip
    if any(math.isnan(margin) for margin in margins):
        missing = ", ".join(name for name in wanted if any(_unknown(seed, name) for seed in seeds))
        return Verdict(
            None,
            f"Not decided, for want of: {missing} (`nulls = false`, a short panel, or tables of an older version).",
        )
    if len(seeds) < limits.seeds and bound is None:
        return Verdict(None, f"{len(seeds)} seeds give no bound (at least {limits.seeds}): not decided.", *numbers)
    floor = NAMES[nearest]
    between = f"95% interval {bound.words + ' ' if bound else ''}{low:+.3f} to {high:+.3f}"
    over = f"{len(seeds)} seed{'s' if len(seeds) > 1 else ''}"
    said = f"over {over} it is {mean:+.3f} from its best floor ({between}); nearest on average: {floor}"
    if low > limits.margin:
        return Verdict(STRUCTURE, f"Held-out variance explained: {said}.{lost}", *numbers)
    where = "below a floor" if high < limits.margin else "not reliably above its floors"
    return Verdict(FLOOR, f"Held-out variance explained is {where}: {said}.{lost}", *numbers)


def _unknown(seed: Seed, floor: str) -> bool:
    return math.isnan(seed.margins().get(floor, math.nan))


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def _nearest(seeds: Sequence[Seed]) -> str:
    """The floor with the smallest mean margin."""
    names = {name for seed in seeds for name in seed.margins()}
    means = {name: _mean([seed.margins().get(name, math.nan) for seed in seeds]) for name in sorted(names)}
    known = {name: mean for name, mean in means.items() if not math.isnan(mean)}
    return min(known, key=lambda name: known[name]) if known else ""
