"""Make an experiment's tables small enough to be part of the repository: `data/results/NAME`.

All numbers of runs, training, measures and stops are kept. Tables of single latents and their examples are kept for
the tower of the first run, held out, where they are looked at one by one; images are not kept at all.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pandas as pd

from analysis.config import KINDS
from analysis.paths import Paths
from analysis.results import TABLES, Results
from analysis.runs import MANIFEST, write_manifest
from sae.errors import NotFoundError

WHOLE = tuple(name for name in TABLES if name not in ("latents", "examples", "links"))
# Per latent, what a reader of one latent is shown; the rest can be had by a run.
LATENT_MEASURES = ("firing_rate", "mean_activation", "selectivity", "top_class_share", "chosen_class")


def track(name: str, paths: Paths) -> Path:
    """Copy the tables of an experiment that was run here; gives the folder. Raises NotFoundError without them."""
    if not (paths.collected / name / MANIFEST).exists():
        found = sorted(path.parent.name for path in paths.collected.glob(f"*/{MANIFEST}"))
        raise NotFoundError("results of an experiment that was run here", name, found)
    results = Results(paths.collected / name)
    final = paths.tracked / name
    work = final.with_name(f"{name}.tmp-{os.getpid()}")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    for table in WHOLE:
        _write(getattr(results, table), work / f"{table}.parquet")
    for table in ("latents", "examples", "links"):
        rows = getattr(results, table)
        rows = rows[(rows["run"] == results.first_run) & (rows["control"] == "none") & rows["kind"].isin(KINDS)]
        if "split" in rows:
            rows = rows[rows["split"] == "held_out"]
        if table == "latents":
            shares = rows["measure"].astype(str).str.startswith("class_share_")
            rows = rows[rows["measure"].isin(LATENT_MEASURES) | shares]
        _write(rows, work / f"{table}.parquet")
    write_manifest(work / MANIFEST, {**results.manifest, "tracked": "no images; single latents of the first run only"})
    aside = final.with_name(f"{name}.old.tmp-{os.getpid()}")
    if final.exists():
        final.rename(aside)
    work.rename(final)
    shutil.rmtree(aside, ignore_errors=True)
    return final


def _write(given: pd.DataFrame, path: Path) -> None:
    rows = given.copy()
    for column in rows.select_dtypes("category"):
        rows[column] = rows[column].cat.remove_unused_categories()
    rows.reset_index(drop=True).to_parquet(path, index=False, compression="zstd", compression_level=19)
