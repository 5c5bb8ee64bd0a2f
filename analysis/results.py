"""The tidy tables: what every chart, table, grid and number is drawn from. Free of torch.

An experiment's tables lie in one folder (`data/runs/results/NAME`, or tracked in `data/results/NAME`):

runs.parquet      run, experiment, variant, seed, dataset, host, hook, control, config (canonical JSON), date, machine,
                  commit, seconds, measures (stage key)                          one row a chain
measures.parquet  run, kind, depth, split, control, measure, version, value, n   one number a row
latents.parquet   run, kind, depth, split, control, latent, measure, value       one number of one latent a row
examples.parquet  run, kind, depth, split, control, latent, rank, example, activation   what drives a latent most
training.parquet  run, kind, depth, control, architecture, steps, rows, seconds, path   how each SAE was trained; `rows`
                  counts repetitions, `path` says which step did it
links.parquet     run, kind, depth, control, latent, below, weight         which latents below a latent is made of
stops.parquet     run, kind, control, depth, reason, value, limit, sentence   a tower that stopped before `depth`
names.parquet     run, kind, depth, control, latent, name, named, classes, conditions    what a latent is called
bands.parquet     run, kind, depth, control, latent, band, rank, example, activation   images over a latent's range
histograms.parquet  run, kind, depth, control, latent, bin, count          activations in 12 equal parts of 0..`largest`
relations.parquet run, kind, depth, control, latent, relation, rank, other, value   what stands beside a latent
sheets/VIEW-KIND-DEPTH-CONTROL.webp   pictures of latents; sheets.json says how many in a row
sprite.webp       the held-out images side by side, `SPRITE_COLUMNS` in a row, in the order of sprite.json's ids
manifest.json     experiment, run ids, stage keys, library versions; written last

kind: `host` (depth 0), `latents`, `directions`, `direct` (one SAE on the host, as wide and sparse as that depth of the
latents tower), `small` (one as wide as that depth of the directions tower), or the name of an architecture that is
compared (one SAE on the host, depth 1).
split: `train`, `held_out`.
control: `none`, `random_host`, `permuted_labels`, `random_direction`, `random_dictionary`, `matched_dictionary`,
`stored_dictionary`, `pca`, `memorising`, and trained ones: `gaussian_null`, `permuted_null`, `gaussian_tower`,
`frozen_decoder`.
variant: which point of a grid a run is; empty without one. `Results.of(variant)` sees the runs of one only.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from PIL import Image

from analysis.code_version import code_version
from analysis.config import Experiment
from analysis.looks import of_chains
from analysis.paths import Paths
from analysis.plan import Chain
from analysis.runs import MANIFEST, clear_leftovers, read_manifest, write_manifest
from sae.discover import find
from sae.errors import DataError, NotFoundError, StageError

TABLES = ("runs", "training", "measures", "latents", "examples", "links", "stops")
# Only where an experiment asks for single latents to be looked at (`[interpret]`).
LOOKED = ("names", "bands", "histograms", "relations")
SPRITE_COLUMNS = 50
CATEGORIES = ("run", "kind", "split", "control", "measure", "relation")
FROM_CHAINS = ("measures", "latents", "examples", "links", "stops")
SHEETS = "sheets"


@dataclass(frozen=True)
class Results:
    """An experiment's tables, read when asked for."""

    folder: Path
    only: str | None = None
    """The variant that is seen; None: all of them."""

    @cached_property
    def variants(self) -> list[str]:
        """The points of the grid, in the order of the runs."""
        runs = self._table("runs")
        if "variant" not in runs:
            raise DataError(f"{self.folder} was made by an older version; `strata run {self.experiment}` renews it")
        return [str(name) for name in runs["variant"].unique()]

    def of(self, variant: str) -> Results:
        """The same tables with the runs of one variant. Raises NotFoundError for one that is not there."""
        if variant not in self.variants:
            raise NotFoundError("variant", variant, self.variants)
        return replace(self, only=variant)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What the tables were made from."""
        return read_manifest(self.folder)

    @property
    def experiment(self) -> str:
        """The experiment's name."""
        return str(self.manifest["experiment"])

    @cached_property
    def runs(self) -> pd.DataFrame:
        """One row a chain; see the module's docstring."""
        rows = self._table("runs")
        return rows if self.only is None else rows[rows["variant"] == self.only]

    @cached_property
    def training(self) -> pd.DataFrame:
        """One trained SAE a row; see the module's docstring."""
        return self._seen("training")

    @cached_property
    def measures(self) -> pd.DataFrame:
        """One number a row; see the module's docstring."""
        return self._seen("measures")

    @cached_property
    def latents(self) -> pd.DataFrame:
        """One number of one latent a row; see the module's docstring."""
        return self._seen("latents")

    @cached_property
    def examples(self) -> pd.DataFrame:
        """What drives a latent most; see the module's docstring."""
        return self._seen("examples")

    @cached_property
    def links(self) -> pd.DataFrame:
        """Which latents below a latent is made of; see the module's docstring."""
        return self._seen("links")

    @cached_property
    def stops(self) -> pd.DataFrame:
        """Where towers stopped, and why; see the module's docstring."""
        return self._seen("stops")

    @property
    def looked(self) -> bool:
        """Whether single latents were looked at."""
        return (self.folder / "names.parquet").exists()

    @cached_property
    def names(self) -> pd.DataFrame:
        """What latents are called; see the module's docstring. Raises DataError where nobody looked."""
        return self._looked("names")

    @cached_property
    def bands(self) -> pd.DataFrame:
        """Images over a latent's range; see the module's docstring. Raises DataError where nobody looked."""
        return self._looked("bands")

    @cached_property
    def histograms(self) -> pd.DataFrame:
        """How strongly latents fire; see the module's docstring. Raises DataError where nobody looked."""
        return self._looked("histograms")

    @cached_property
    def relations(self) -> pd.DataFrame:
        """What stands beside latents; see the module's docstring. Raises DataError where nobody looked."""
        return self._looked("relations")

    @cached_property
    def sheets(self) -> dict[str, Any]:
        """Columns and cell size of the sheets of pictures, and their file names."""
        content: dict[str, Any] = json.loads((self.folder / SHEETS / "sheets.json").read_text())
        return content

    def _looked(self, name: str) -> pd.DataFrame:
        if not self.looked:
            raise DataError(f"nobody looked at the latents of {self.experiment}: its TOML has no [interpret]")
        return self._seen(name)

    def _seen(self, name: str) -> pd.DataFrame:
        rows = self._table(name)
        return rows if self.only is None else rows[rows["run"].isin(set(self.runs["run"]))]

    def _table(self, name: str) -> pd.DataFrame:
        path = self.folder / f"{name}.parquet"
        try:
            return _read(path, path.stat().st_mtime_ns)
        except (OSError, ValueError, pa.ArrowException) as error:
            raise DataError(
                f"{path} cannot be read ({error}); delete {self.folder}, and `strata run` makes it again"
            ) from error

    @cached_property
    def sprite(self) -> dict[str, Any]:
        """Columns, cell size, example ids and labels of the sprite's cells, and the class names."""
        path = self.folder / "sprite.json"
        if not path.exists():
            raise DataError(f"{self.folder} holds no images, as tracked tables do; `strata run {self.experiment}` does")
        content: dict[str, Any] = json.loads(path.read_text())
        return content

    @cached_property
    def digest(self) -> str:
        """A hash of the tables: what is drawn from equal tables need not be drawn again."""
        whole = hashlib.sha256()
        sheets = sorted(path.relative_to(self.folder).as_posix() for path in self.folder.glob(f"{SHEETS}/*"))
        for name in (*(f"{table}.parquet" for table in (*TABLES, *LOOKED)), "sprite.webp", "sprite.json", *sheets):
            if (self.folder / name).exists():  # tracked tables of what nobody looked at have no images
                whole.update((self.folder / name).read_bytes())
        return whole.hexdigest()[:16]

    @property
    def first_run(self) -> str:
        """The run whose latents are shown one by one: that of the first seed."""
        trained = self.runs[self.runs["control"] == "none"]
        return str(trained.sort_values("seed", kind="stable")["run"].iloc[0])

    def depths(self, kind: str) -> list[int]:
        """The depths of a tower."""
        rows = self.measures[(self.measures["kind"] == kind) & (self.measures["depth"] > 0)]
        return sorted(int(depth) for depth in rows["depth"].unique())

    def values(
        self, measure: str, kind: str | None = None, split: str = "held_out", control: str = "none"
    ) -> pd.DataFrame:
        """Rows of one measure: run, kind, depth, value, n; sorted. Empty when there are none."""
        rows = self._by_measure.get((measure, split, control), self.measures.iloc[:0])
        if kind is not None:
            rows = rows[rows["kind"] == kind]
        return rows[["run", "kind", "depth", "value", "n"]]

    @cached_property
    def _by_measure(self) -> dict[tuple[str, str, str], pd.DataFrame]:
        """The rows of each measure, split and control, sorted: the pages of a site ask thousands of times."""
        ordered = self.measures.sort_values(["kind", "depth", "run"])
        found = ordered.groupby(["measure", "split", "control"], observed=True, sort=False)
        return {(str(measure), str(split), str(control)): rows for (measure, split, control), rows in found}

    def mean(self, measure: str, kind: str, depth: int, split: str = "held_out", control: str = "none") -> float:
        """Mean over seeds. Raises NotFoundError where there is no such number."""
        rows = self.values(measure, kind, split, control)
        rows = rows[rows["depth"] == depth]
        if rows.empty:
            raise NotFoundError(
                f"value of {measure} ({kind}, depth {depth}, {split}, {control}); measure",
                measure, [str(name) for name in self.measures["measure"].unique()],
            )  # fmt: skip
        return float(rows["value"].mean())


