"""The 300 latents of depth 2 that detect a class best; the data have all of them."""

from __future__ import annotations

from analysis.drawing import Drawing
from analysis.results import Results
from analysis.tables._neuron_words import one_depth


def neurons_2(results: Results) -> Drawing:
    """Latents tower, first seed."""
    return one_depth(results, 2)
