"""Whether latents stand for what they should: whether one that tells a first letter is silent where a word's own latent
speaks (absorption), and whether a few latents carry one kind of word and leave the others alone (targeted probe
perturbation). Both of SAEBench, with what makes a number mean something beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from analysis.run.datasets._dataset import Text
from analysis.run.language.probing import among
from analysis.run.language.scores import Line
from analysis.run.text.kinds import sort_tokens
from analysis.run.text.reading import Labels, Reading
from sae.evaluations.absorption import absorption
from sae.evaluations.targeted_perturbation import targeted_perturbation
from sae.records import Codes

# Rows of a sort, on either side: with fewer it is left out.
FEWEST = 20
# Latents that are taken away for each kind of word.
TAKEN = 5


@dataclass(frozen=True)
class Sample:
    """Rows of several sorts on one side."""

    at: Int[Tensor, " rows"]
    """Where they stand among the rows that were kept."""
    sorts: Int[Tensor, " rows"]


@dataclass(frozen=True)
class Coder:
    """How rows become codes, and what an activation of 1 adds to a row, in the rows' units."""

    encode: Callable[[Float[Tensor, "rows width"]], Codes]
    directions: Float[Tensor, "n_latents width"]


def samples(
    text: Text, held_out: NDArray[np.bool_], kept: Mapping[str, NDArray[np.int64]], sort: Callable[[Reading], Labels],
    each: int, draw: np.random.Generator,
) -> dict[str, Sample]:  # fmt: skip
    """Rows of each sort that has at least `FEWEST` of them on both sides: at most `each` of a sort for training, half
    as many held out. `held_out` marks contexts; `kept` are the ids of the rows that were kept of each split, ascending.
    """
    there: dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]] = {}
    for split, ids in kept.items():
        found = sort_tokens(text.stretches(held_out == (split == "held_out")), sort)
        at, among_kept = among(ids, found.rows)
        there[split] = at, found.sorts[among_kept]
    counts = [dict(zip(*np.unique(sorts, return_counts=True), strict=True)) for _, sorts in there.values()]
    enough = sorted(set.intersection(*({name for name, n in count.items() if n >= FEWEST} for count in counts)))
    drawn = {}
    for split, (at, sorts) in there.items():
        most = each if split == "train" else each // 2
        sides = [np.flatnonzero(sorts == name) for name in enough]
        chosen = [draw.choice(side, min(most, len(side)), replace=False) for side in sides]
        some = np.sort(np.concatenate([np.zeros(0, np.int64), *chosen]))
        drawn[split] = Sample(torch.from_numpy(at[some]), torch.from_numpy(sorts[some]))
    return drawn


def absorbed(drawn: Mapping[str, Sample], rows: Mapping[str, Tensor], coder: Coder, seed: int) -> Iterator[Line]:
    """(control, measure, value, n): the share of a letter's rows that another latent has taken over, and of those on
    which the letter's own latents are silent for whatever reason; under `random_direction` what the same count gives
    for a direction that stands for nothing. Nothing where no probe tells any letter, or no letter has rows enough."""
    train, held = drawn["train"], drawn["held_out"]
    own, beside = _rows(train, rows["train"]), _rows(held, rows["held_out"])
    if len(set(train.sorts.tolist())) < 2:
        return
    found = absorption(
        own, coder.encode(own), train.sorts, beside, coder.encode(beside), held.sorts, coder.directions, seed=seed
    )
    told = sum(letter.told for letter in found.letters)
    if found.rate is None or found.silent_rate is None or found.chance_rate is None:
        return
    yield "", "absorption", found.rate, told
    yield "", "absorption_silent", found.silent_rate, told
    yield "random_direction", "absorption", found.chance_rate, told


def perturbed(
    drawn: Mapping[str, Sample], rows: Mapping[str, Tensor], coders: Mapping[str, Coder], seed: int
) -> Iterator[Line]:
    """(control, measure, value, n): how far taking away `TAKEN` latents of a kind of word harms the probe of that kind
    more than those of the others, mean over kinds. `coders` has the SAE under "", then controls; `random_latents` are
    as many of the SAE's own that fire on the kind's rows. Nothing where there are fewer than two kinds."""
    train, held = drawn["train"], drawn["held_out"]
    own, beside = _rows(train, rows["train"]), _rows(held, rows["held_out"])
    kinds = len(set(train.sorts.tolist()))
    if kinds < 2:
        return
    for control, coder in coders.items():
        found = targeted_perturbation(
            own, coder.encode(own), train.sorts, beside, coder.encode(beside), held.sorts, coder.directions,
            ks=(TAKEN,), seed=seed,
        )  # fmt: skip
        yield control, "targeted_perturbation", found.by_k[TAKEN].score, kinds
        if not control:
            yield "random_latents", "targeted_perturbation", found.random[TAKEN].score, kinds


def _rows(drawn: Sample, rows: Tensor) -> Float[Tensor, "rows width"]:
    return rows[drawn.at].float()