@cache
def _read(path: Path, written: int) -> pd.DataFrame:
    """A table that is read once, however many variants look at it."""
    return pd.read_parquet(path)


def open_results(name: str, paths: Paths) -> Results:
    """The tables of an experiment, run here or tracked. Raises NotFoundError when there are none."""
    for folder in (paths.collected / name, paths.tracked / name):
        if (folder / MANIFEST).exists():
            return Results(folder)
    found = {p.parent.name for base in (paths.collected, paths.tracked) for p in base.glob(f"*/{MANIFEST}")}
    raise NotFoundError("results of an experiment", name, sorted(found))


def source(main: Results, name: str, paths: Paths) -> Results:
    """The tables that an artefact or a number names: `main`, those that the site is built from, where it names none."""
    if name in ("", main.experiment):
        return main
    found = open_results(name, paths)
    return _opened(found.folder, (found.folder / MANIFEST).stat().st_mtime_ns)


@cache
def _opened(folder: Path, written: int) -> Results:
    """Tables that are read once, however many artefacts ask for them."""
    return Results(folder)


def is_current(experiment: Experiment, chains: list[Chain], paths: Paths) -> bool:
    """Whether the collected tables are those of exactly these chains."""
    folder = paths.collected / experiment.name
    if not (folder / MANIFEST).exists():
        return False
    try:
        manifest = read_manifest(folder)
    except StageError:  # a broken manifest in a cache: not current, so that it is made again
        return False
    wanted = (_stage_keys(experiment, chains), experiment.title, code_version("analysis.results"))
    return tuple(manifest.get(name) for name in ("stages", "title", "code")) == wanted


