"""All rows of the tables of latents, a file a depth, for neurons.js, which fetches what a page does not carry.

A file stands beside the explorer's data, `assets/generated/explorer/SET/rows-DEPTH.json`: a list of rows of HTML,
best first, whose links lead to the usual page of the explorer; the script knows where that is. Free of torch.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from analysis.figures.explorer_links import OWN
from analysis.figures.neuron_rows import columns_of, table_rows
from analysis.results.detectors import levels, strongest
from analysis.results.tables import Results


def write_rows(results: Results, folder: Path, write: Callable[[Path, str], None]) -> None:
    """Write the rows of every depth of an experiment whose latents were looked at; `folder` is named after its set."""
    found = [level for level in levels(results) if len(level.live)]
    if not found:
        return
    columns = columns_of(pd.concat([level.live for level in found]), results.sprite["class_names"])
    for level in found:
        images = {(level.depth, latent): shown for latent, shown in strongest(results, level.depth).items()}
        name = "" if folder.name == OWN else folder.name
        rows = table_rows(level.live, images, results.sprite, columns, name)
        write(folder / f"rows-{level.depth}.json", json.dumps(rows, ensure_ascii=False, indent=0) + "\n")
