"""What the top-k paper and the journal of somebody who reproduced it led us to expect, beside what happened here.

The rule, fixed before the runs that it judges: a difference counts where it is larger than the range over the three
seeds of the smallest SAE, or, beside a control, where all seeds lie beyond it. Otherwise the word is `undecided`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from itertools import pairwise

import numpy as np
import pandas as pd

from analysis.figures.drawing import Drawing
from analysis.figures.html_table import framed
from analysis.results.tables import Results
from sae.errors import DataError

EXPERIMENTS = ("language", "union")
NEEDS = "delta_loss"
KIND = "latents"
SEEDED = "1k"
"""The variant of three seeds: how far numbers lie apart by luck."""
SIZES = ("1k", "4k", "16k")
ACTIVE = ("1k, k = 16", "1k", "1k, k = 64")
PASSES = ("1k, one pass", "1k, three passes", "1k")
OTHERS = ("1k, ReLU and L1", "1k, gated", "1k, JumpReLU")
OFF = 0.1
"""How far an SAE's L0 may be off and still count as the same, as a share."""
YES, NO, UNDECIDED = "so here, too", "not here", "undecided"
PAPER = "Gao et al. 2024, arXiv 2406.04093"
JOURNAL = "mission-sae, github.com/lukaemon/mission-sae: top-k SAEs on GPT-2 small, trained by one person"


@dataclass(frozen=True)
class Outcome:
    """What happened here, in words with numbers, and whether it is what was expected."""

    said: str
    word: str


@dataclass(frozen=True)
class Expectation:
    """What somebody found before."""

    said: str
    source: str
    here: Callable[[Results, Results], Outcome | None]
    """Of the large model and of Union; None where the tables hold nothing of it."""


def values(results: Results, variant: str, measure: str, control: str = "none") -> list[float]:
    """Held-out numbers of a variant, one a seed."""
    if variant not in results.variants:
        return []
    seen = results.of(variant)
    found = seen.numbers(measure, KIND, 1, control=control) if measure in seen.measured else np.empty(0)
    return [float(value) for value in found if np.isfinite(value)]


def falls(measure: str, order: tuple[str, ...]) -> Callable[[Results, Results], Outcome | None]:
    """Whether a measure falls along variants, each step by more than seeds lie apart."""

    def here(large: Results, small: Results) -> Outcome | None:
        means = [float(np.mean(found)) for name in order if (found := values(large, name, measure))]
        if len(means) < len(order):
            return None
        luck = spread(large, measure)
        steps = [before - after for before, after in pairwise(means)]
        word = YES if min(steps) > luck else NO if max(steps) < -luck else UNDECIDED
        if word == UNDECIDED and means[0] - means[-1] > luck and min(steps) >= -luck:
            said = " (the ends are apart, a step between is not)"
        else:
            said = ""
        return Outcome(", ".join(f"{mean:.3f}" for mean in means) + said, word)

    return here


def same(measure: str, pair: tuple[str, ...]) -> Callable[[Results, Results], Outcome | None]:
    """Whether a measure does not fall from one variant to another, by more than seeds lie apart."""

    def here(large: Results, small: Results) -> Outcome | None:
        means = [float(np.mean(found)) for name in pair if (found := values(large, name, measure))]
        if len(means) < len(pair):
            return None
        word = NO if means[0] - means[-1] > spread(large, measure) else YES
        return Outcome(f"{means[0]:.3f} with {pair[0]}, {means[-1]:.3f} with {pair[-1]}", word)

    return here


def best_of(measure: str, first: str, others: tuple[str, ...]) -> Callable[[Results, Results], Outcome | None]:
    """Whether a measure is least for one variant, by more than seeds lie apart, among those of the same L0."""

    def here(large: Results, small: Results) -> Outcome | None:
        found = {name: float(np.mean(some)) for name in (first, *others) if (some := values(large, name, measure))}
        if first not in found or len(found) < 2:
            return None
        luck = spread(large, measure)
        active = {name: float(np.mean(some)) for name in found if (some := values(large, name, "l0"))}
        off = [name for name in found if abs(active.get(name, np.nan) / active.get(first, np.nan) - 1) > OFF]
        leads = [value - found[first] for name, value in found.items() if name != first and name not in off]
        if not leads:
            return None
        word = YES if min(leads) > luck else NO if min(leads) < -luck else UNDECIDED
        told = ", ".join(
            f"{name.removeprefix('1k, ')} {value:.3f}" + (f" (left out: L0 {active[name]:.0f})" if name in off else "")
            for name, value in found.items()
            if name != first
        )
        return Outcome(f"TopK {found[first]:.3f}; {told}", word)

    return here