def collect(experiment: Experiment, chains: list[Chain], paths: Paths) -> Path:
    """Join the chains' tables into the experiment's folder, replacing an older one as a whole."""
    final = paths.collected / experiment.name
    if is_current(experiment, chains, paths):
        return final
    work = final.with_name(f"{final.name}.tmp-{os.getpid()}")
    clear_leftovers(final)
    work.mkdir(parents=True)
    folders = [chain.measures.folder(paths.runs) for chain in chains]
    looks = [stage.folder(paths.runs) for look in of_chains(experiment, chains) for stage in look.tables]
    for table in (*FROM_CHAINS, *(LOOKED if looks else ())):
        files = [folder / f"{table}.parquet" for folder in (*folders, *looks)]
        whole = pd.concat([pd.read_parquet(file) for file in files if file.exists()])
        for name in set(CATEGORIES) & set(whole):
            whole[name] = whole[name].astype("category")
        whole.reset_index(drop=True).to_parquet(work / f"{table}.parquet", index=False)
    _runs_table(experiment, chains, paths).to_parquet(work / "runs.parquet", index=False)
    _training_table(chains, paths).to_parquet(work / "training.parquet", index=False)
    write_sprite(experiment.dataset, work)
    copy_sheets(looks, work)
    manifests = [read_manifest(folder) for folder in folders]
    write_manifest(
        work / MANIFEST,
        {
            "experiment": experiment.name,
            "title": experiment.title,
            "runs": sorted({chain.run for chain in chains}),
            "stages": _stage_keys(experiment, chains),
            "code": code_version("analysis.results"),
            "versions": manifests[0]["versions"],
        },
    )
    aside = final.with_name(f"{final.name}.old.tmp-{os.getpid()}")
    if final.exists():
        final.rename(aside)
    work.rename(final)
    shutil.rmtree(aside, ignore_errors=True)
    return final


