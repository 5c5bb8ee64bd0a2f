"""Which rows a question is asked of: as many with either answer, from documents that are trained on and held out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Int
from numpy.typing import NDArray
from torch import Tensor

from analysis.run.datasets._dataset import Text
from analysis.run.text.tasks import Answered, answers

# Of either answer, on either side: with fewer there is no probe.
FEWEST = 50


@dataclass(frozen=True)
class Asked:
    """The rows of one question on one side, half of them with either answer."""

    at: Int[Tensor, " rows"]
    """Where they stand among the rows that were kept."""
    labels: Bool[Tensor, " rows"]
    documents: Int[Tensor, " rows"]
    """Which document each is of: errors are over these."""


@dataclass(frozen=True)
class Question:
    """One question on both sides."""

    train: Asked
    held_out: Asked


def questions(
    text: Text, held_out: NDArray[np.bool_], kept: Mapping[str, NDArray[np.int64]], most: int, draw: np.random.Generator
) -> tuple[dict[str, Question], list[str]]:
    """The questions of `analysis.run.text.tasks` with at most `most` training rows each, half as many held out; and the
    names of those that too few rows answer.

    `held_out` marks contexts; `kept` are the ids of the rows that were kept of each split, ascending.
    """
    asked = {split: answers(text.stretches(held_out == (split == "held_out"))) for split in ("train", "held_out")}
    found, short = {}, []
    for name in asked["train"]:
        sides = {
            split: _drawn(text, asked[split][name], kept[split], most // (2 if split == "train" else 4), draw)
            for split in asked
        }
        train, held = sides["train"], sides["held_out"]
        if train is None or held is None:
            short.append(name)
        else:
            found[name] = Question(train, held)
    return found, short


def _drawn(
    text: Text, answered: Answered, kept: NDArray[np.int64], each: int, draw: np.random.Generator
) -> Asked | None:
    """At most `each` rows with either answer; None where there are fewer than `FEWEST` of one."""
    at, there = among(kept, answered.rows)
    labels, rows = answered.labels[there], answered.rows[there]
    sides = [np.flatnonzero(labels == answer) for answer in (True, False)]
    count = min(each, *(len(side) for side in sides))
    if count < FEWEST:
        return None
    chosen = np.sort(np.concatenate([draw.choice(side, count, replace=False) for side in sides]))
    documents = text.document[rows[chosen] // text.places]
    return Asked(*(torch.from_numpy(values) for values in (at[chosen], labels[chosen], documents.astype(np.int64))))


def among(kept: NDArray[np.int64], rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Where those of `rows` that were kept stand among `kept` (ids, ascending), and which of them were."""
    at = np.searchsorted(kept, rows)
    there = kept[np.minimum(at, len(kept) - 1)] == rows if len(kept) else np.zeros(len(at), bool)
    return at[there], there
