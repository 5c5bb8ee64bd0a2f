"""The embedded digits of other people: 1,797 by 13 writers who are not in MNIST, enlarged from 8 x 8.

A transfer set: what a host or judge of `digits` makes of all of its rows says how it reads another hand. A fifth is
held out all the same, so that an experiment can train on the rest. See data/optdigits/README.md.
"""

from __future__ import annotations

from analysis.run.datasets._dataset import Dataset
from analysis.run.datasets._embedded import Embedded
from analysis.run.datasets._split import said

OPTDIGITS = Embedded("optdigits", tuple("0123456789"), rows=1_797, held_out=359, split=said(0.2))


def fingerprint() -> str:
    """The sha256 of the file; part of every run's key. Raises DataError where there is none."""
    return OPTDIGITS.fingerprint()


def optdigits() -> Dataset:
    """Read `data/optdigits/optdigits.npz`. Raises DataError when the file is missing, altered or short."""
    return OPTDIGITS.dataset()
