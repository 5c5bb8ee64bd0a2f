"""The class-selective latents of every depth on clothes, from tracked results."""

from __future__ import annotations

from analysis.drawing import Drawing
from analysis.results import Results
from analysis.tables._neuron_words import overview

EXPERIMENTS = ("fashion",)


def neurons_fashion(results: Results) -> Drawing:
    """The best latents of each depth by F1, see `analysis.tables._neuron_words`."""
    return overview(results, set_name="fashion")
