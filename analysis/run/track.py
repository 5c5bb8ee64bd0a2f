"""Make an experiment's tables small enough to be part of the repository: `data/results/NAME`.

All numbers of runs, training, measures and stops are kept. Tables of single latents and their examples are kept for
the tower of the first run, held out, where they are looked at one by one. Images are kept where an experiment has its
latents looked at: those held-out ones that are shown, and the sheets of pictures. The manifest lists size and sha256
of every file, as that of a run does.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.plan.config import KINDS, RunConfig
from analysis.plan.paths import Paths
from analysis.plan.stage_folders import MANIFEST, damage, seal
from analysis.results.tables import LOOKED, MAPS, SHEETS, TABLES, Results
from analysis.run.sprite import write_sprite
from analysis.system.swap import fresh_beside
from sae.errors import NotFoundError, StageError
from sae.temporary import unwritable

WHOLE = tuple(name for name in TABLES if name not in ("latents", "examples", "links"))
# Per latent, what a reader of one latent is shown; the rest can be had by a run.
BESIDE = ("f1", "class_q", "detector_class", "firing_rate", "detection")
LATENT_MEASURES = ("firing_rate", "mean_activation", "selectivity", "top_class_share", "chosen_class")


def track(name: str, paths: Paths) -> Path:
    """Copy the tables of an experiment that was run here; gives the folder.

    Raises NotFoundError without them, DataError for damaged ones, StageError where nothing can be written.
    """
    if not (paths.collected / name / MANIFEST).exists():
        found = sorted(path.parent.name for path in paths.collected.glob(f"*/{MANIFEST}"))
        raise NotFoundError("results of an experiment that was run here", name, found)
    results, final = Results(paths.collected / name), paths.tracked / name
    try:
        with fresh_beside(final) as work:
            note = _fill(work, results)
            results.check_unchanged()
            seal(work, {**results.manifest, "tracked": note})
    except OSError as error:
        raise StageError(unwritable(Path(error.filename or final), error)) from error
    return final


def _fill(work: Path, results: Results) -> str:
    """Write what is tracked; gives the note that says what that is."""
    for table in WHOLE:
        _write(getattr(results, table), work / f"{table}.parquet")
    for table in ("latents", "examples", "links", *(LOOKED if results.looked else ())):
        _write(_shown(results, table), work / f"{table}.parquet")
    if results.maps is not None:
        _write(rounded(results.maps), work / f"{MAPS}.parquet")
    if not results.looked:
        return "single latents of the first run only; no images"
    data = RunConfig.from_canonical(str(results.runs["config"].iloc[0])).source
    write_sprite(data, work, pd.read_parquet(work / "bands.parquet")["example"].tolist())
    (work / SHEETS).mkdir()
    for sheet in (results.file(name) for name in results.pictures()):
        if not sheet.stem.endswith("random_host") or sheet.stem == _random_sheet(results):
            shutil.copyfile(sheet, work / SHEETS / sheet.name)
    return "single latents of the first run only; of the images those that are shown; four digits"


def add_digests(name: str, paths: Paths) -> Path:
    """Write size and sha256 of every file into the manifest of tracked results that have none; gives the folder.

    Of a manifest that has them nothing is changed: StageError says what differs, so that damage is never sealed.
    Raises NotFoundError where nothing is tracked, DataError for a table that cannot be read.
    """
    folder = paths.tracked / name
    if not (folder / MANIFEST).exists():
        raise NotFoundError("tracked results", name, sorted(p.parent.name for p in paths.tracked.glob(f"*/{MANIFEST}")))
    results = Results(folder)
    if results.pinned.listed is not None:
        if found := damage(folder):
            raise StageError(f"{found}; `git checkout` of that folder brings it back")
        return folder
    for table in (*TABLES, *(LOOKED if results.looked else ()), MAPS):
        getattr(results, table)
    seal(folder, results.manifest)
    return folder


def _shown(results: Results, table: str) -> pd.DataFrame:
    """What pages show of single latents: the first run's, held out. Where they were looked at also the host's neurons
    and, of the random host, the last depth, which stands beside the trained one in grids of images."""
    whole: pd.DataFrame = getattr(results, table)
    rows = whole[whole["run"] == results.first_run]
    if "split" in rows:
        rows = rows[rows["split"] == "held_out"]
    trained = rows[(rows["control"] == "none") & rows["kind"].isin((*KINDS, *(("host",) if results.looked else ())))]
    if not results.looked:
        if table == "latents":
            shares = trained["measure"].astype(str).str.startswith("class_share_")
            trained = trained[trained["measure"].isin(LATENT_MEASURES) | shares]
        return trained
    if table in ("examples", "histograms", "relations"):
        return trained.iloc[:0] if table == "examples" else rounded(trained)  # `bands` has the strongest, too
    last = max(results.depths("latents"))
    random = rows[(rows["control"] == "random_host") & (rows["kind"] == "latents") & (rows["depth"] == last)]
    if table == "latents":
        shares = random["measure"].astype(str).str.startswith("class_share_")
        random = random[random["measure"].isin(BESIDE) | shares]
    return rounded(pd.concat([trained, random]))


def rounded(rows: pd.DataFrame) -> pd.DataFrame:
    """Numbers with four digits, which is more than a page shows and compresses far better."""
    rows = rows.copy()
    for name in rows.select_dtypes("float"):
        mantissa, exponent = np.frexp(rows[name].to_numpy(np.float64))
        rows[name] = np.ldexp(np.round(mantissa, 4), exponent).astype(rows[name].dtype)
    return rows


def _random_sheet(results: Results) -> str:
    return f"optimised-latents-{max(results.depths('latents'))}-random_host"


def _write(given: pd.DataFrame, path: Path) -> None:
    rows = given.copy()
    for column in rows.select_dtypes("category"):
        rows[column] = rows[column].cat.remove_unused_categories()
    rows.reset_index(drop=True).to_parquet(path, index=False, compression="zstd", compression_level=19)
