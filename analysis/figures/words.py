"""Words around figures that hold for any experiment: what there is, how many seeds, and what is missing.

A figure that lacks a part leaves it out of its words; one that lacks everything raises DataError in one line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import pandas as pd

from analysis.figures.drawing import spoken
from analysis.plan.config import RunConfig
from analysis.results import findings
from analysis.results.findings import Comparison
from analysis.results.tables import Results
from sae.errors import DataError

RANDOM = "random_host"
UNDEFINED = "undefined"


def tower_depths(results: Results, kind: str) -> list[int]:
    """The depths of a tower. Raises DataError where the experiment has none."""
    depths = results.depths(kind)
    if not depths:
        raise DataError(f"{results.experiment} has no {kind} tower: its tables hold {_kinds(results)}")
    return depths


def needed(rows: pd.DataFrame, what: str, results: Results) -> pd.DataFrame:
    """`rows` with a number in `value`. Raises DataError, naming `what`, where there is none."""
    known = rows[rows["value"].notna()]
    if known.empty:
        raise DataError(f"{results.experiment} has no {what}")
    return known


def needs_labels(results: Results) -> None:
    """Raises DataError for a figure of classes where the data set has none."""
    if not results.labelled:
        raise DataError(f"needs labels; data set {results.runs['dataset'].iloc[0]} has none")


def one_variant(results: Results) -> None:
    """Raises DataError for the runs of several variants, over which no verdict and no interval can be taken."""
    seen = [results.only] if results.only is not None else results.variants
    if len(seen) > 1:
        raise DataError(
            f"{results.experiment} has {len(seen)} variants ({', '.join(map(str, seen[:3]))}, ...): this figure is "
            "drawn from an experiment without variants and grid; `strata verdict` judges each of them"
        )


def described(rows: pd.DataFrame, texts: Mapping[str, str]) -> list[str]:
    """The texts of those series that are in `rows`."""
    there = set(rows["series"])
    return [text for name, text in texts.items() if name in there]


def has_random(results: Results) -> bool:
    """Whether there is a randomly initialised network beside the trained one."""
    return bool((results.measures["control"] == RANDOM).any())


def no_random(results: Results) -> str:
    """A sentence for captions where there is no random network; else empty."""
    return "" if has_random(results) else " There is no random network to compare with."


def seeds(count: int) -> str:
    """`3 seeds`, `1 seed`."""
    return f"{count} {'seed' if count == 1 else 'seeds'}"


def seeds_of(results: Results) -> int:
    """How many seeds the tables have."""
    return int(results.runs["seed"].nunique())


def mean_of_seeds(count: int) -> str:
    """`mean and 95% interval over 3 seeds`, or that one seed has no interval."""
    return f"mean and 95% interval over {count} seeds" if count > 1 else "of one seed, which gives no interval"


def bands(results: Results, what: str = "the range") -> str:
    """What the bands of a chart are, or that there are none."""
    count = seeds_of(results)
    if count < 2:
        return "One seed: no bands, and no comparison is decided."
    return f"Bands, where they are wider than the line, are {what} over {count} seeds."


def depths_between(depths: list[int]) -> str:
    """`depth 1 to 6`, `depth 1`."""
    return f"depth {depths[0]}" if len(depths) == 1 else f"depth {depths[0]} to {depths[-1]}"


def known(values: Mapping[int, float], percent: bool = False) -> str:
    """`0.93 at depth 1, 0.94 at depth 2`, of what is defined; `undefined` where nothing is."""
    said = [f"{spoken(value, percent)} at depth {depth}" for depth, value in values.items() if value == value]
    return ", ".join(said) or UNDEFINED


def opened(text: str) -> str:
    """`text` with its first letter large, the others as they are."""
    return text[:1].upper() + text[1:]


def versus(comparison: Comparison, other: str, more: str = "more", less: str = "less", equal: str = "") -> str:
    """`, more than OTHER`; empty where there is nothing to compare with."""
    text = comparison.than(other, more=more, less=less, equal=equal or "about as much")
    return f", {text}" if text else ""


def at_depths(comparisons: Mapping[int, Comparison], *, less: str = "less", equal: str = "about as much") -> str:
    """`more at 5, about as much at 1 of 6 depths`, over the depths where there is something to compare; empty where
    there is none."""
    words = [one.word for one in comparisons.values() if one]
    texts = {findings.HIGHER: "more", findings.LOWER: less, findings.EQUAL: equal, findings.UNDECIDED: "undecided"}
    parts = [f"{text} at {words.count(word)}" for word, text in texts.items() if word in words]
    return f"{', '.join(parts)} of {len(words)} {'depth' if len(words) == 1 else 'depths'}" if parts else ""


def judged(*comparisons: Comparison, matters: float = findings.MATTERS) -> str:
    """The rule behind the words of a title, for its caption; with why something is undecided where too few seeds are
    it; empty where nothing is compared."""
    there = [one for one in comparisons if one]
    if not there:
        return ""
    fewest = min(one.seeds for one in there)
    return " " + (
        f"{opened(findings.no_bound(fewest))}: undecided." if fewest < findings.SEEDS else findings.how(matters)
    )


def folds(results: Results, kind: str) -> int:
    """Into how many folds the rows of a tower's depths were cut; 0 where no such tower was planned."""
    config = RunConfig.from_canonical(str(results.runs["config"].iloc[0]))
    return next((tower.folds for tower in config.towers if tower.kind == kind), 0)


def classes(results: Results) -> int:
    """How many classes there are, by what was measured of single latents; 0 where nothing was."""
    found = [re.fullmatch(r"class_share_(\d+)", str(name)) for name in results.latents["measure"].unique()]
    return max((int(match[1]) + 1 for match in found if match), default=0)


def _kinds(results: Results) -> str:
    kinds = sorted({str(kind) for kind in results.measures["kind"].unique()})
    return ", ".join(kinds) or "no measures"
