"""An honest word on SAEs that were trained anywhere: the printed rule, beside every floor that can be had from rows.

    judge(rows, ["their/sae"]).verdict.word    structure, floor, copy, collapse, undecided, or None: for want of nulls

SAEs of one shape count as seeds of one training where the caller says so, or their files and weights do, and the
rule's bound is over them; that takes three. For fewer the interval is over held-out rows drawn again, which says how
much the rows decide and nothing about another training. What was not tested, and why, is part of the result.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from torch import Tensor

from sae.ambient import reading
from sae.callable_module import callable_module
from sae.errors import ConfigError, InputError
from sae.interop import Loaded, loaded
from sae.interop.openai import standardise
from sae.judge_floors import judged_sae, with_nulls
from sae.judge_groups import Grouped, grouped, same
from sae.judge_intervals import intervals
from sae.judge_nulls import budget_of, gained, in_the_end, learning, settled, word_of
from sae.judged_rows import JudgedRows, Part, judged_rows
from sae.judgement import Group, Judgement, Untested
from sae.layer import Layer
from sae.rule import FLOOR, STRUCTURE, THRESHOLDS, UNDECIDED
from sae.seeding import derived
from sae.values import choice, flag, says_itself, whole

NULLS = ("none", "quick", "full")

IF_UNSEEN = (
    "By rows that the nulls never saw, it would be structure beside these nulls: if you know that the SAEs never saw "
    "these rows, say so (`unseen`), and only those count."
)

AnySae = Layer | Loaded | str | os.PathLike[str]


@says_itself
def judge(
    rows: Tensor | np.ndarray,
    saes: AnySae | Sequence[AnySae],
    *,
    held_out: Tensor | np.ndarray | None = None,
    labels: Any = None,
    held_out_labels: Any = None,
    unseen: bool = False,
    seeds: bool | None = None,
    random_rows: Tensor | np.ndarray | None = None,
    nulls: str = "quick",
    null_steps: int | None = None,
    trained_on: int | None = None,
    seed: int = 0,
    most_rows: int = 20_000,
    numbers: Sequence[int] | None = None,
    total: int | None = None,
    observe: Callable[[str], None] = lambda line: None,
) -> Judgement:
    """Judge one SAE or several on rows (n, d), each a `Layer`, a folder or a file.

    `held_out`: rows that the SAEs never saw; None: a fifth of `rows`, drawn at random, which they may have seen.
    `unseen`: they saw none of `rows`, as when those are of new texts. `seeds`: SAEs of one architecture and size are
    trainings on the same rows (False: none are; None: those whose files name the same rows, or whose inputs are centred
    and scaled alike; the result says which and why). `labels`: a whole number a row, of any size
    (`held_out_labels` beside `held_out`). `random_rows`: the same examples
    in a randomly initialised host. `nulls`: train SAEs on rows without structure, `quick` for 300 steps, `full` for as
    many as the SAE's own files state, or 1,500, and for twice as many again and again where the word would be structure
    and they still learn; `null_steps` says it outright. `trained_on`: how many rows the SAE was
    trained on, for the memorising bound. `most_rows` are used at most, drawn at random; `numbers` and `total` say
    which of how many rows these are. `observe` hears what is being done.

    Raises InputError for rows, labels or SAEs that do not fit together, NumericError for rows that are not finite,
    CheckpointError for files that are no SAE, ConfigError for settings.
    """
    choice("nulls", nulls, NULLS)
    if null_steps is not None:
        null_steps = whole("null_steps", null_steps, 1)
        if nulls == "none":
            raise ConfigError(f"null_steps = {null_steps} with nulls = 'none': must be left out")
    trained_on = None if trained_on is None else whole("trained_on", trained_on, 1)
    seed, unseen = whole("seed", seed, None), flag("unseen", unseen)
    seeds = None if seeds is None else flag("seeds", seeds)
    given = _saes(saes)
    prepared = judged_rows(
        rows,
        held_out,
        labels,
        held_out_labels,
        random_rows,
        most=most_rows,
        seed=seed,
        numbers=numbers,
        total=total,
        unseen=unseen,
    )
    for name, sae in given:
        if sae.layer.sae.d_in != prepared.used.width:
            raise InputError(
                f"{name} reads rows of width {sae.layer.sae.d_in}, the rows have width {prepared.used.width}: they are "
                "another layer's, or another model's"
            )
    for (name, one), (other, another) in combinations(given, 2):
        if same(one, another, prepared.held.rows):
            raise InputError(
                f"{name} and {other} are the same SAE, with the same directions and reconstructions: seeds are "
                "different trainings; give it once"
            )
    together, apart = grouped(given, seeds)
    groups = tuple(_group(one, prepared, nulls, null_steps, trained_on, seed, observe) for one in together)
    rounded = [f"{name}: {said}." for name, sae in given if (said := getattr(sae.layer, "rounded", ""))]
    notes = (*_notes(prepared, groups), *rounded, *apart)
    return Judgement(
        rows=prepared.used, groups=groups, notes=notes, seed=seed,
        untested=_untested(prepared, groups, nulls, trained_on, random_rows is not None),
    )  # fmt: skip


def _saes(saes: Any) -> list[tuple[str, Loaded]]:
    """Every SAE with a name of its own. Raises InputError for none, and for what is no SAE."""
    several = list(saes) if isinstance(saes, list | tuple) else [saes]
    if not several:
        raise InputError("no SAE was given, expected one or more")
    found: list[tuple[str, Loaded]] = []
    for number, sae in enumerate(several, 1):
        if isinstance(sae, Layer):
            name, one = f"SAE {number}", Loaded(sae, None, "layer", None)
        elif isinstance(sae, Loaded):
            name, one = str(sae.path or f"SAE {number}"), sae
        elif isinstance(sae, str | os.PathLike):
            name, one = str(sae), loaded(sae)
        else:
            raise InputError(f"SAE {number} is of type {type(sae).__name__}, expected a Layer or a path")
        found.append((name, one))
    return found


def _group(
    together: Grouped,
    given: JudgedRows,
    nulls: str,
    null_steps: int | None,
    trained_on: int | None,
    seed: int,
    observe: Callable[[str], None],
) -> Group:
    members = together.members
    standardised = members[0][1].standardised
    with reading():
        rows = _standardised(given) if standardised else given
        budget = budget_of(members, rows, nulls, null_steps)
    draws = [derived(seed, "sae", number) for number in range(len(members))]
    found = [
        judged_sae(one.layer, name, one.format, one.steps, rows, budget, trained_on, draw, observe)
        for (name, one), draw in zip(members, draws, strict=True)
    ]
    margins, bound, words = intervals(found, seed)
    verdict = word_of(found, bound, budget)
    gain = None
    while verdict.word == STRUCTURE and not settled(margins, budget, gain):
        # it may be for want of training that the nulls are below
        before, budget = found, budget.twice()
        found = [
            with_nulls(beside, one.layer, rows, budget, draw, observe)
            for beside, (_, one), draw in zip(before, members, draws, strict=True)
        ]
        gain = gained(before, found, gain)
        margins, bound, words = intervals(found, seed)
        verdict = word_of(found, bound, budget)
    if verdict.word == STRUCTURE and gain is not None:
        verdict = in_the_end(verdict, margins, budget, gain)
    learns = gain is not None and bool(learning(margins, gain))
    if verdict.word in (FLOOR, UNDECIDED) and not given.unseen and not learns:
        # a null's training rows may be what it cannot beat: fair to an SAE that saw these rows, and to no other
        other = [beside.as_unseen() for beside in found]
        if word_of(other, intervals(other, seed)[1], budget).word == STRUCTURE:
            verdict = dataclasses.replace(verdict, why=f"{verdict.why} {IF_UNSEEN}")
    return Group(
        saes=tuple(beside.sae for beside in found), verdict=verdict, margins=margins, interval=words, budget=budget,
        standardised=standardised, seeds_why=together.why,
    )  # fmt: skip


def _standardised(given: JudgedRows) -> JudgedRows:
    def part(some: Part) -> Part:
        random = None if some.random is None else standardise(some.random).rows
        return dataclasses.replace(some, rows=standardise(some.rows).rows, random=random)

    return dataclasses.replace(given, fit=part(given.fit), held=part(given.held))


def _notes(given: JudgedRows, groups: tuple[Group, ...]) -> tuple[str, ...]:
    """What a reader has to know first."""
    notes = [given.used.said]
    if given.leaked:
        notes.append(
            f"{given.leaked:.1%} of the held-out rows stand among the others, exactly or nearly: an SAE that was "
            "trained on those has seen them."
        )
    if given.used.outliers:
        notes.append(
            f"{given.used.outliers} rows more than ten times as long as the median row were left out: attention sinks "
            "and their like would be all that variance explained is about."
        )
    for group in groups:
        if group.standardised:
            notes.append(f"{group.saes[0].name}: rows were standardised one by one, as this SAE reads them.")
        for sae in group.saes:
            if sae.number("variance_explained") < 0:
                notes.append(
                    f"{sae.name} does worse than the mean row on these rows: they are perhaps not what it was trained "
                    "on (another layer, another scale, layer norm folded in or not)."
                )
    return tuple(notes)


def _untested(
    given: JudgedRows, groups: tuple[Group, ...], nulls: str, trained_on: int | None, random: bool
) -> tuple[Untested, ...]:
    """What this judgement does not say, and why."""
    found = [
        Untested("what the host loses when reconstructions are put in its place", "rows are given, not the host"),
        Untested("what latents mean", "the strongest rows are shown; naming them is a reader's work"),
        Untested("the floor of a tower on noise", "these SAEs stand on no other; the Gaussian null is that floor"),
    ]
    if nulls == "none":
        found.append(Untested("trained nulls and a frozen decoder", "nulls = none"))
    if trained_on is None:
        found.append(Untested("the memorising bound", "how many rows the SAEs were trained on is not known"))
    if not given.used.classes:
        found.append(Untested("class selectivity", "there are no labels"))
    elif len(given.used.classes) < 2:
        found.append(Untested("class selectivity", "there is only one class"))
    if not random:
        found.append(Untested("a randomly initialised host", "there are no rows of one"))
    elif nulls == "none":
        found.append(Untested("an SAE trained on the random host", "nulls = none"))
    for group in groups:
        if len(group.saes) < THRESHOLDS.seeds:
            said = f"{len(group.saes)} given as seeds of one training: {group.saes[0].name}"
            found.append(Untested("another training of the same SAE", said))
        sae = group.saes[0]
        if sae.number("l0", split="train") * given.used.fit < 10 * sae.n_latents and sae.number("l0") > 0:
            found.append(
                Untested(f"collapse of {sae.name} by its dead latents", "too few rows for so many latents to fire")
            )
    return tuple(found)


callable_module(__name__)
