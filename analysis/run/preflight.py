"""What must be in order before an experiment trains anything, and how much there is to do.

Names are looked up and options checked where they are used, which for the last stage of a chain is hours after the
first. So everything that a run will build is built once beforehand: the host with its hook, each SAE with its step, the
reader; and the device is tried.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from analysis.plan import edges
from analysis.plan.config import Experiment, RunConfig, SaeConfig
from analysis.plan.stage_configs import NullTowerStage, SaeStage, TrainedStage
from analysis.plan.stage_folders import Stage
from analysis.run.hosts._host import Host, check_hook
from analysis.run.stages._load import dataset_of, new_host
from analysis.run.stages.reader import new_reader
from analysis.run.stages.sae import device, new_sae
from analysis.system import toml_file
from sae.discover import construct, find_all
from sae.errors import ConfigError, StrataError
from sae.steps import step_for
from sae.train import Trainee

# What a worker takes with torch loaded and the embedded data read.
WORKER_BYTES = 800_000_000
# Arrays of rows by latents that the widest stage holds at once, and those of latents by inputs (weights, gradients,
# Adam's moments, copies of them).
ROW_ARRAYS, WEIGHT_ARRAYS = 3, 10
# A training step on one core, measured on the experiments of data/results: seconds a product, and seconds at least.
PRODUCT_SECONDS, STEP_SECONDS = 8e-11, 4e-4


@dataclass(frozen=True)
class Forecast:
    """How much the missing stages are."""

    stages: int
    """How many are missing."""
    seconds: float
    """What training their SAEs takes on one core."""
    memory: int
    """Bytes that a worker needs."""

    def sentence(self, total: int, workers: int) -> str:
        """For a user, before it starts."""
        return (
            f"{self.stages} of {total} stages to do with {workers} worker{'s' * (workers > 1)}; training SAEs alone "
            f"takes {duration(self.seconds / workers)}"
        )


def forecast(experiment: Experiment, missing: Sequence[Stage], file: Path) -> Forecast:
    """Try every setting of `experiment` on what it is for, and say how much the `missing` stages are.

    Raises ConfigError or NotFoundError, naming the line of `file` (the experiment's TOML) where one is to blame, and
    DataError for data that cannot be read.
    """
    find_all("sae.measures")  # which of an installed package's cannot be used is said here, once
    where = device()
    with naming_data(experiment, file):
        dataset = dataset_of(experiment.source)
    if experiment.interpret.kind:
        shape = dataset.images.shape[1:]  # single latents are looked at on images
        with blamed(experiment, file, ("interpret", "reader")):
            new_reader(shape, dataset.n_classes or 2, 0, experiment.interpret.reader)
    widths: dict[str, int] = {}
    rows: dict[str, int] = {}
    tried: set[str] = set()
    most = 0
    for run in {run.variant: run for run in experiment.runs()}.values():
        place = json.dumps(asdict(run.host), sort_keys=True)
        if place not in widths:
            with blamed(experiment, file, ("host", "options")):
                host: Host = new_host(run.host.name, run.host.options, run.seed, dataset)
            with blamed(experiment, file, ("host", "hook")):
                check_hook(run.host.hook, host)
            widths[place] = host.hooks()[run.host.hook]
            there = len(dataset.examples) * dataset.places
            rows[place] = min(there, round(1.1 * run.host.rows) or there)
        for path, sae, d_in, nulls in saes(run, widths[place]):
            key = json.dumps([asdict(sae), d_in, nulls], sort_keys=True)
            if key not in tried:
                tried.add(key)
                with blamed(experiment, file, (*path, "options")):
                    model = new_sae(sae.architecture, d_in, sae.width, sae.k, sae.options)
                    Trainee(sae.architecture, model, frozen_decoder=nulls)
                    step_for(model, sae.train, where)
                # codes of all rows are sparse; those of the rows that are measured are held with every latent
                measured = min(rows[place], 2 * run.measured_rows or rows[place])
                arrays = ROW_ARRAYS * (measured * sae.width + (rows[place] - measured) * d_in)
                most = max(most, 4 * (arrays + WEIGHT_ARRAYS * sae.width * d_in))
    host_width = max(widths.values(), default=0)
    seconds = sum(training_seconds(stage, host_width) for stage in missing)
    return Forecast(len(missing), seconds, WORKER_BYTES + most)


@contextmanager
def naming_data(experiment: Experiment, file: Path) -> Iterator[None]:
    """Say in an error which line of the experiment's file has the option of the data set that it is about."""
    try:
        yield
    except StrataError as error:
        if not experiment.dataset_options:  # a data set of the tool's or the project's: its words say what is wrong
            raise
        words = re.findall(r"\w+", str(error))
        named = [name for name in experiment.dataset_options if name in words]
        place = toml_file.place(file, ("dataset_options", *named[:1]))
        raise ConfigError(f"{place}: data set {experiment.dataset}: {error}") from error


class blamed:
    """Say in an error which line of the experiment's file it is about: the option's that it names, if it names one.

    That is a StrataError, or a call that does not fit what it calls; any other is a bug, and comes with its traceback.
    """

    def __init__(self, experiment: Experiment, file: Path, path: tuple[str | int, ...]) -> None:
        self.experiment, self.file, self.path = experiment, file, path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, StrataError) or (isinstance(error, TypeError) and _of_the_call(trace)):
            text = str(error) if isinstance(error, StrataError) else f"{type(error).__name__}: {error}"
            place = toml_file.place(self.file, self._path(re.findall(r"\w+", text)))
            where = ".".join(map(str, self.path[:-1]))
            said = " ".join(text.split()).removeprefix(f"{where}.")
            raise ConfigError(f"{place}: {where}: {said}") from error

    def _path(self, words: list[str]) -> tuple[str | int, ...]:
        """Of a variant or the grid, if one of their paths ends with a name that the error says, or holds it."""
        settings: list[tuple[tuple[str | int, ...], dict[str, Any]]] = [(("grid",), self.experiment.grid)]
        for number, variant in enumerate(self.experiment.variants):
            settings += [(("variants", number, "set"), variant.set), (("variants", number, "grid"), variant.grid)]
        for where, paths in settings:
            for path, value in paths.items():
                if {path.split(".")[-1], *(value if isinstance(value, dict) else ())} & set(words):
                    return (*where, path)
        table: Any = asdict(self.experiment)
        for key in self.path:
            table = table[key]
        named = [name for name in table if name in words] if isinstance(table, dict) else []
        return (*self.path, *named[:1])