def beside(
    measure: str, control: str, called: str, *, more: bool, of: str
) -> Callable[[Results, Results], Outcome | None]:
    """Whether all seeds lie beyond a control, on the large model or on Union."""

    def here(large: Results, small: Results) -> Outcome | None:
        results = large if of == "large" else small
        own, rival = (values(results, SEEDED, measure, name) for name in ("none", control))
        if not own or not rival:
            return None
        sign = 1 if more else -1
        ahead = min(sign * value for value in own) > max(sign * value for value in rival)
        behind = max(sign * value for value in own) < min(sign * value for value in rival)
        word = YES if ahead else NO if behind else UNDECIDED
        where = "" if of == "large" else " (Union)"
        return Outcome(f"{np.mean(own):.3f} against {np.mean(rival):.3f} {called}{where}", word)

    return here


def together(large: Results, small: Results) -> Outcome | None:
    """Whether SAEs of less error cost less: the rank correlation over all of them."""
    pairs = [
        (float(np.mean(error)), float(np.mean(cost)))
        for name in large.variants
        if (cost := values(large, name, NEEDS)) and (error := values(large, name, "normalised_mse"))
    ]
    if len(pairs) < 4:
        return None
    ranks = pd.DataFrame(pairs).rank()
    found = float(ranks[0].corr(ranks[1]))
    word = YES if found > 0.8 else NO if found < 0.2 else UNDECIDED
    return Outcome(f"rank correlation {found:.2f} over {len(pairs)} SAEs", word)


def level(large: Results, small: Results) -> Outcome | None:
    """Which of the two published costs ours is like; of other models and texts, so only roughly."""
    found = values(large, SIZES[-1], NEEDS)
    if not found:
        return None
    cost = float(np.mean(found))
    word = YES if cost > 0.4 else NO if cost < 0.2 else UNDECIDED
    return Outcome(f"{cost:.2f} with {SIZES[-1]} latents", word)


def spread(large: Results, measure: str) -> float:
    """The range over the seeds of the smallest SAE."""
    found = values(large, SEEDED, measure)
    return max(found) - min(found) if found else 0.0


EXPECTATIONS = (
    Expectation("More latents: a smaller cost.", PAPER, falls(NEEDS, SIZES)),
    Expectation("Four times as many latents: no smaller cost (.60 and .60).", JOURNAL, same(NEEDS, SIZES[-2:])),
    Expectation("An SAE that one person trained costs .60 nats, OpenAI's .08 to .13.", JOURNAL, level),
    Expectation("More latents on: a smaller cost.", PAPER, falls(NEEDS, ACTIVE)),
    Expectation("Longer training: a smaller cost.", PAPER, falls(NEEDS, PASSES)),
    Expectation("At the same L0 TopK has less error than others.", PAPER, best_of("normalised_mse", SEEDED, OTHERS)),
    Expectation("Less error: a smaller cost.", JOURNAL, together),
    Expectation("One latent tells what people know of a token.", PAPER,
                beside("probe_loss", "neurons", "for neurons", more=False, of="large")),
    Expectation("Patterns with context foretell when a latent fires.", PAPER,
                beside("pattern_f1", "single_tokens", "for tokens alone", more=True, of="small")),
    Expectation("Taking a latent away moves few logits.", PAPER,
                beside("ablation_sparsity", "random_direction", "for a random direction", more=False, of="small")),
)  # fmt: skip


def language_expected(large: Results, small: Results) -> Drawing:
    """A row an expectation of which the tables hold anything."""
    found = [(one, outcome) for one in EXPECTATIONS if (outcome := one.here(large, small)) is not None]
    if not found:
        raise DataError(f"{large.experiment} and {small.experiment} hold nothing of what was expected")
    counts = {word: sum(outcome.word == word for _, outcome in found) for word in (YES, NO, UNDECIDED)}
    title = f"Of {len(found)} expectations {counts[YES]} held, {counts[NO]} did not, {counts[UNDECIDED]} are undecided"
    body = [
        f'<tr><th scope="row"><span class="sourced" data-source="{escape(one.source)}">{escape(one.said)}</span></th>'
        f'<td>{escape(_who(one.source))}</td><td class="text">{escape(outcome.said)}</td>'
        f"<td><b>{outcome.word}</b></td></tr>"
        for one, outcome in found
    ]
    return Drawing(
        kind="tbl",
        title=title,
        caption=(
            "What the paper on top-k SAEs reports, and what a journal of one person who reproduced it on GPT-2 small "
            "wrote down, beside the same here. *Cost* is Δ loss, nats a token. A difference counts where it is larger "
            "than the range over three seeds of the smallest SAE, or where all seeds lie beyond a control; the other "
            "sizes have one seed each. Their models, texts and sizes are others."
        ),
        alt=f"Table of {len(found)} expectations with what happened. {title}.",
        data=pd.DataFrame(
            [(one.said, one.source, outcome.said, outcome.word) for one, outcome in found],
            columns=["expected", "source", "here", "word"],
        ),
        html=framed(
            "Expected, and what happened", ["expected", "by", "here", "outcome"], body, "compared", "texts-table"
        ),
    )


def _who(source: str) -> str:
    return "the paper" if source == PAPER else "the journal"
