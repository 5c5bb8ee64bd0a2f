"""The verdict on every depth of the latents tower, with all that it rests on."""

from __future__ import annotations

from analysis.drawing import Drawing
from analysis.results import Results
from analysis.tables._verdict import verdict_drawing

EXPERIMENTS = ("towers",)


def verdict(results: Results) -> Drawing:
    """Columns are depths; the first row is the word."""
    return verdict_drawing(results, "latents")
