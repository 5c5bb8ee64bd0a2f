"""Lineages of the clothes, from tracked results."""

from __future__ import annotations

from analysis.drawing import Drawing
from analysis.grids import _lineage
from analysis.results import Results

EXPERIMENTS = ("fashion",)


def lineages_fashion(results: Results) -> Drawing:
    """One column a class, see `analysis.grids._lineage`."""
    return _lineage.lineages(results, "images", "fashion")
