"""The class-selective latents of every depth: sortable, filterable, with thumbnails, complete without scripts."""

from __future__ import annotations

from analysis.drawing import Drawing
from analysis.results import Results
from analysis.tables._neuron_words import overview

# the depths, neurons first, that have a page of their own: report/neurons-0.qmd and so on
PAGES = 5


def neurons(results: Results) -> Drawing:
    """The best latents of each depth by F1, first seed, latents tower; depth 0 are the host's neurons."""
    return overview(results, PAGES)
