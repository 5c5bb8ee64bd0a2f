"""The embedded capital letters: A to Z, typeset in handwriting fonts and distorted, whole packages of fonts held out.

They are no handwriting. See data/letters/README.md.
"""

from __future__ import annotations

import string

from analysis.run.datasets._dataset import Dataset
from analysis.run.datasets._embedded import Embedded

LETTERS = Embedded("letters", tuple(string.ascii_uppercase), rows=8_320, held_out=2_080, split="four fonts of 17")


def fingerprint() -> str:
    """The sha256 of the file; part of every run's key. Raises DataError where there is none."""
    return LETTERS.fingerprint()


def letters() -> Dataset:
    """Read `data/letters/letters.npz`. Raises DataError when the file is missing, altered or short."""
    return LETTERS.dataset()


def fonts() -> tuple[str, ...]:
    """(rows,) the font that each image is drawn in. Raises DataError like `letters`."""
    arrays = LETTERS.arrays()
    return tuple(arrays["font_names"][arrays["font"]].tolist())
