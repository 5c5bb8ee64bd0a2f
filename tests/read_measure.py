"""A measure of a batch, read twice over."""

from __future__ import annotations

import torch

from sae.discover import find
from sae.evaluate import Seen
from sae.records import Codes


def none(rows=1, latents=1):
    """Codes of an SAE that never fires, for measures that read none."""
    return Codes.from_dense(torch.zeros(rows, latents))


def read(name, **given):
    measure = find("sae.measures", name)()
    measure.update(Seen(**given))
    return measure.reading()
