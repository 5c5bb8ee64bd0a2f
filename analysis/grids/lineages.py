"""Lineages of the digits: what each depth's latents respond to, and what they are made of."""

from __future__ import annotations

from analysis.drawing import Drawing
from analysis.grids import _lineage
from analysis.results import Results


def lineages(results: Results) -> Drawing:
    """One column a class, see `analysis.grids._lineage`."""
    return _lineage.lineages(results, "digits", "")
