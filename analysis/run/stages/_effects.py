"""What ablating and steering latents does, as rows of the tables: for each latent and for a depth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from scipy.stats import norm
from torch.nn.functional import normalize

from analysis.run.interpret.causes import (
    Decoded,
    Effect,
    Readout,
    ablation,
    attribution,
    focus,
    steering,
    strong_activations,
)
from analysis.run.interpret.explain import Names
from analysis.run.stages._looks import Level, Rows

# Steering is the same change on every row, so fewer rows tell its mean.
STEERED_ROWS = 400
# A change of every class probability below this is no effect, however certain its sign.
EFFECT = 0.01
# Below so many rows a normal interval says little.
ENOUGH = 10
# Half intervals are of 95%, this many standard errors.
HALF = 1.96
# The chance, one-sided, that any class of a latent falls by luck: shared among all classes, among ten at least.
LUCK, FEW = 0.05, 10


def changes(level: Level, readout: Readout) -> tuple[Effect, Effect, Decoded]:
    """What ablating and what steering each latent does to class probabilities."""
    given = Decoded(level.codes["held_out"], level.directions, level.offset, readout)
    few = replace(given, codes=given.codes[:: max(1, len(given.codes) // STEERED_ROWS)])
    return ablation(given), steering(few, strong_activations(given.codes)), given


def record_focus(rows: Rows, level: Level, removed: Effect, steered: Effect, own: torch.Tensor) -> None:
    """How strong and how clean effects are, on the class that each latent prefers in training images."""
    for name, found in (("ablation", focus(removed, own, -1)), ("steering", focus(steered, own, 1))):
        rows.value(level, f"{name}_effect", found.effect, found.latents)
        rows.value(level, f"{name}_focus", found.focus, found.latents)


def effects(
    rows: Rows, level: Level, readout: Readout, called: Names, own: torch.Tensor, draw: torch.Generator
) -> None:
    """What ablating and steering each latent does to class probabilities, and whether that fits its name."""
    removed, steered, given = changes(level, readout)
    attributed = attribution(given)
    record_focus(rows, level, removed, steered, own)
    columns: dict[str, torch.Tensor] = {}
    for name, values in (
        ("ablation", removed.mean), ("ablation_half", removed.half), ("steering", steered.mean),
        ("steering_half", steered.half), ("attribution", attributed.mean),
    ):  # fmt: skip
        columns |= {f"{name}_{c}": values[:, c] for c in range(values.shape[1])}
    lowered = lowered_class(removed)
    columns["effect_class"] = torch.where(lowered >= 0, lowered.float(), torch.nan)
    classes = [rule.classes if rule and named else () for rule, named in zip(called.rules, called.named, strict=True)]
    disagrees = disagreeing(removed, lowered, classes)
    columns["disagrees"] = torch.where(lowered >= 0, disagrees.float(), torch.nan)
    rows.values(level, columns)
    rows.value(level, "attribution_rank", attributed.rank_correlation, attributed.pairs)
    rows.value(level, "acting_share", float((lowered >= 0).float().mean()), len(lowered))
    acting = ((lowered >= 0) & torch.tensor([bool(own_classes) for own_classes in classes])).nonzero().flatten()
    rows.value(level, "disagree_share", share_of(disagrees, acting), len(acting))
    if rows.control == "none":
        # floors: the same states moved as far in another direction; the same effects under names of others
        anywhere = normalize(torch.randn(given.directions.shape, generator=draw), dim=1)
        along = anywhere * given.directions.norm(dim=1, keepdim=True)
        moved = lowered_class(ablation(replace(given, along=along)))
        rows.value(level, "acting_share", float((moved >= 0).float().mean()), len(moved), "random_direction")
        swapped = list(classes)
        for place, other in zip(acting.tolist(), acting[torch.randperm(len(acting), generator=draw)], strict=True):
            swapped[place] = classes[int(other)]
        wrong = share_of(disagreeing(removed, lowered, swapped), acting)
        rows.value(level, "disagree_share", wrong, len(acting), "permuted_labels")


def lowered_class(removed: Effect) -> torch.Tensor:
    """The class whose probability falls most when a latent is ablated; -1 where no fall is certain and 1% or more."""
    certain = (removed.mean + one_of(removed.mean.shape[1]) * removed.half < 0) & (removed.mean <= -EFFECT)
    certain &= (removed.rows >= ENOUGH)[:, None]
    falls = torch.where(certain, removed.mean, torch.inf)
    return torch.where(certain.any(1), falls.argmin(1), -1)


def one_of(classes: int) -> float:
    """By how much a half interval of 95% must grow, so that one of so many classes that falls by luck does not count:
    of ten, and of fewer, to 99.5%, one-sided."""
    return round(float(norm.isf(LUCK / max(classes, FEW))), 3) / HALF


def disagreeing(removed: Effect, lowered: torch.Tensor, classes: list[tuple[int, ...]]) -> torch.Tensor:
    """Whether ablation lowers a class outside the name, and surely more than any class inside."""
    return torch.tensor(
        [against(removed, latent, int(c), classes[latent]) for latent, c in enumerate(lowered)], dtype=torch.bool
    )


def against(removed: Effect, latent: int, lowered: int, named: tuple[int, ...]) -> bool:
    """See `disagreeing`. Changes of two classes are measured on the same rows and tend to be opposite: the interval of
    their difference is at most the sum of both."""
    if lowered < 0 or not named or lowered in named:
        return False
    mean, half = removed.mean[latent], removed.half[latent]
    return all(float(mean[c] - mean[lowered]) > float(half[c] + half[lowered]) for c in named)


def share_of(mask: torch.Tensor, among: torch.Tensor) -> float:
    """Share of `among` for which the mask is true; NaN of none."""
    return float(mask[among].float().mean()) if len(among) else float(np.nan)