def _of_the_call(trace: TracebackType) -> bool:
    """Whether an error came from calling something with arguments of the experiment, and not from within it."""
    while trace.tb_next:
        trace = trace.tb_next
    frame = trace.tb_frame
    return (frame.f_globals.get("__name__"), frame.f_code.co_name) == (construct.__module__, construct.__name__)


def saes(run: RunConfig, host_width: int) -> Iterator[tuple[tuple[str | int, ...], SaeConfig, int, bool]]:
    """Every SAE that a run trains, with where it stands in the experiment's file, the width of its rows, and whether it
    is trained with a frozen decoder, too."""
    yield ("sae",), run.sae, host_width, any(tower.nulls for tower in run.towers)
    for number, other in enumerate(run.compare):
        yield ("compare", number), other, host_width, False
    for number, tower in enumerate(run.towers):
        below = run.sae.width
        for depth in range(2, tower.depth + 1):
            sae = tower.at(depth, run.sae)
            yield ("towers", number), sae, below if tower.kind == "latents" else host_width, tower.nulls
            if tower.direct:
                yield (
                    (("towers", number) if tower.kind == "latents" else ("sae",)),
                    tower.single(depth, run.sae),
                    host_width,
                    False,
                )
            below = sae.width


def training_seconds(stage: Stage, host_width: int) -> float:
    """What training the SAEs of a stage takes on one core, about; 0 for stages that train none."""
    config = stage.config
    if isinstance(config, NullTowerStage):
        return sum(
            float(1 + layer.folds) * _seconds(layer, host_width if layer.depth == 1 else below.width)
            for layers in config.towers.values()
            for below, layer in zip([layers[0], *layers], layers, strict=False)
        )
    if not isinstance(config, TrainedStage):
        return 0.0
    below = edges.parents(stage)[edges.layer(config.depth - 1)] if config.depth > 1 else None
    inner = SaeStage.of(below).width if below and config.kind == "latents" else host_width
    folds = config.folds if config.depth > 1 else 0
    times = 1 + folds if isinstance(config, SaeStage) else 1 + 3 * max(1, folds)
    return times * _seconds(config, inner)


def _seconds(sae: TrainedStage, d_in: int) -> float:
    return sae.train.steps * max(STEP_SECONDS, PRODUCT_SECONDS * sae.train.batch * sae.width * d_in)


def duration(seconds: float) -> str:
    """`less than a minute`, `12 minutes`, `3.5 hours`, `12 days`."""
    if seconds < 90:
        return "less than a minute" if seconds < 60 else "about a minute"
    for unit, size, most in (("minutes", 60, 90), ("hours", 3600, 48)):
        if seconds < most * size:
            return f"about {seconds / size:.{int(unit == 'hours')}f} {unit}"
    return f"about {seconds / 86400:,.0f} days"
