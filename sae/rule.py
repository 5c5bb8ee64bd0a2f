"""The rule that turns a depth's numbers into one word. Free of torch; it knows numbers, not tables.

Tested in this order, over seeds:

collapse    the tower stopped before this depth in half of the seeds or more; or no latent ever fires; or it explains
            less than 5% of the variance of the very rows it was trained on. Few live latents alone are no collapse
copy        of the latents that live half or more only repeat one coordinate (latents kind) or one row (directions
            kind) of their input, with a cosine above .9
undecided   more than 5% of the held-out rows stand among the rows that were trained on: they are held out from nothing
floor       the upper 95% bound of (observed - floor) over seeds is not above .01 at the nearest floor: a lead, if there
            is one, is not worth a word
structure   the lower bound is above 0 at every floor, over seeds and over held-out examples
undecided   otherwise

Each floor is tested by itself. All have to be passed for *structure*, so that one more can never make it, and that they
are many asks for no correction. The *nearest* floor is that with the smallest mean distance. Chosen so, its upper bound
is too low where many floors are alike (of twelve equal ones and five seeds in one of five cases), and it says nothing
of other examples: *floor* is the weaker of the two words.

Like is compared with like: the SAE's own codes with those of SAEs that were trained without structure to find or with a
frozen decoder, and at a depth that reads codes with SAEs trained on codes in which only the layer below makes latents
fire together (`code_floors`); its dictionary with unlearned dictionaries under one coder (matching pursuit); its
in-sample number with the memorising bound. PCA never decides: it may use the same few components for every row.

There are two bounds, and they speak of two things. Over seeds it is that of Student's t for the mean: what another
training would give, of the host and of the SAEs, on the same examples. Over held-out examples it is the normal one,
from the standard errors of both sides: what other held-out examples would give (it counts where it was measured).
Fewer than three seeds give no bound, and a depth without its trained nulls no word but *floor*. Where many depths are
judged, some are called structure by luck: `holm` says which words outlast that they were many.

SAEs that were trained elsewhere (`sae.judge`) are no towers, and may be one alone: then the caller says which floors
there are to be, and brings a bound of another kind, which the sentence names.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sae.bounds import CONFIDENCE, Lead, interval, mean_of

STRUCTURE, FLOOR, COPY, COLLAPSE, UNDECIDED = WORDS = ("structure", "floor", "copy", "collapse", "undecided")


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """What the rule compares with. Set before the runs that it judges; a change is a change of every verdict."""

    stopped: float = 0.5
    """Share of seeds in which the tower stopped before this depth."""
    in_sample: float = 0.05
    copy_score: float = 0.5
    leaked: float = 0.05
    margin: float = 0.0
    hidden: float = 0.01
    """What a floor may hide at most: a lead of less than this is not worth a word."""
    confidence: float = CONFIDENCE
    power: float = 0.8
    """How often a lead has to be found to count as one that would have been."""
    seeds: int = 3


THRESHOLDS = Thresholds()

# floor -> which of the depth's own numbers it is compared with
TRAINED = ("permuted_null", "gaussian_null", "gaussian_tower", "permuted_tower", "frozen_decoder")
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
    "permuted_tower": "tower on shuffled coordinates",
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
TOWERS = ("gaussian_tower", "permuted_tower")
"""Towers that stand on nothing. Of what is no tower there are none."""
DECIDING = tuple(name for name in (*TRAINED, *DICTIONARIES) if name != "permuted_tower")
"""The floors without which no depth of a tower is structure; the others count wherever they are."""
READING_CODES = (*DECIDING, *CODES)
"""The same for depths that read codes."""


@dataclass(frozen=True, kw_only=True)
class Seed:
    """One seed's numbers of one depth; NaN for what is not known."""

    live_share: float
    """On the rows it was trained on; it decides nothing, but belongs into a sentence."""
    in_sample: float
    """Variance explained of those rows."""
    own: float
    """Variance explained of held-out rows, with the SAE's own codes."""
    refit: float
    """The same with codes fitted by matching pursuit."""
    copy_score: float
    """Of the latents that live, the share that repeat one coordinate or row."""
    floors: Mapping[str, float]
    """Variance explained by each floor."""
    errors: Mapping[str, float] = field(default_factory=dict)
    """Standard error of the distance to each floor over held-out examples, where it was measured."""
    leaked: float = 0.0
    """Share of the held-out rows that stand among those that were trained on."""

    def margins(self) -> dict[str, float]:
        """Observed minus floor, for each floor, like with like."""
        observed = dict.fromkeys((*TRAINED, *CODES), self.own)
        observed |= dict.fromkeys(DICTIONARIES, self.refit)
        observed[MEMORISING] = self.in_sample
        return {name: observed[name] - value for name, value in self.floors.items() if name in observed}


