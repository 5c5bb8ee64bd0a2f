"""The 300 neurons of the host that detect a class best; the data have all of them."""

from __future__ import annotations

from analysis.drawing import Drawing
from analysis.results import Results
from analysis.tables._neuron_words import one_depth


def neurons_0(results: Results) -> Drawing:
    """The neurons, first seed."""
    return one_depth(results, 0)
