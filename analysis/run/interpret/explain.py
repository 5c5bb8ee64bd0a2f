"""A name for each latent that a reader can check: a rule chosen on training rows and scored on held-out ones.

The score is detection (Paulo et al. 2024, arXiv 2410.13928): balanced accuracy of "the rule is true of the image" as a
prediction of "the latent fires". A rule knows no held-out row, so under the null (which held-out rows fire is chance)
its hits are hypergeometric: the p-value and the 95% point of detection are exact, and nothing is sampled. What cannot
be named is called "unnamed"; see `analysis.run.interpret.rules` for how a rule is chosen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float, Int
from scipy.stats import false_discovery_control, hypergeom

from analysis.run.interpret.rules import Ends, Rule, choose, combinations_of, text
from sae.errors import DataError

SIGNIFICANT = 0.05  # rate of false discoveries among the names of a depth
# Looked at on contact sheets of real latents: at 0.70 neurons are "0s, 4s and 5s" whose strongest images are 7s. A rule
# at 0.75 is true of at least half of what a latent fires on, as the accuracy on silent rows is at most 1.
DETECTION = 0.75
# Share of the named images on which a latent must fire. Rare latents have a high detection for any rule that is true
# of their few rows: without this, .59 of the live latents of depth 4 have a name, and .48 of those of a random host.
COMMON = 0.25
HALF = 0.5  # a latent that fires on fewer of the named images than this is named "some ..."
CONFIRM = 0.25  # share of the training rows that confirm conditions and do not choose them
# Entries of a table of counts, of latents by classes by conditions, that are held at once: 120 MB.
AT_ONCE = 30_000_000
UNNAMED, SILENT = "unnamed", "silent"

Scores = Float[np.ndarray, " latents"]


@dataclass(frozen=True)
class Labelled:
    """What a latent does on rows, and what is known of their images."""

    fires: Bool[np.ndarray, "rows latents"]
    labels: Int[np.ndarray, " rows"]
    attributes: pd.DataFrame
    """A row an image, a column an attribute; NaN where it cannot be measured."""


@dataclass(frozen=True)
class Names:
    """One entry a latent. Scores are of held-out rows, and NaN where the latent fires on none of them (or no rule)."""

    rules: tuple[Rule | None, ...]
    """None: fires on no training row."""
    texts: tuple[str, ...]
    named: Bool[np.ndarray, " latents"]
    precision: Scores
    """Of the rows on which the latent fires, the share in the class set."""
    recall: Scores
    """Of the rows in the class set, the share on which the latent fires."""
    rule_precision: Scores
    """The same of the whole rule."""
    rule_recall: Scores
    detection: Scores
    """Balanced accuracy of the whole rule; NaN also for a latent that fires on every row."""
    class_detection: Scores
    """Balanced accuracy of the class set alone."""
    null: Scores
    """95% point of `detection` when the held-out rows that fire are chosen by chance."""
    p: Scores
    """How often chance would reach `detection`."""
    q: Scores
    """`p` after Benjamini and Hochberg (1995), over the latents of the depth."""


def explain(
    train: Labelled,
    held_out: Labelled,
    class_names: Sequence[str],
    words: Mapping[str, tuple[str, str]],
    generator: torch.Generator,
    noun: str = "image",
) -> Names:
    """Name every latent. Held-out rows score the rules and decide what is named; they choose nothing.

    `words` holds (low word, high word) for each attribute that rules may use; `noun` is what a rule for all classes
    speaks of ("any narrow image"); `generator` parts the training rows. Raises DataError when rows, latents, labels or
    columns do not fit together.
    """
    _check(train, held_out, len(class_names), words)
    used = list(words)
    ends = Ends.of(train.attributes[used], train.labels, len(class_names))
    confirming = np.zeros(len(train.labels), bool)
    order = torch.randperm(len(train.labels), generator=generator).numpy()
    confirming[order[: round(CONFIRM * len(order))]] = True
    counts = len(class_names) * len(combinations_of(len(ends.conditions)))
    rules: list[Rule | None] = []
    for some in np.array_split(np.arange(train.fires.shape[1]), -(-train.fires.shape[1] * counts // AT_ONCE) or 1):
        rules += choose(train.fires[:, some], train.labels, train.attributes[used], ends, confirming)
    # a latent without a rule gets one that is true of nothing, to keep the arrays whole
    nothing = Rule(())
    scored = _scores([rule or nothing for rule in rules], ends, held_out)
    by_class = _scores([Rule(rule.classes) if rule else nothing for rule in rules], ends, held_out)
    without = np.array([rule is None for rule in rules], bool)
    for scores in (scored, by_class):
        for values in scores.values():
            values[without] = np.nan
    q = benjamini_hochberg(scored["p"])
    named = (q <= SIGNIFICANT) & (scored["detection"] >= DETECTION) & (scored["recall"] >= COMMON)
    texts = []
    for latent, rule in enumerate(rules):
        if rule and named[latent]:
            texts.append(text(rule, class_names, words, noun, some=bool(scored["recall"][latent] < HALF)))
        else:
            texts.append(SILENT if rule is None and not held_out.fires[:, latent].any() else UNNAMED)
    return Names(
        tuple(rules), tuple(texts), named, by_class["precision"], by_class["recall"], scored["precision"],
        scored["recall"], scored["detection"], by_class["detection"], scored["null"], scored["p"], q,
    )  # fmt: skip


def _scores(rules: Sequence[Rule], ends: Ends, held_out: Labelled) -> dict[str, Scores]:
    """Precision, recall, detection, its null and p-value of each latent's rule; NaN where it never fires."""
    rows, latents = held_out.fires.shape
    distinct = {rule: ends.true_of(rule, held_out.attributes, held_out.labels) for rule in set(rules)}
    true = np.array([distinct[rule].sum() for rule in rules], np.float64)
    hits = np.array([(distinct[rule] & held_out.fires[:, i]).sum() for i, rule in enumerate(rules)], np.float64)
    fires = held_out.fires.sum(0).astype(np.float64)
    fires[fires == 0] = np.nan
    some = ~np.isnan(fires) & (fires < rows)
    luck, chance_hits = np.full(latents, np.nan), np.full(latents, np.nan)
    law = hypergeom(rows, true[some], fires[some])
    luck[some], chance_hits[some] = law.sf(hits[some] - 1), law.ppf(0.95)
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "precision": hits / fires,
            "recall": np.where(np.isnan(fires), np.nan, hits / true),
            "detection": detection(hits, true, fires, rows),
            "null": detection(chance_hits, true, fires, rows),
            "p": luck,
        }