@dataclass(frozen=True)
class Bound:
    """An interval of the mean distance to the nearest floor that was not made over seeds."""

    low: float
    high: float
    words: str
    """What it is an interval of, as it stands behind "95% interval"."""
    least: float
    """The lowest lower bound at any floor."""
    least_floor: str


@dataclass(frozen=True)
class Verdict:
    """The word, why in a sentence, and the numbers that decided."""

    word: str | None
    """None: not decided, see `why`."""
    why: str
    margin: float = math.nan
    """Mean over seeds of observed minus the nearest floor."""
    low: float = math.nan
    """Lower bound of that mean."""
    high: float = math.nan
    best_floor: str = ""
    """The nearest floor: the one with the smallest mean distance."""
    p: float = math.nan
    """The largest at any floor, over seeds and over held-out examples, of how likely a mean lead as large is where
    there is none, one-sided; structure takes .025 or less."""
    detects: float = math.nan
    """The true lead over the floor that it is least surely above which as many seeds and examples, spread as these,
    would find in four of five experiments, by the bound where that is harder."""
    examples_low: float = math.nan
    """The interval of the mean at the nearest floor over held-out examples instead of seeds."""
    examples_high: float = math.nan
    least: float = math.nan
    """The lowest of the lower bounds at all floors, over seeds and over examples, which decides."""
    least_floor: str = ""
    """Whose it is: the floor that it is least surely above."""


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
    live, inside, copies, leaked = (mean_of([getattr(seed, name) for seed in seeds]) for name in
                                    ("live_share", "in_sample", "copy_score", "leaked"))  # fmt: skip
    if live == 0:
        return Verdict(COLLAPSE, "None of its latents ever fires, so that it explains nothing of its input.")
    if inside < limits.in_sample:
        dead = f" Of its latents {live:.1%} ever fire." if live < limits.in_sample else ""
        return Verdict(
            COLLAPSE,
            f"It explains {inside:.3f} of the variance of the rows that it was trained on (limit "
            f"{limits.in_sample:g}).{dead}",
        )
    leads = leads_of(seeds)
    numbers = _numbers(leads, seeds, limits)
    if len(seeds) >= limits.seeds:
        bound = None
    elif bound is not None:
        numbers = numbers.by(bound)
    if copies >= limits.copy_score:
        return Verdict(
            COPY,
            f"{copies:.0%} of its live latents only repeat one part of its input (limit {limits.copy_score:.0%}).",
            *numbers,
        )
    if leaked > limits.leaked:
        why = f"Not decided: {leaked:.0%} of the held-out rows stand among those that were trained on"
        return Verdict(
            UNDECIDED, f"{why} (limit {limits.leaked:.0%}), so that they are held out from nothing.", *numbers
        )
    missing = [name for name in dict.fromkeys((*wanted, *leads)) if any(map(math.isnan, leads.get(name, [math.nan])))]
    if len(seeds) < limits.seeds and bound is None:
        return Verdict(None, f"{len(seeds)} seeds give no bound (at least {limits.seeds}): not decided.", *numbers)
    word = _word(numbers, limits)
    if missing and word != FLOOR:  # one floor that is not passed is enough
        want = f"Not decided, for want of: {', '.join(missing)} (`nulls = false`, a short panel, or tables of an older "
        return Verdict(None, f"{want}version).", *numbers)
    return Verdict(word, _sentence(word, numbers, bound, len(seeds), len(stops), limits), *numbers)


