"""Rules that name a latent: a class set and up to two measured attributes, such as "narrow 7s, leaning left".

Low and high are thirds of an image's own class, so that "narrow 7s" are narrow for a 7. A rule is chosen by F1, not by
balanced accuracy: a latent that fires on a fifth of the 7s and nowhere else has a balanced accuracy of .96 for "7s",
though four of five 7s leave it silent. F1 is low unless the rule is true of most rows on which the latent fires, and
the latent fires on many of those of which it is true. All latents are searched at once, on tables of counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from scipy.stats import hypergeom

SIZES = (1, 2, 3)  # classes in a set, unless it is all of them: a longer list is no longer a name
THIRD = 1 / 3  # share that a condition aims at; halves name about as many latents, but half of all 7s are not "narrow"
FEWEST, MOST = 0.1, 0.7  # with counts, such as holes, no share may be near a third: outside these, no condition
CONDITIONS = 2  # with a third no more latents would be named
MARGIN = 0.03  # by which a condition must raise F1; what is named is nearly the same from .01 to .05
CLASS_MARGIN = 0.01  # the same for a class: without it a set may hold a class on which the latent hardly fires
CONFIRMED = 0.05  # chance below which a condition, on rows that did not choose it, is not taken for luck
SIDES = ("low", "high")

Labels = Int[np.ndarray, " rows"]
Holds = Bool[np.ndarray, "rows conditions"]
Member = Bool[np.ndarray, "latents classes"]
Columns = Int[np.ndarray, " latents"]
Scores = Float[np.ndarray, "..."]


@dataclass(frozen=True)
class Rule:
    """True of an image whose class is one of `classes` and of which all `conditions` hold."""

    classes: tuple[int, ...]
    """Ascending."""
    conditions: tuple[tuple[str, str], ...] = ()
    """Pairs (attribute, "low" or "high")."""


@dataclass(frozen=True)
class Ends:
    """Where the low end of each attribute stops and its high end starts, as measured on training rows."""

    names: tuple[str, ...]
    low: Float[np.ndarray, "classes+1 attributes"]
    """Last row: of all images. -inf where no low end has a fair size."""
    high: Float[np.ndarray, "classes+1 attributes"]

    @classmethod
    def of(cls, attributes: pd.DataFrame, labels: Labels, n_classes: int) -> Ends:
        """Ends of each class and, last, of all images; they never overlap."""
        values = attributes.to_numpy(np.float64)
        parts = [values[labels == c] for c in range(n_classes)] + [values]
        low = np.array([[_end(column) for column in part.T] for part in parts])
        high = np.array([[-_end(-column) for column in part.T] for part in parts])
        shape = (n_classes + 1, len(attributes.columns))
        return cls(tuple(attributes.columns), low.reshape(shape), high.reshape(shape))

    @property
    def conditions(self) -> list[tuple[str, str]]:
        """What the columns of `hold` say."""
        return [(name, side) for side in SIDES for name in self.names]

    def hold(self, attributes: pd.DataFrame, labels: Labels, own: bool = True) -> Holds:
        """Which conditions hold of which image, against its own class or against all images; never where it is NaN."""
        values = attributes[list(self.names)].to_numpy(np.float64)
        at = labels if own else np.full_like(labels, len(self.low) - 1)
        return np.concatenate([values <= self.low[at], values >= self.high[at]], axis=1)

    def true_of(self, rule: Rule, attributes: pd.DataFrame, labels: Labels) -> Bool[np.ndarray, " rows"]:
        """Of which images `rule` is true."""
        at = labels if len(rule.classes) < len(self.low) - 1 else np.full_like(labels, len(self.low) - 1)
        true = np.isin(labels, rule.classes)
        for name, side in rule.conditions:
            values, column = attributes[name].to_numpy(np.float64), self.names.index(name)
            true &= values <= self.low[at, column] if side == "low" else values >= self.high[at, column]
        return true


def _end(values: Float[np.ndarray, " rows"]) -> float:
    """The value up to which lies as near a third of the rows as ties allow; -inf when that is no fair share."""
    found, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    shares = counts.cumsum() / max(1, len(values))
    off = np.where((shares >= FEWEST) & (shares <= MOST), abs(shares - THIRD), np.inf)
    return float(found[off.argmin()]) if np.isfinite(off).any() else -np.inf


@dataclass(frozen=True)
class Tables:
    """On how many rows of each class a choice of conditions holds, and on how many of these each latent fires.

    Column 0 is no condition, then come the single ones, then pairs: see `combinations_of`.
    """

    hits: Float[np.ndarray, "latents classes columns"]
    true: Float[np.ndarray, "classes columns"]

    @classmethod
    def of(cls, fires: Bool[np.ndarray, "rows latents"], labels: Labels, holds: Holds, n_classes: int) -> Tables:
        """Counts as products of 0/1 matrices, class by class."""
        first, second = np.triu_indices(holds.shape[1], 1)
        hits, true = [], []
        for c in range(n_classes):
            single = holds[labels == c].astype(np.float32)
            columns = np.hstack([np.ones((len(single), 1), np.float32), single, single[:, first] * single[:, second]])
            hits.append(fires[labels == c].astype(np.float32).T @ columns)
            true.append(columns.sum(0))
        return cls(np.stack(hits, axis=1), np.stack(true))

    def __add__(self, other: Tables) -> Tables:
        return Tables(self.hits + other.hits, self.true + other.true)

    @property
    def fires(self) -> Scores:
        """On how many rows each latent fires."""
        return np.asarray(self.hits[:, :, 0].sum(1))

    def by_class(self, column: Columns) -> tuple[Scores, Scores]:
        """Hits and true rows, (latents, classes), of one column a latent."""
        return self.hits[np.arange(len(column)), :, column], self.true[:, column].T

    def over(self, member: Member) -> tuple[Scores, Scores]:
        """Hits and true rows, (latents, columns), over the classes of each latent."""
        return np.einsum("lc,lcm->lm", member, self.hits), member @ self.true


def combinations_of(n_conditions: int) -> list[tuple[int, ...]]:
    """The conditions that each column of `Tables` speaks of."""
    return [c for size in range(CONDITIONS + 1) for c in combinations(range(n_conditions), size)]


def choose(
    fires: Bool[np.ndarray, "rows latents"],
    labels: Labels,
    attributes: pd.DataFrame,
    ends: Ends,
    confirming: Bool[np.ndarray, " rows"],
) -> list[Rule | None]:
    """The best rule of each latent on training rows; None for one that never fires.

    Starts from the one, two or three classes on which a latent fires most often, and from all. To each start it adds
    conditions one by one while F1 grows; each must also set firing rows apart on the rows of `confirming`, which did
    not choose it. Then it takes the classes that are best under these conditions, and last the best of the four rules,
    by F1 on all rows.
    """
    n_classes, meant = len(ends.low) - 1, combinations_of(len(ends.conditions))
    best = np.full(fires.shape[1], -np.inf)
    rules: list[Rule | None] = [None] * fires.shape[1]
    # all classes are one class whose ends are those of all images
    for own, sizes in ((True, [size for size in SIZES if size < n_classes]), (False, [1])):
        holds, kinds = ends.hold(attributes, labels, own), labels if own else np.zeros_like(labels)
        choosing, checking = (
            Tables.of(fires[part], kinds[part], holds[part], n_classes if own else 1)
            for part in (~confirming, confirming)
        )
        both = choosing + checking
        for size in sizes:
            member, _ = _classes(both, np.zeros(len(best), int), [size])
            column = _conditions(choosing, checking, member, len(ends.conditions))
            # under its conditions a latent may fire on fewer classes than without
            member, f1 = _classes(both, column, range(1, size + 1))
            for latent in np.flatnonzero((f1 > best) & (both.fires > 0)):
                classes = np.flatnonzero(member[latent]).tolist() if own else range(n_classes)
                rules[latent] = Rule(tuple(classes), tuple(ends.conditions[k] for k in meant[column[latent]]))
            best = np.maximum(best, f1)
    return rules


def _classes(tables: Tables, column: Columns, sizes: Iterable[int]) -> tuple[Member, Scores]:
    """The classes on which a latent fires most often, as many of `sizes` as is best, and F1 less CLASS_MARGIN a class
    after the first."""
    hits, true = tables.by_class(column)
    order = np.argsort(-hits / np.maximum(true, 1), axis=1, kind="stable")
    member, best = np.zeros(hits.shape, bool), np.full(len(hits), -np.inf)
    for size in sizes:
        tried = np.zeros(hits.shape, bool)
        np.put_along_axis(tried, order[:, :size], True, axis=1)
        f1 = _f1((hits * tried).sum(1), (true * tried).sum(1), tables.fires) - CLASS_MARGIN * (size - 1)
        better = f1 > best
        member[better], best[better] = tried[better], f1[better]
    return member, best


def _conditions(choosing: Tables, checking: Tables, member: Member, n_conditions: int) -> Columns:
    """The column of the conditions that each latent gets for its classes."""
    latents = np.arange(len(member))
    column = np.zeros(len(member), int)
    if not n_conditions:
        return column
    with_one_more = np.zeros((n_conditions + 1, n_conditions), int)  # its last row, also -1: after no condition
    for place, meant in enumerate(combinations_of(n_conditions)[1:], 1):
        with_one_more[meant[0], meant[-1]] = with_one_more[meant[-1], meant[0]] = place
    with_one_more[-1] = with_one_more.diagonal()
    (hits, true), (there_hits, there_true) = choosing.over(member), checking.over(member)
    last, growing = np.full(len(member), -1), np.ones(len(member), bool)
    for _ in range(CONDITIONS):
        tried = with_one_more[last]
        then = _f1(np.take_along_axis(hits, tried, 1), np.take_along_axis(true, tried, 1), choosing.fires[:, None])
        found = then.argmax(1)
        old, new = (latents, column), (latents, tried[latents, found])
        luck = hypergeom.sf(there_hits[new] - 1, there_true[old], there_true[new], there_hits[old])
        growing &= (then[latents, found] > _f1(hits[old], true[old], choosing.fires) + MARGIN) & (luck < CONFIRMED)
        column, last = np.where(growing, new[1], column), np.where(growing, found, -1)
    return column


def _f1(hits: Scores, true: Scores, fires: Scores) -> Scores:
    """F1 of rules that are true of `true` rows, `hits` of them among the `fires` rows on which the latent fires."""
    return np.asarray(2 * hits / np.maximum(true + fires, 1))


def text(
    rule: Rule,
    class_names: Sequence[str],
    words: Mapping[str, tuple[str, str]],
    noun: str = "image",
    some: bool = False,
) -> str:
    """The rule in words: "narrow 4s and 9s, leaning left"; "some" when most of these leave the latent silent.

    `words` holds (low word, high word) of each attribute. A single word stands before the class, a longer one after
    it. `noun` is what a rule for all classes speaks of.
    """
    said = [words[name][SIDES.index(side)] for name, side in rule.conditions]
    before = ", ".join(word for word in said if " " not in word)
    after = [word for word in said if " " in word]
    if len(rule.classes) == len(class_names):
        what = _plural(noun) if some else noun
    else:
        names = [_plural(class_names[c]) for c in rule.classes]
        what = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    quantity = "some" if some else "any" if len(rule.classes) == len(class_names) else ""
    return ", ".join([" ".join(part for part in (quantity, before, what) if part), *after])


def _plural(name: str) -> str:
    if name.isdigit():
        return f"{name}s"
    lower = name.lower()
    if lower.endswith(("ss", "sh", "ch", "x")):
        return f"{lower}es"
    return lower if lower.endswith("s") else f"{lower}s"
