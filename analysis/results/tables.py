"""The tidy tables: what every figure and number is drawn from. Free of torch.

An experiment's tables lie in one folder (`data/runs/results/NAME`, or tracked in `data/results/NAME`): parquet files
with a row for each number, beside `manifest.json`, which is written last. What each file, column, kind, control and
measure is stands in `docs/tables.md`, and nowhere else.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.plan.chains import Chain
from analysis.plan.code_version import code_version
from analysis.plan.config import Experiment
from analysis.plan.looks import of_chains
from analysis.plan.paths import Paths
from analysis.plan.stage_folders import MANIFEST, damage, read_manifest
from analysis.results import schema
from analysis.results.pinned import Pinned, present
from analysis.system import digests
from sae.errors import DataError, NotFoundError, StageError

TABLES = ("runs", "training", "measures", "latents", "examples", "links", "stops")
# Only where an experiment asks for single latents to be looked at (`[interpret]`).
LOOKED = ("names", "bands", "histograms", "relations")
# Only where there is a map of directions (stage `maps`); tables of before it was drawn have none.
MAPS = "maps"
# What a run measures wherever its data set has labels, and nowhere else.
OF_CLASSES = (
    "host_accuracy", "selectivity", "top_class_share", "exclusive_share", "eligible_share", "class_precision",
    "class_recall",
)  # fmt: skip
VALUES = ("run", "kind", "depth", "value", "n")
SHEETS = "sheets"


@dataclass(frozen=True)
class Results:
    """An experiment's tables as they stood when this was made, read when asked for.

    What differs from that, damaged or replaced by a run that ended in between, raises DataError: nothing mixes two
    versions. Raises StageError for a folder without a manifest.
    """

    folder: Path
    only: str | None = None
    """The variant that is seen; None: all of them."""
    others: dict[Path, Pinned] = field(default_factory=dict, repr=False, compare=False)
    """What was opened of other experiments beside these, by folder; see `source`."""
    unmeasured: set[str] = field(default_factory=set, repr=False, compare=False)
    """Measures that were asked for and that no row has: see `analysis.results.measure_names`."""
    given: Pinned | None = field(default=None, repr=False, compare=False)
    """The folder as it stood; now, where it is not given."""
    pinned: Pinned = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pinned", self.given or Pinned.now(self.folder))

    @cached_property
    def variants(self) -> list[str]:
        """The points of the grid, in the order of the runs."""
        runs = schema.table(self.pinned, "runs")
        if "variant" not in runs:
            raise DataError(f"{self.folder} was made by an older version; `strata run {self.experiment}` renews it")
        return [str(name) for name in runs["variant"].unique()]

    def of(self, variant: str) -> Results:
        """The same tables with the runs of one variant. Raises NotFoundError for one that is not there."""
        if variant not in self.variants:
            raise NotFoundError("variant", variant, self.variants)
        if variant not in self._of:
            self._of[variant] = replace(self, only=variant, given=self.pinned)
        return self._of[variant]

    @cached_property
    def _of(self) -> dict[str, Results]:
        """What was asked for of single variants: each sorts its numbers once."""
        return {}

    @property
    def manifest(self) -> dict[str, Any]:
        """What the tables were made from."""
        return self.pinned.manifest

    @property
    def experiment(self) -> str:
        """The experiment's name."""
        return str(self.manifest["experiment"])

    @cached_property
    def runs(self) -> pd.DataFrame:
        """One row a chain; see the module's docstring."""
        rows = schema.table(self.pinned, "runs")
        return rows if self.only is None else rows[rows["variant"] == self.only]

    @cached_property
    def training(self) -> pd.DataFrame:
        """One trained SAE a row; see the module's docstring."""
        return self._seen("training")

    def trained(self, kind: str) -> pd.DataFrame:
        """The SAEs of a kind on the trained host, by depth, with their architecture, width and k.

        Raises DataError for tables of before that was kept.
        """
        rows = self.training
        if not {"width", "k"} <= set(rows):
            raise DataError(f"{self.folder} was made by an older version; `strata run {self.experiment}` renews it")
        return rows[(rows["kind"] == kind) & (rows["control"] == "none")].sort_values(["depth", "run"])

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
        return self.pinned.has("names.parquet")

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
    def maps(self) -> pd.DataFrame | None:
        """Places of latents on a map of directions; see the module's docstring. None where there is no map."""
        return self._seen(MAPS) if self.pinned.has(f"{MAPS}.parquet") else None

    @cached_property
    def sheets(self) -> dict[str, Any]:
        """Columns and cell size of the sheets of pictures, and their file names."""
        content: dict[str, Any] = json.loads(self.file(f"{SHEETS}/sheets.json").read_text())
        return content

    def pictures(self) -> list[str]:
        """The files of all sheets of pictures, as `SHEETS/VIEW-KIND-DEPTH-CONTROL.webp`, and their JSON."""
        return self.pinned.under(SHEETS)

    def file(self, name: str) -> Path:
        """A file of the folder that holds what was written. Raises DataError."""
        return self.pinned.file(name)

    def check_unchanged(self) -> None:
        """Raises DataError where these tables, or others that were opened beside, are not those that stand there now:
        what was made of them need not agree with what is made next."""
        for opened in (self.pinned, *self.others.values()):
            opened.check_unchanged()

    def _looked(self, name: str) -> pd.DataFrame:
        if not self.looked:
            raise DataError(f"nobody looked at the latents of {self.experiment}: its TOML has no [interpret]")
        return self._seen(name)

    def _seen(self, name: str) -> pd.DataFrame:
        rows = schema.table(self.pinned, name)
        return rows if self.only is None else rows[rows["run"].isin(set(self.runs["run"]))]

    @cached_property
    def sprite(self) -> dict[str, Any]:
        """How the sprite is cut, example ids and labels of its cells, the class names; see the module's docstring."""
        if not self.pinned.has(schema.SPRITE):
            raise DataError(f"{self.folder} holds no images, as tracked tables do; `strata run {self.experiment}` does")
        return schema.sprite(self.pinned)

    @cached_property
    def labelled(self) -> bool:
        """Whether the data set has labels: without them nothing about classes is measured."""
        if self.pinned.has(schema.SPRITE):
            return bool(self.sprite["class_names"])
        return bool(self.measures["measure"].isin(OF_CLASSES).any())

    @cached_property
    def digest(self) -> str:
        """A hash of the tables: what is drawn from equal tables need not be drawn again."""
        whole = hashlib.sha256()
        names = (
            *(f"{table}.parquet" for table in (*TABLES, *LOOKED, MAPS)),
            "sprite.webp",
            "sprite.json",
            *self.pictures(),
        )
        for name in names:
            if self.pinned.has(name):  # tracked tables of what nobody looked at have no images
                whole.update(f"{name} {digests.digest(self.file(name))}\n".encode())
        return whole.hexdigest()[:16]

    @cached_property
    def first_run(self) -> str:
        """The run whose latents are shown one by one: that of the first seed."""
        trained = self.runs[self.runs["control"] == "none"]
        return str(trained.sort_values("seed", kind="stable")["run"].iloc[0])

    def depths(self, kind: str) -> list[int]:
        """The depths of a tower."""
        return sorted(depth for place, depth in self._depths if place == kind and depth > 0)

    @cached_property
    def _depths(self) -> list[tuple[str, int]]:
        """Every kind and depth that has a number; the figures ask hundreds of times."""
        there = self.measures[["kind", "depth"]].drop_duplicates()
        return [(str(kind), int(depth)) for kind, depth in there.itertuples(index=False)]

    @cached_property
    def kept(self) -> dict[str, Any]:
        """Answers that many figures ask for, by name, kept with the tables that they are drawn from."""
        return {}

    def values(
        self, measure: str, kind: str | None = None, split: str = "held_out", control: str = "none"
    ) -> pd.DataFrame:
        """Rows of one measure: run, kind, depth, value, n; sorted. Empty when there are none."""
        rows = self._by_measure.get((measure, kind or "", split, control))
        if rows is None and measure not in self.measured:
            self.unmeasured.add(measure)
        return self._values.take(np.empty(0, np.intp) if rows is None else rows)

    @cached_property
    def measured(self) -> frozenset[str]:
        """The measures that there are."""
        return frozenset(str(name) for name in self.measures["measure"].unique())

    @cached_property
    def _ordered(self) -> pd.DataFrame:
        return self.measures.sort_values(["kind", "depth", "run"])

    @cached_property
    def _values(self) -> pd.DataFrame:
        """What `values` gives rows of."""
        return self._ordered[[*VALUES]]

    @cached_property
    def _by_measure(self) -> dict[tuple[str, str, str, str], npt.NDArray[np.intp]]:
        """Where in them those of each measure, kind, split and control stand, and under "" those of all kinds: the
        pages of a site ask thousands of times, and tables cut out for each cost more than what is asked for."""
        names = {name: self._ordered[name].astype(str).to_numpy() for name in ("measure", "kind", "split", "control")}
        own = _where(self._ordered, [*names.values()])
        every = _where(self._ordered, [values for name, values in names.items() if name != "kind"])
        return {(measure, "", split, control): rows for (measure, split, control), rows in every.items()} | own

    def numbers(
        self, measure: str, kind: str, depth: int, split: str = "held_out", control: str = "none"
    ) -> npt.NDArray[np.float64]:
        """The values of one measure in one place, a run each, sorted by run; what is undefined is NaN."""
        return self._at(measure, kind, depth, split, control)[1]

    def by_run(
        self, measure: str, kind: str, depth: int, split: str = "held_out", control: str = "none"
    ) -> dict[str, float]:
        """The same with the run of each value."""
        runs, values = self._at(measure, kind, depth, split, control)
        return dict(zip(map(str, runs), values.tolist(), strict=True))

    def _at(self, measure: str, *place: str | int) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
        found = self._by_place.get((measure, *place))
        if found is None and measure not in self.measured:
            self.unmeasured.add(measure)
        return (np.empty(0, object), np.empty(0)) if found is None else found

    @cached_property
    def _by_place(self) -> dict[tuple[str | int, ...], tuple[npt.NDArray[Any], npt.NDArray[np.float64]]]:
        """As `_by_measure`, for those who ask for one number: choosing rows of a table costs more than adding them."""
        places = ["measure", "kind", "depth", "split", "control"]
        ordered = self.measures.sort_values("run", kind="stable")
        runs, values = ordered["run"].to_numpy(object), ordered["value"].to_numpy(np.float64)
        return {
            (str(measure), str(kind), int(depth), str(split), str(control)): (runs[rows], values[rows])
            for (measure, kind, depth, split, control), rows in _where(ordered, places).items()
        }

    def mean(self, measure: str, kind: str, depth: int, split: str = "held_out", control: str = "none") -> float:
        """Mean over seeds. Raises NotFoundError where there is no such number."""
        values = self.numbers(measure, kind, depth, split, control)
        if not len(values):
            raise NotFoundError(
                f"value of {measure} ({kind}, depth {depth}, {split}, {control}); measure",
                measure, [str(name) for name in self.measures["measure"].unique()],
            )  # fmt: skip
        return mean_of(values)


