"""For how long the nulls of a judgement are trained, and the word beside them.

A null that was trained too shortly is a weak floor: beside nulls of 300 steps an SAE that was trained on noise for
8,000 leads by a hundredth. So *structure* has to stand beside nulls that are trained anew, for twice as long, until
that makes them so little better that the lead would outlast all that is to come. That files say for how many steps the
SAE was trained is no reason to stop there: of how many rows each, they do not say.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from sae.bounds import mean_of
from sae.config import TrainConfig
from sae.interop import Loaded
from sae.judge_floors import Beside, l0_of, null_of
from sae.judged_rows import JudgedRows
from sae.judgement import Budget, Margin
from sae.rule import DECIDING, DICTIONARIES, FLOOR, STRUCTURE, TOWERS, TRAINED, UNDECIDED, Bound, Verdict
from sae.rule import judge as by_rule

QUICK_STEPS = 300
SETTLED, TO_COME = 5.0, 2.0
"""A lead of so many times what twice the steps brought outlasts more of them, if its lower bound is above so many times
that. Doublings bring less and less, but not
evenly: on Gaussian rows .011, .004, .004 and .006 were seen one after the other."""
DOUBLINGS = 5
"""So often at most; then it is undecided."""
# A tower on Gaussian rows is for depths of towers; of one SAE it is the Gaussian null.
WANTED = tuple(name for name in DECIDING if name not in TOWERS)


def budget_of(members: Sequence[tuple[str, Loaded]], given: JudgedRows, nulls: str, null_steps: int | None) -> Budget:
    """How long nulls are trained to begin with."""
    layer = members[0][1].layer
    stated = max((one.steps for _, one in members if one.steps), default=None)
    architecture, _, k = null_of(layer, l0_of(layer, given.held.rows))
    default = TrainConfig()
    steps = null_steps or (0 if nulls == "none" else QUICK_STEPS if nulls == "quick" else stated or default.steps)
    return Budget(
        nulls=nulls, steps=steps, batch=default.batch, architecture=architecture, k=k, stated=stated,
        asked=null_steps is not None, unseen=given.unseen,
    )  # fmt: skip


def settled(margins: Sequence[Margin], budget: Budget, gain: dict[str, float] | None) -> bool:
    """Whether longer training of the nulls is not asked for, or would not take the lead away. `gain`: what the last
    doubling brought to each; None before the first."""
    if budget.nulls == "none" or budget.asked or budget.doubled == DOUBLINGS:
        return True
    return gain is not None and not learning(margins, gain)


def learning(margins: Sequence[Margin], gain: dict[str, float]) -> list[str]:
    """The nulls whose last doubling brought more than a part of the lead over them."""
    leads = {margin.floor: margin for margin in margins}
    return [
        name for name, more in gain.items() if leads[name].mean < SETTLED * more or leads[name].low < TO_COME * more
    ]


def gained(before: Sequence[Beside], after: Sequence[Beside], last: dict[str, float] | None = None) -> dict[str, float]:
    """By how much each trained floor rose, mean over the SAEs of a group; at least half of what it rose the `last`
    time, since one small step may be luck."""
    names = [name for name in TRAINED if all(name in beside.seed.floors for beside in (*before, *after))]
    rose = {
        name: mean_of([b.seed.floors[name] - a.seed.floors[name] for a, b in zip(before, after, strict=True)])
        for name in names
    }
    return {name: max(more, (last or {}).get(name, more) / 2) for name, more in rose.items()}


def word_of(found: Sequence[Beside], bound: Bound | None, budget: Budget) -> Verdict:
    """The rule's word. Without trained nulls one floor that is not beaten is enough for `floor`, and beating the
    others is not enough for `structure`."""
    seeds = [beside.seed for beside in found]
    verdict = by_rule(seeds, wanted=WANTED, bound=bound)
    if budget.nulls == "none" and verdict.word is None:
        verdict = by_rule(seeds, wanted=DICTIONARIES, bound=bound)
        if verdict.word == STRUCTURE:
            why = f"Not decided, for want of nulls: {', '.join(n for n in TRAINED if n in WANTED)}. {verdict.why}"
            return dataclasses.replace(verdict, word=None, why=why)
    if verdict.word in (STRUCTURE, FLOOR, UNDECIDED):
        return dataclasses.replace(verdict, why=f"{verdict.why} {budget.said}")
    return verdict


def in_the_end(verdict: Verdict, margins: Sequence[Margin], budget: Budget, gain: dict[str, float]) -> Verdict:
    """*Structure*, after the last doubling; *undecided* where the nulls are still learning."""
    most = max(gain, key=lambda name: gain[name])
    brought = f"trained for {budget.steps} steps in place of {budget.before} nulls gain {gain[most]:.4f} at most"
    if not learning(margins, gain):
        return dataclasses.replace(verdict, why=f"{verdict.why} The lead is not for want of training: {brought}.")
    why = (
        f"Not decided: {brought}, and the lead is not surely larger by far, so that nulls may only have been "
        f"trained for too short a time (`--null-steps`). {verdict.why}"
    )
    return dataclasses.replace(verdict, word=UNDECIDED, why=why)
