"""What numbers say, in words: one quantity beside another, a quantity over depth, shares. Free of torch.

A title or caption takes its words from here, so that it says what its numbers say and no more. The rules:

comparison  of the differences within seeds, over the seeds in which both numbers are finite, the mean and its 95%
            interval (Student's t, as in `sae.rule`):
            about equal  the whole interval lies within -MATTERS .. +MATTERS
            higher       otherwise, where the interval lies above 0
            lower        otherwise, where it lies below 0
            undecided    otherwise, and always for fewer than SEEDS seeds, which give no bound
            unknown      no seed has both numbers
trend       the last depth compared with the first in the same way: rises, falls, undecided, unknown (one depth only);
            and where the two are about equal: stays, or varies when a depth between lies surely above both, or below
share       none 0; few below 10%; some below 50%; most below 90%; nearly all below 100%; all 100%

MATTERS = 0.02 is the smallest difference that matters between two shares (two points of a hundred); a quantity of
another size is given another one. SEEDS = 3.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from analysis.results.tables import Results
from sae.bounds import interval
from sae.rule import THRESHOLDS

MATTERS = 0.02
SEEDS = THRESHOLDS.seeds
HIGHER, LOWER, EQUAL, UNDECIDED, UNKNOWN = "higher", "lower", "about equal", "undecided", "unknown"
RISES, FALLS, STAYS, VARIES = "rises", "falls", "stays", "varies"
# below this share, the word; the whole is `all`
SHARES = ((0.1, "few"), (0.5, "some"), (0.9, "most"), (1.0, "nearly all"))

Values = Mapping[str, float]
"""A number for each seed, by what pairs it with others: the run's id, or the seed where runs differ."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One quantity beside another."""

    word: str
    """HIGHER, LOWER, EQUAL, UNDECIDED or UNKNOWN: of the first, beside the second."""
    difference: float = math.nan
    """Mean over seeds of first minus second."""
    low: float = math.nan
    high: float = math.nan
    """95% interval of that mean; NaN for fewer than two seeds."""
    seeds: int = 0
    """In how many both are known."""

    def __bool__(self) -> bool:
        """Whether there is anything to compare."""
        return self.word != UNKNOWN

    def choose(self, *, higher: str, lower: str, equal: str, undecided: str, unknown: str = "") -> str:
        """The text for the word."""
        return {HIGHER: higher, LOWER: lower, EQUAL: equal, UNDECIDED: undecided, UNKNOWN: unknown}[self.word]

    def than(self, other: str, *, more: str = "more", less: str = "less", equal: str = "about as much") -> str:
        """`more than OTHER`, `less than OTHER`, `about as much as OTHER`, or that it is undecided; UNKNOWN: empty."""
        return self.choose(
            higher=f"{more} than {other}", lower=f"{less} than {other}", equal=f"{equal} as {other}",
            undecided=f"undecided whether {more} or {less} than {other}",
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Trend:
    """A quantity over depth."""

    word: str
    """RISES, FALLS, STAYS, VARIES, UNDECIDED or UNKNOWN."""
    first: int = 0
    last: int = 0
    """The first and the last depth that have a number; 0 where there is none."""
    change: Comparison = Comparison(word=UNKNOWN)
    """The last beside the first."""

    def __bool__(self) -> bool:
        """Whether there are two depths to compare."""
        return self.word != UNKNOWN

    @property
    def verb(self) -> str:
        """What stands before `from X to Y`; a change that is not sure says so."""
        said = {
            STAYS: "stays about equal",
            VARIES: "varies on its way",
            UNDECIDED: "goes, undecided whether up or down,",
        }
        return said.get(self.word, self.word)


def compare(first: Values, second: Values, matters: float = MATTERS) -> Comparison:
    """The word for `first` beside `second`; differences up to `matters` count as equal. See the module's docstring."""
    pairs = [(first[key], second[key]) for key in first if key in second]
    differences = [a - b for a, b in pairs if math.isfinite(a) and math.isfinite(b)]
    if not differences:
        return Comparison(word=UNKNOWN)
    low, high = interval(differences)
    if len(differences) < SEEDS:
        word = UNDECIDED
    elif -matters <= low and high <= matters:
        word = EQUAL
    else:
        word = HIGHER if low > 0 else LOWER if high < 0 else UNDECIDED
    mean = sum(differences) / len(differences)
    return Comparison(word=word, difference=mean, low=low, high=high, seeds=len(differences))


def trend(depths: Mapping[int, Values], matters: float = MATTERS) -> Trend:
    """The word for a quantity over depth, from its values at each. See the module's docstring."""
    known = sorted(depth for depth, values in depths.items() if any(map(math.isfinite, values.values())))
    if not known:
        return Trend(word=UNKNOWN)
    first, last = known[0], known[-1]
    if first == last:
        return Trend(word=UNKNOWN, first=first, last=last)
    change = compare(depths[last], depths[first], matters)
    word = {HIGHER: RISES, LOWER: FALLS, EQUAL: STAYS}.get(change.word, change.word)
    if word == STAYS:
        for depth in known[1:-1]:
            sides = {compare(depths[depth], depths[end], matters).word for end in (first, last)}
            if sides in ({HIGHER}, {LOWER}):
                word = VARIES
    return Trend(word=word, first=first, last=last, change=change)


def share(part: int, whole: int) -> str:
    """`none`, `few`, `some`, `most`, `nearly all` or `all` of a whole; `none` of nothing."""
    if part <= 0 or whole <= 0:
        return "none"
    return next((word for below, word in SHARES if part / whole < below), "all")


def counted(part: int, whole: int) -> str:
    """`none of 4`, `1 of 4`, `all 4`."""
    if part == whole and whole > 1:
        return f"all {whole}"
    return f"{part or 'none'} of {whole}"


def no_bound(seeds: int) -> str:
    """Why nothing is decided with so few seeds."""
    return f"{seeds} {'seed gives' if seeds == 1 else 'seeds give'} no bound"


def by_run(
    results: Results, measure: str, kind: str, depth: int, control: str = "none", split: str = "held_out"
) -> dict[str, float]:
    """The values of one measure in one place, by run; a run has the same id on the trained and the random network."""
    return results.by_run(measure, kind, depth, split, control)


def over_depths(
    results: Results, measure: str, kind: str, control: str = "none", split: str = "held_out", *, start: int = 1
) -> dict[int, dict[str, float]]:
    """The values of one measure at each depth from `start` on, by run; for `trend`."""
    depths = [depth for depth in results.depths(kind) if depth >= start]
    return {depth: by_run(results, measure, kind, depth, control, split) for depth in depths}


def beside(
    results: Results, measure: str, kind: str, depth: int, control: str = "random_host", split: str = "held_out",
    *, matters: float = MATTERS,
) -> Comparison:  # fmt: skip
    """One place on the trained network beside the same under a control."""
    own = by_run(results, measure, kind, depth, split=split)
    return compare(own, by_run(results, measure, kind, depth, control, split), matters)


def how(matters: float = MATTERS) -> str:
    """The rule of comparisons in a sentence, for captions."""
    return (
        f"Words for differences: 95% intervals over seeds, of differences within a seed; up to {matters:g} is *about* "
        "equal."
    )