def _where(rows: pd.DataFrame, keys: list[Any]) -> dict[Any, npt.NDArray[np.intp]]:
    """By each combination of keys that there is, the places of its rows."""
    return dict(rows.groupby(keys, observed=True, sort=False).indices)  # type: ignore[arg-type]  # keys are tuples


def mean_of(values: npt.NDArray[np.float64]) -> float:
    """The mean of what is defined; NaN where nothing is."""
    defined = values[~np.isnan(values)]
    return float(defined.sum() / len(defined)) if len(defined) else math.nan


def open_results(name: str, paths: Paths) -> Results:
    """The tables of an experiment, run here or tracked. Raises NotFoundError when there are none.

    Raises StageError for tables that were run here and have lost their manifest, or whose manifest is broken: the
    tracked ones are older.
    """
    for folder in (paths.collected / name, paths.tracked / name):
        if present(folder):
            opened = Results(folder)
            _ = opened.manifest  # read once: what is broken is said before anything is drawn from it
            return opened
    found = {p.parent.name for base in (paths.collected, paths.tracked) for p in base.glob(f"*/{MANIFEST}")}
    raise NotFoundError("results of an experiment", name, sorted(found))


def source(main: Results | None, name: str, paths: Paths) -> Results:
    """The tables that a figure or a number names: `main`, those that the site is built from, where it names none.

    `main` keeps what was opened first, so that it can say in the end whether it was replaced in between. Raises
    NotFoundError where there are none.
    """
    if main is None:
        return open_results(name or "of this site (it has no experiment)", paths)
    if name in ("", main.experiment):
        return main
    found = open_results(name, paths)
    opened = _opened(found.folder, found.pinned)
    main.others.setdefault(opened.folder, opened.pinned)
    return opened


@cache
def _opened(folder: Path, pinned: Pinned) -> Results:
    """Tables that are read once, however many artefacts ask for them."""
    return Results(folder, given=pinned)


def is_current(experiment: Experiment, chains: list[Chain], paths: Paths, *, looked: bool = True) -> bool:
    """Whether the collected tables are those of exactly these chains, every file as it was written; `looked`: with
    what was found of single latents."""
    folder = paths.collected / experiment.name
    try:
        manifest = read_manifest(folder)
    except StageError:  # none yet, or a broken one in a cache: not current, so that it is made again
        return False
    wanted = (stage_keys(experiment, chains, looked=looked), experiment.title, code_version("analysis.run.collect"))
    return tuple(manifest.get(name) for name in ("stages", "title", "code")) == wanted and not damage(folder)


def stage_keys(experiment: Experiment, chains: list[Chain], *, looked: bool = True) -> dict[str, str]:
    """What an experiment's tables are joined from: keys of the stages that hold them, by chain and stage."""
    keys = {f"{chain.run}/{chain.control}": chain.measures.key for chain in chains}
    looks = of_chains(experiment, chains) if looked else []
    return keys | {f"{look.name}/{s.name}": s.key for look in looks for s in look.tables}
