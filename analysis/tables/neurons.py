"""The class-selective latents of every depth: sortable, filterable, with thumbnails, complete without scripts."""

from __future__ import annotations

import pandas as pd

from analysis.drawing import Drawing
from analysis.results import Results
from analysis.tables._neuron_rows import table
from analysis.tables._neuron_words import ALT, METHOD, ROWS, all_depths
from analysis.tables._neurons import levels, strongest

PER_DEPTH = 60
# the depths, neurons first, that have a page of their own: report/neurons-0.qmd and so on
PAGES = 5


def neurons(results: Results) -> Drawing:
    """The best latents of each depth by F1, first seed, latents tower; depth 0 are the host's neurons."""
    found = levels(results)
    each = min(PER_DEPTH, ROWS // len(found))
    best = pd.concat([level.live.head(each) for level in found]).sort_values("f1", ascending=False, kind="stable")
    images = {
        (level.depth, latent): examples
        for level in found
        for latent, examples in strongest(results, level.depth).items()
    }
    return Drawing(
        kind="tbl",
        title=all_depths(found),
        caption=(
            f"Latents of the latents tower as detectors of one class: the {each} best of each depth by F1; the data "
            f"have all. {METHOD} Depth 0 are the host's own neurons. Press a column's name to sort; choose depths and "
            "classes above."
        ),
        alt=ALT,
        data=pd.concat([level.rows for level in found]),
        html=table(best, images, results.sprite, PAGES) if len(best) else "<p>No latent of this tower fires.</p>",
    )
