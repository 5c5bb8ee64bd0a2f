"""A project with the embedded tokeniser, and texts to read: prose of its own for each seed, documents in a folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from own_data import empty_project
from tests_root import CHECKOUT

WORDS = [
    "river",
    "stone",
    "harbour",
    "winter",
    "letter",
    "garden",
    "engine",
    "market",
    "bridge",
    "copper",
    "silver",
    "window",
]
KINDS = [
    "river",
    "stone",
    "harbour",
    "Winter",
    "letter",
    "Garden",
    "engine",
    "walked",
    "asked",
    "quickly",
    "1912",
    "peace",
    "war",
]
"""Words that answer questions which probes ask: capitals, plurals, pasts, numbers; the last two are one token each."""


def text_project(root: Path, patch: pytest.MonkeyPatch) -> Path:
    """An empty project with the embedded tokeniser."""
    project = empty_project(root, patch)
    (project / "data/text").mkdir()
    shutil.copy(CHECKOUT / "data/text/union-bpe.json", project / "data/text")
    return project


def shelve(root: Path, documents: int, commas: float = 0.0) -> None:
    """A folder `shelf` of documents of 300 words of `KINDS`; `commas`: the share of words behind which one stands."""
    (root / "shelf").mkdir()
    draw = np.random.default_rng(0)
    for number in range(documents):
        words = [KINDS[place] for place in draw.integers(len(KINDS), size=300)]
        if commas:
            words = [word + "," * (draw.random() < commas) for word in words]
        (root / f"shelf/{number}.txt").write_text(" ".join(words))


def prose(seed: int, words: int = 120) -> str:
    """Text of its own for each seed."""
    drawn_from = np.random.default_rng(seed)
    return " ".join(f"{WORDS[drawn_from.integers(12)]}{drawn_from.integers(1000)}" for _ in range(words))