class Numbers(NamedTuple):
    """Those of a `Verdict`."""

    margin: float
    low: float
    high: float
    best_floor: str
    p: float
    detects: float
    examples_low: float
    examples_high: float
    least: float
    least_floor: str

    def by(self, bound: Bound) -> Numbers:
        """The same by a bound that was not made over seeds; of power and p nothing is known by it."""
        return self._replace(
            low=bound.low, high=bound.high, least=bound.least, least_floor=bound.least_floor,
            p=math.nan, detects=math.nan, examples_low=math.nan, examples_high=math.nan,
        )  # fmt: skip


def _numbers(leads: Mapping[str, Sequence[float]], seeds: Sequence[Seed], limits: Thresholds) -> Numbers:
    """What the words are made of, from the leads over all floors."""
    nearest = _nearest(leads)
    own = leads.get(nearest, [])
    examples = {
        name: Lead.over_examples(values, [seed.errors.get(name, math.nan) for seed in seeds])
        for name, values in leads.items()
    }
    tests = {name: [one for one in (Lead.over_seeds(values), examples[name]) if one.known]
             for name, values in leads.items()}  # fmt: skip
    tests = {name: found for name, found in tests.items() if found}
    middle = (1 + limits.confidence) / 2
    lows = {name: min(one.mean - one.quantile(middle) * one.step for one in found) for name, found in tests.items()}
    least_floor = min(lows, key=lambda name: (lows[name], name != nearest), default="")
    every = [one for found in tests.values() for one in found]
    other = examples.get(nearest, Lead(math.nan, math.nan, math.inf))
    half = other.quantile(middle) * other.step
    return Numbers(
        mean_of(own), *interval(own, limits.confidence), nearest,
        max((one.p() for one in every), default=math.nan),
        max((one.detects(limits.confidence, limits.power) for one in tests.get(least_floor, [])), default=math.nan),
        other.mean - half, other.mean + half, lows.get(least_floor, math.nan), least_floor,
    )  # fmt: skip


def _word(numbers: Numbers, limits: Thresholds) -> str:
    if numbers.high <= limits.hidden:
        return FLOOR
    return STRUCTURE if numbers.least > limits.margin else UNDECIDED


def _sentence(word: str, numbers: Numbers, bound: Bound | None, n: int, stopped: int, limits: Thresholds) -> str:
    """Why, with both intervals, and with what would have been found where nothing was."""
    between = f"95% interval {bound.words + ' ' if bound else ''}{numbers.low:+.3f} to {numbers.high:+.3f}"
    if not math.isnan(numbers.examples_low):
        between += f"; over held-out examples {numbers.examples_low:+.3f} to {numbers.examples_high:+.3f}"
    nearest = f"from the nearest floor, {NAMES[numbers.best_floor]}"
    said = f"over {n} seed{'s' if n > 1 else ''} it is {numbers.margin:+.3f} {nearest} ({between})."
    where = {
        STRUCTURE: "",
        FLOOR: " is below a floor" if numbers.high < limits.margin else " is at a floor",
        UNDECIDED: " is not reliably above its floors, nor reliably at one",
    }[word]
    found = f"Variance explained{where}: {said}"
    if word == UNDECIDED and numbers.least_floor != numbers.best_floor:
        found += f" It is least surely above {NAMES[numbers.least_floor]} (lower bound {numbers.least:+.3f})."
    if word == FLOOR and numbers.least > limits.margin:
        found += f" It leads, by {numbers.high:.3f} at most, which is not worth a word."
    if word != STRUCTURE and not math.isnan(numbers.detects):
        lead = f"a true lead of {numbers.detects:.3f}"
        found += f" Over {NAMES[numbers.least_floor]} {lead} would have been found in four of five such experiments."
    return found + (f" The tower stopped before it in {stopped} of {n + stopped} seeds." if stopped else "")


def leads_of(seeds: Sequence[Seed]) -> dict[str, list[float]]:
    """Observed minus each floor that any seed has, seed by seed; NaN for one that has it not."""
    found = [seed.margins() for seed in seeds]
    return {name: [one.get(name, math.nan) for one in found] for name in dict.fromkeys(k for one in found for k in one)}


def _nearest(leads: Mapping[str, Sequence[float]]) -> str:
    """The floor with the smallest mean distance."""
    means = {name: mean_of(values) for name, values in sorted(leads.items())}
    known = {name: mean for name, mean in means.items() if not math.isnan(mean)}
    return min(known, key=lambda name: known[name]) if known else ""