def copy_sheets(looks: list[Path], folder: Path) -> None:
    """The sheets of pictures of every stage that has some, and a JSON that says how they are cut."""
    made = [look for look in looks if any(look.glob("*.webp"))]
    if not made:
        return
    (folder / SHEETS).mkdir()
    for sheet in (sheet for look in made for sheet in look.glob("*.webp")):
        shutil.copyfile(sheet, folder / SHEETS / sheet.name)
    notes = read_manifest(made[0])["notes"]
    # not the seconds that it took: what was drawn of equal pictures stands
    cut = {key: notes[key] for key in ("columns", "width", "height")}
    (folder / SHEETS / "sheets.json").write_text(json.dumps(cut))


def _stage_keys(experiment: Experiment, chains: list[Chain]) -> dict[str, str]:
    keys = {f"{chain.run}/{chain.control}": chain.measures.key for chain in chains}
    return keys | {f"{look.name}/{s.name}": s.key for look in of_chains(experiment, chains) for s in look.tables}


def _runs_table(experiment: Experiment, chains: list[Chain], paths: Paths) -> pd.DataFrame:
    rows = []
    for chain in chains:
        manifests = [read_manifest(stage.folder(paths.runs)) for stage in chain.stages]
        last, config = manifests[-1], chain.config
        rows.append(
            {
                "run": chain.run, "experiment": experiment.name, "variant": config.variant, "seed": config.seed,
                "dataset": config.dataset, "host": config.host.name, "hook": config.host.hook,
                "control": chain.control, "config": config.canonical(),
                "date": last["date"], "machine": last["machine"], "commit": last["commit"],
                "seconds": sum(manifest["seconds"] for manifest in manifests), "measures": chain.measures.key,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def _training_table(chains: list[Chain], paths: Paths) -> pd.DataFrame:
    rows = []
    for chain in chains:
        for place, stage in chain.measures.inputs.items():
            if stage.name != "sae":
                continue
            kind, rest = place.split("_", 1)
            notes, train = read_manifest(stage.folder(paths.runs))["notes"], stage.config["train"]
            if "stopped" in notes:
                continue
            assert isinstance(train, dict)
            rows.append(
                {
                    "run": chain.run, "kind": rest if kind == "compare" else kind,
                    "depth": 1 if kind == "compare" else int(rest), "control": chain.control,
                    "architecture": stage.config["architecture"], "steps": train["steps"],
                    "rows": train["steps"] * min(train["batch"], notes["rows"]),
                    "seconds": notes["seconds"], "path": notes["path"],
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def write_sprite(dataset_name: str, folder: Path, only: np.ndarray | None = None) -> None:
    """The held-out images (or `only` those with these ids) as one lossless WebP, and a JSON that says which cell is
    which example."""
    dataset = find("analysis.datasets", dataset_name)()
    ids = np.flatnonzero(dataset.held_out) if only is None else np.sort(only)
    height, width = dataset.images.shape[1:]
    rows = -(-len(ids) // SPRITE_COLUMNS)
    sheet = np.zeros((rows * height, SPRITE_COLUMNS * width), np.uint8)
    for cell, example in enumerate(ids):
        top, left = cell // SPRITE_COLUMNS * height, cell % SPRITE_COLUMNS * width
        sheet[top : top + height, left : left + width] = dataset.images[example]
    Image.fromarray(sheet).save(folder / "sprite.webp", lossless=True, quality=100, method=4)
    content = {
        "columns": SPRITE_COLUMNS, "width": int(width), "height": int(height),
        "ids": ids.tolist(), "labels": dataset.labels[ids].tolist(), "class_names": list(dataset.class_names),
    }  # fmt: skip
    (folder / "sprite.json").write_text(json.dumps(content))