def detection(hits: Scores, true: Scores, fires: Scores, rows: int) -> Scores:
    """Balanced accuracy of a rule true of `true` of the rows, `hits` of them among the `fires` that fire; NaN without
    both kinds of rows."""
    with np.errstate(invalid="ignore", divide="ignore"):
        silent = rows - fires
        return np.asarray(hits / fires + (silent - (true - hits)) / silent) / 2


def benjamini_hochberg(p: Float[np.ndarray, " tests"]) -> Float[np.ndarray, " tests"]:
    """False discovery rate at which each test is taken for real (Benjamini and Hochberg 1995); NaN stays NaN."""
    q = np.full(len(p), np.nan)
    known = ~np.isnan(p)
    if known.any():
        q[known] = false_discovery_control(p[known])
    return q


def _check(train: Labelled, held_out: Labelled, n_classes: int, words: Mapping[str, tuple[str, str]]) -> None:
    """Raise DataError on parts that do not fit together."""
    for split, part in (("train", train), ("held-out", held_out)):
        if part.fires.ndim != 2:
            raise DataError(f"{split} fires has shape {part.fires.shape}; expected (rows, latents)")
        rows = len(part.fires)
        if len(part.labels) != rows or len(part.attributes) != rows:
            raise DataError(
                f"{split}: {rows} rows fire or not, {len(part.labels)} have a label, {len(part.attributes)} attributes"
            )
        if rows and not 0 <= int(part.labels.min()) <= int(part.labels.max()) < n_classes:
            raise DataError(f"{split} labels are {part.labels.min()}..{part.labels.max()} for {n_classes} class names")
        if missing := [name for name in words if name not in part.attributes]:
            raise DataError(f"{split} attributes have no column {missing[0]!r}; they have {list(part.attributes)}")
    if train.fires.shape[1] != held_out.fires.shape[1]:
        raise DataError(f"{train.fires.shape[1]} latents in training, {held_out.fires.shape[1]} held out")
