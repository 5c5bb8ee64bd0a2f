"""The embedded emoji: colour pictures of 32 x 32 by two artists, on white, in 9 categories or 98 subcategories.

Split by what they show: both artists' pictures of an emoji, and of its variants of gender, age, skin tone and
direction, stand on one side. See data/emoji/README.md.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from analysis.run.datasets._dataset import COLOUR, Dataset
from analysis.run.datasets._embedded import Embedded
from sae.errors import ConfigError

EMOJI = Embedded(
    "emoji32", (), rows=3_765, held_out=755, split="by what they show", shape=(32, 32, COLOUR), file="emoji"
)
KINDS = ("coarse", "fine")


def fingerprint(**options: object) -> str:
    """The sha256 of the file; part of every run's key. Raises DataError where there is none."""
    return EMOJI.fingerprint()


def emoji32(*, labels: Any = "coarse") -> Dataset:
    """Read `data/emoji/emoji.npz`. `labels`: `coarse` (9 categories) or `fine` (98 subcategories, three of which have
    no held-out picture).

    Raises ConfigError for other labels, DataError when the file is missing, altered or short.
    """
    if not isinstance(labels, str) or labels not in KINDS:
        raise ConfigError(f'dataset_options.labels = {labels!r}: must be "coarse" or "fine"')
    arrays = EMOJI.arrays()
    return EMOJI.labelled(arrays, labels, tuple(arrays[f"{labels}_names"].tolist()))


def about() -> dict[str, NDArray[Any]]:
    """(rows,) each picture's `emoji` (its short name), `artist` and `group`: pictures of one group show the same.
    Raises DataError like `emoji32`."""
    arrays = EMOJI.arrays()
    return {
        "emoji": arrays["emoji_names"][arrays["emoji"]],
        "artist": arrays["artist_names"][arrays["artist"]],
        "group": arrays["group"],
    }
