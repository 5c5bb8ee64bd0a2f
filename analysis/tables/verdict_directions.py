"""The verdict on every depth of the directions tower, with all that it rests on."""

from __future__ import annotations

from analysis.drawing import Drawing
from analysis.results import Results
from analysis.tables._verdict import verdict_drawing

EXPERIMENTS = ("towers",)


def verdict_directions(results: Results) -> Drawing:
    """Columns are depths; the first row is the word."""
    return verdict_drawing(results, "directions")
