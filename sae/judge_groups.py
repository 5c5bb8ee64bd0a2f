"""Which SAEs count as seeds of one training: as the caller says, or as their files and weights do; nothing else. And
which are no two, but one.

The rule's bound is over seeds. SAEs of one shape that were trained on other rows are no seeds: their spread is that of
the data, and a word over them would be about nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

from jaxtyping import Float
from torch import Tensor

from sae.interop import Loaded
from sae.interop.openai import standardise
from sae.layer import Layer

SAID = "the caller says that they are trainings on the same rows"
HOW = "say `seeds = True` (`--seeds`) if they are trainings on the same rows"

# Directions of one SAE in two files differ by rounding, be it to 16 bits; those of two trainings by much more.
SAME = 4e-3
# So do its reconstructions, but on rows where rounding changes which latents are active; one with another threshold,
# activation or k gives other rows back. So many rows are looked at.
SAME_ROWS, SAME_BACK, LOOKED_AT = 0.9, 4e-3, 512


@dataclass(frozen=True)
class Grouped:
    """SAEs that are judged together, each with its name."""

    members: list[tuple[str, Loaded]]
    why: str
    """Why they count as seeds; of one alone empty."""


def grouped(saes: list[tuple[str, Loaded]], seeds: bool | None) -> tuple[list[Grouped], list[str]]:
    """The groups, in the order given, and what is to be said of SAEs of one shape that are judged apart.

    `seeds`: True, those of one shape are; False, none are; None, those that say so themselves.
    """
    groups: list[Grouped] = []
    for name, one in saes:
        for place, group in enumerate(groups):
            first = group.members[0][1]
            why = SAID if seeds else "" if seeds is False else evidence(first, one)
            if shape(first) == shape(one) and why:
                groups[place] = Grouped([*group.members, (name, one)], why)
                break
        else:
            groups.append(Grouped([(name, one)], ""))
    apart = [
        f"{a.members[0][0]} and {b.members[0][0]} have one shape and are judged each on its own: "
        + ("as the caller says." if seeds is False else f"{against(a.members[0][1], b.members[0][1])}; {HOW}.")
        for a, b in combinations(groups, 2)
        if shape(a.members[0][1]) == shape(b.members[0][1])
    ]
    return groups, apart


def shape(one: Loaded) -> tuple[object, ...]:
    """Architecture and size; without k where that is only aimed at."""
    sae = one.layer.sae
    k = sae.k if sae.k_is_met != "as a target" else None
    return one.layer.architecture, sae.d_in, sae.n_latents, k, one.standardised


def same(one: Loaded, other: Loaded, rows: Float[Tensor, "rows d_in"]) -> bool:
    """Whether two are one SAE, be it in two formats: the same directions, and the same reconstructions of the rows."""
    a, b = one.layer.sae.directions(), other.layer.sae.directions()
    if one.standardised != other.standardised or a.shape != b.shape or float((a - b).abs().max()) >= SAME:
        return False
    read = rows[:LOOKED_AT].float()
    read = standardise(read).rows if one.standardised else read
    x, y = (some.layer.decode(some.layer.encode(read)).double() for some in (one, other))
    size = (x - x.mean(0)).pow(2).sum(1).mean().sqrt()
    return float(((x - y).norm(dim=1) <= SAME_BACK * size).double().mean()) >= SAME_ROWS


def evidence(one: Loaded, other: Loaded) -> str:
    """What says that two SAEs were trained on the same rows, for as long; empty where nothing does."""
    if _different(one, other):
        return ""
    if one.origin and other.origin:
        told = ", ".join(f"{key} {value}" for key, value in one.origin.items())
        return f"their files name the same rows ({told})"
    if _fitted(one.layer) and _alike(one.layer, other.layer):
        return "their inputs are centred and scaled alike, as by the same rows"
    return ""


def against(one: Loaded, other: Loaded) -> str:
    """Why two SAEs of one shape do not count as seeds."""
    return _different(one, other) or "nothing says that they were trained on the same rows"


def _different(one: Loaded, other: Loaded) -> str:
    """What says that they are no seeds of one training."""
    for key in one.origin if one.origin and other.origin else ():
        if other.origin.get(key) != one.origin[key]:
            return f"their files name other rows ({key} {one.origin[key]}, {other.origin.get(key, 'not given')})"
    if one.steps and other.steps and one.steps != other.steps:
        return f"they were trained for {one.steps} and {other.steps} steps"
    same_files = one.origin and other.origin
    if _fitted(one.layer) and _fitted(other.layer) and not _alike(one.layer, other.layer) and not same_files:
        return "their inputs are centred and scaled in other ways, as by other rows"
    return ""


def _fitted(layer: Layer) -> bool:
    """Whether an SAE's normaliser comes from rows; without one, mean and scale say nothing of them."""
    return bool(layer.normaliser.mean.abs().max() > 0) or layer.normaliser.scale != 1.0


def _alike(one: Layer, other: Layer) -> bool:
    a, b = one.normaliser, other.normaliser
    return bool((a.mean == b.mean).all()) and math.isclose(a.scale, b.scale)
