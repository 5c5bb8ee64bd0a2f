"""Experiments and runs as settings. Free of torch.

An experiment is a TOML file under data/experiments; it expands into one `RunConfig` per seed and, with a grid, per
point of it. A run IS its config: its id is a hash of the whole canonical config, so nothing swept can be left out of a
name. Where it runs is not part of it.
"""

from __future__ import annotations

import copy
import dataclasses
import itertools
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from analysis.plan.bounds import (
    HOST_PLACES,
    MAX_FOLDS,
    MAX_LATENTS,
    MAX_RUNS,
    SAE_PLACES,
    bounded,
    check,
    checked_grid,
    checked_seeds,
    one_place,
)  # fmt: skip
from analysis.plan.data_source import source
from analysis.plan.interpret_config import InterpretConfig
from analysis.plan.language_config import LanguageConfig
from analysis.plan.settings import SettingError, brief, build, clash, flat, override, said, typed
from analysis.system import toml_file
from sae.config import StopConfig, TowerKind, TrainConfig
from sae.errors import ConfigError, NotFoundError

RULES = ("constant", "doubling", "halving")
KINDS = get_args(TowerKind)
MAX_DEPTH = 10
MAX_WIDTH = 4096
LEAST_MEASURED = 1000


@dataclass(frozen=True, kw_only=True)
class HostConfig:
    """The model whose activations are read."""

    name: str = "mlp"
    """A module of analysis/run/hosts."""
    hook: str = "hidden1"
    """Where its activations are read."""
    options: dict[str, Any] = field(default_factory=dict)
    """Passed to the host as they are."""
    rows: int = 0
    """Of a host with a row for each token: at most about so many rows to train on, and a tenth as many held out, from
    whole contexts, evenly spaced; 0: all."""

    def __post_init__(self) -> None:
        typed(self, "host")
        if self.rows < 0:
            raise ConfigError(f"host.rows = {self.rows}: must be at least 0")
        one_place(self.options, HOST_PLACES, "host.options")


@dataclass(frozen=True, kw_only=True)
class SaeConfig:
    """One SAE: of depth 1 when it stands in the experiment, of a deeper depth when a tower derives it."""

    architecture: str = "topk"
    """A module of sae/architectures."""
    width: int = 512
    """Number of latents."""
    k: int = 16
    """Active latents a row."""
    options: dict[str, Any] = field(default_factory=dict)
    """Further options of the architecture."""
    train: TrainConfig = TrainConfig()

    def __post_init__(self) -> None:
        typed(self, "sae")
        if self.width < 1 or not 1 <= self.k <= self.width:
            raise ConfigError(f"an SAE with width = {self.width} and k = {self.k}: k must be in 1..width")
        if self.width > MAX_LATENTS:
            raise ConfigError(f"sae.width = {self.width}: must be at most {MAX_LATENTS}")
        bounded(self.train)
        one_place(self.options, SAE_PLACES, "sae.options")


@dataclass(frozen=True, kw_only=True)
class TowerConfig:
    """The depths above depth 1. Depth 1 is the experiment's `[sae]`, shared by all its towers."""

    kind: TowerKind
    """`latents`: each depth reads the codes below; `directions`: the directions below."""
    depth: int = 4
    """Depths in all, depth 1 included; at most 10."""
    width: str | list[int] = ""
    """constant, doubling (to 4096 at most), halving, each from depth 1 on, or a list with one width for each depth
    from 2 on. Empty: constant in the latents kind, halving in the directions kind."""
    k: str | list[int] = "halving"
    """Likewise; a rule's k is cut to the width. Constant width with constant k makes plain copying perfect."""
    architecture: str | list[str] = "topk"
    """One for all depths from 2 on, or a list with one for each."""
    options: dict[str, Any] = field(default_factory=dict)
    """Further options: of the architecture, or, where there are several, by the architecture's name."""
    train: TrainConfig = TrainConfig()
    direct: bool = False
    """Also train, for each depth from 2 on, one SAE on the host itself: as wide as that depth and, in the latents
    kind, as sparse (in the directions kind with the k of depth 1: the smaller SAE that papers compare with)."""
    folds: int = 5
    """Directions kind: parts of the rows that are held out in turn, each with an SAE trained on the rest."""
    nulls: bool = True
    """Also train, at each depth on the trained host, what a verdict needs: SAEs on rows without structure, one with a
    frozen random decoder, and one from another seed. Without them there is no verdict."""
    stop: StopConfig = StopConfig()
    """When the tower stops by itself."""

    def __post_init__(self) -> None:
        typed(self, "towers")
        bounded(self.train)
        if self.kind not in KINDS:
            raise ConfigError(f"towers.kind = {self.kind!r}: must be one of {', '.join(KINDS)}")
        if not 1 <= self.depth <= MAX_DEPTH:
            raise ConfigError(f"towers.depth = {self.depth}: must be in 1..{MAX_DEPTH}")
        if not 2 <= self.folds <= MAX_FOLDS:
            raise ConfigError(f"towers.folds = {self.folds}: must be at least 2 and at most {MAX_FOLDS}")
        if not self.width:
            object.__setattr__(self, "width", "constant" if self.kind == "latents" else "halving")
        for name in ("width", "k", "architecture"):
            value = getattr(self, name)
            if isinstance(value, list) and len(value) != self.depth - 1:
                raise ConfigError(
                    f"towers.{name} = {value}: needs {self.depth - 1} entries, for depths 2 to {self.depth}"
                )
        for name in ("width", "k"):
            value = getattr(self, name)
            if isinstance(value, str) and value not in RULES:
                raise ConfigError(f"towers.{name} = {value!r}: must be {', '.join(RULES)} or a list of numbers")
            if isinstance(value, list) and any(number < 1 for number in value):
                raise ConfigError(f"towers.{name} = {value}: every number must be at least 1")
        if isinstance(self.architecture, list):
            for name, options in self.options.items():
                if name not in self.architecture or not isinstance(options, dict):
                    raise ConfigError(
                        f"towers.options = {brief(self.options)}: with several architectures each has a table under "
                        f"its name ({', '.join(dict.fromkeys(self.architecture))}), and {name!r} is none of these"
                    )
                one_place(options, SAE_PLACES, f"towers.options.{name}")
        else:
            one_place(self.options, SAE_PLACES, "towers.options")

    def at(self, depth: int, first: SaeConfig) -> SaeConfig:
        """The SAE of `depth`, given that of depth 1."""
        if depth == 1:
            return first
        width, k = scheduled(self.width, first.width, depth), scheduled(self.k, first.k, depth)
        if isinstance(self.k, list) and k > width:
            raise ConfigError(f"towers.k = {self.k}: {k} active latents at depth {depth}, which has {width}")
        several = isinstance(self.architecture, list)
        architecture = self.architecture[depth - 2] if isinstance(self.architecture, list) else self.architecture
        return SaeConfig(
            architecture=architecture,
            width=width,
            k=min(k, width),
            options=self.options.get(architecture, {}) if several else self.options,
            train=self.train,
        )

    def single(self, depth: int, first: SaeConfig) -> SaeConfig:
        """The SAE on the host that stands beside `depth`: see `direct`."""
        wanted = self.at(depth, first)
        if self.kind == "latents":
            return wanted
        return dataclasses.replace(first, width=wanted.width, k=min(first.k, wanted.width))


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """Everything that decides the numbers of one run."""

    dataset: str
    dataset_options: dict[str, Any] = field(default_factory=dict)
    """Passed to the data set as they are."""
    host: HostConfig
    sae: SaeConfig
    towers: tuple[TowerConfig, ...]
    compare: tuple[SaeConfig, ...] = ()
    controls: bool = True
    panel: str = "full"
    measured_rows: int = 0
    variant: str = ""
    """Which point of a grid this is; empty without a grid."""
    seed: int

    def __post_init__(self) -> None:
        typed(self, "")
        if self.measured_rows and self.measured_rows < LEAST_MEASURED:
            raise ConfigError(
                f"measured_rows = {self.measured_rows}: must be at least {LEAST_MEASURED} (floors are drawn from so "
                "many), or 0 for all"
            )

    @property
    def source(self) -> str:
        """The data set with its options, as stages know it."""
        return source(self.dataset, self.dataset_options)

    def canonical(self) -> str:
        """JSON with sorted keys, which is hashed; without what came later and is at its default."""
        table = dataclasses.asdict(self)
        for part, name in ((table, "dataset_options"), (table, "measured_rows"), (table["host"], "rows")):
            if not part[name]:
                del part[name]
        return json.dumps(table, sort_keys=True)

    @classmethod
    def from_canonical(cls, text: str) -> RunConfig:
        """The config that `canonical` wrote."""
        return build(cls, json.loads(text), "run")


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A named change of an experiment: settings by their dotted paths, such as `sae.options.penalty`."""

    name: str
    set: dict[str, Any] = field(default_factory=dict)
    grid: dict[str, Any] = field(default_factory=dict)
    """Swept within this variant only; in place of the experiment's axes of the same paths."""
    seeds: tuple[int, ...] = ()
    """In place of the experiment's; empty: those."""

    def __post_init__(self) -> None:
        typed(self, "variant")
        object.__setattr__(self, "set", flat(self.set))
        object.__setattr__(self, "grid", checked_grid(self.grid, f"variant {self.name}"))
        checked_seeds(self.seeds)
        if len(set(self.seeds)) != len(self.seeds):
            raise ConfigError(f"variant {self.name}: seeds = {list(self.seeds)} must be distinct")


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A TOML file: what is common to its runs, the seeds, and what is swept."""

    name: str
    title: str
    dataset: str = "digits"
    """A module of analysis/run/datasets."""
    dataset_options: dict[str, Any] = field(default_factory=dict)
    """Passed to the data set as they are: `{ path = "data/mine", size = 32 }`."""
    seeds: tuple[int, ...] = (0, 1, 2)
    host: HostConfig = HostConfig()
    sae: SaeConfig = SaeConfig()
    towers: tuple[TowerConfig, ...]
    compare: tuple[SaeConfig, ...] = ()
    """Single SAEs on the trained host, one an architecture, beside depth 1; in the tables their kind is its name."""
    controls: bool = True
    """Also do everything on the randomly initialised host."""
    panel: str = "full"
    """full, or short: the numbers of the SAEs alone, without floors, single latents and examples."""
    measured_rows: int = 0
    """At most about so many rows of a split are measured, evenly spaced; 0: all. Training and nulls see all. Measures
    hold rows by latents: 20,000 rows of 16,384 latents are 1.3 GB."""
    variants: tuple[Variant, ...] = ()
    """Named settings, each run with everything of the grid."""
    grid: dict[str, Any] = field(default_factory=dict)
    """Settings that are swept, by dotted path: `towers.k = [...]` for all towers, `towers.latents.k` for those of a
    kind, `every.architecture` for `[sae]` and all towers, `towers.kind` for which of the towers are built. All
    combinations are run."""
    interpret: InterpretConfig = InterpretConfig()
    language: LanguageConfig = LanguageConfig()

    def __post_init__(self) -> None:
        typed(self, "")
        object.__setattr__(self, "grid", checked_grid(self.grid, f"experiment {self.name}"))
        checked_seeds(self.seeds)
        if self.interpret.kind and (self.variants or self.grid or self.panel != "full"):
            raise ConfigError(f"experiment {self.name}: interpret goes with one point and the full panel only")
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise ConfigError(f"experiment {self.name}: seeds = {list(self.seeds)} must be distinct and not empty")
        kinds = [tower.kind for tower in self.towers]
        if not kinds or len(set(kinds)) != len(kinds):
            raise ConfigError(f"experiment {self.name}: needs one or two towers of different kinds, has {kinds}")
        if self.interpret.kind and self.interpret.kind not in kinds:
            raise ConfigError(f"experiment {self.name}: interpret.kind = {self.interpret.kind!r}, towers are {kinds}")
        many = self.size()
        if many > MAX_RUNS:
            raise ConfigError(
                f"grid = {many:,} runs of experiment {self.name} (points of the grid, variants and seeds): must be at "
                f"most {MAX_RUNS:,}; sweep fewer values at once, or make several experiments of it"
            )

    @property
    def source(self) -> str:
        """The data set with its options, as stages know it."""
        return source(self.dataset, self.dataset_options)

    def size(self) -> int:
        """How many runs there are, counted without making them."""
        return sum(
            len(variant.seeds or self.seeds) * math.prod(map(len, ({**self.grid, **variant.grid}).values()))
            for variant in self.variants or (Variant(name=""),)
        )

    def runs(self) -> list[RunConfig]:
        """One run per variant, point of the grid and seed. Raises ConfigError for a path that leads nowhere."""
        return [self._run(settings, name, seed) for name, settings, seeds in self.points() for seed in seeds]

    def points(self) -> list[tuple[str, dict[str, Any], tuple[int, ...]]]:
        """Name, settings to change and seeds of each variant and point of the grid; one, unnamed, without either."""
        found: dict[str, tuple[str, dict[str, Any], tuple[int, ...]]] = {}
        kinds = [tower.kind for tower in self.towers]
        for number, variant in enumerate(self.variants or (Variant(name=""),)):
            grid = {**self.grid, **variant.grid}
            # an axis of the experiment would win over what the variant sets, without a word
            if twice := clash([*variant.set, *grid], kinds):
                raise SettingError(
                    f"experiment {self.name}{variant.name and f', {variant.name}'}: the paths {twice[0]} and "
                    f"{twice[1]} set the same thing; leave one of them out",
                    ("variants", number, "grid" if twice[1] in variant.grid else "set") if self.variants else ("grid",),
                )
            for values in itertools.product(*grid.values()):
                point = dict(zip(grid, values, strict=True))
                words = [f"{path.split('.')[-1]} {said(value)}" for path, value in point.items()]
                name = ", ".join(word for word in (variant.name, *words) if word)
                if name in found:
                    raise ConfigError(f"experiment {self.name}: two runs are named {name!r}")
                found[name] = name, {**variant.set, **point}, variant.seeds or self.seeds
        return list(found.values())

    def _run(self, settings: dict[str, Any], name: str, seed: int) -> RunConfig:
        whole = dataclasses.asdict(self)
        table = {key: copy.deepcopy(whole[key]) for key in RUN_KEYS}
        for path, value in settings.items():
            if path in ("seed", "seeds", "variant"):
                raise self._at(path, f"experiment {self.name}: {path!r} is not swept by a path; `seeds` lists them")
            try:
                override(table, path.split("."), value)
            except KeyError as error:
                message = f"experiment {self.name}: no setting {path!r} ({error.args[0]})"
                raise self._at(path, message) from error
        where = f"experiment {self.name}" + (f", {name}" if name else "")
        try:
            run = build(RunConfig, {**table, "variant": name, "seed": seed}, where)
            check(run.panel, run.sae, run.compare)
            return run
        except ConfigError as error:
            message = str(error) if where in str(error) else f"{where}: {error}"
            wrong = getattr(error, "path", ())
            # said by a variant or the grid? the path whose end is the setting that is wrong
            for path in reversed(settings):
                if wrong and path.split(".")[-1] in wrong:
                    raise self._at(path, message) from error
            raise SettingError(message, wrong) from error

    def _at(self, path: str, message: str) -> SettingError:
        """An error in a dotted path, which stands in the grid or in what a variant sets."""
        for number, variant in enumerate(self.variants):
            for name in ("set", "grid"):
                if path in getattr(variant, name):
                    return SettingError(message, ("variants", number, name, path))
        return SettingError(message, ("grid", path))


RUN_KEYS = tuple(f.name for f in dataclasses.fields(RunConfig) if f.name not in ("seed", "variant"))


def scheduled(rule: str | list[int], start: int, depth: int) -> int:
    """A width or k at `depth` (from 1) by a rule, or the list's entry for that depth; in 1..4096 (or `start`)."""
    if isinstance(rule, list):
        return rule[depth - 2]
    factor = {"constant": 1.0, "doubling": 2.0, "halving": 0.5}[rule]
    most = max(start, MAX_WIDTH) if rule == "doubling" else start
    return min(most, max(1, int(start * factor ** (depth - 1))))


def experiment_names(folder: Path) -> list[str]:
    """The experiments under `folder`."""
    return sorted(path.stem for path in folder.glob("*.toml"))


def load_experiment(folder: Path, name: str) -> Experiment:
    """Read data/experiments/NAME.toml. Raises NotFoundError or ConfigError (with file and key)."""
    path = folder / f"{name}.toml"
    if name not in experiment_names(folder):
        raise NotFoundError("experiment", name, experiment_names(folder))
    table, text = toml_file.read(path)
    if "name" in table:
        raise ConfigError(f"{path.name}: unknown key 'name'; an experiment is named by its file")
    try:
        experiment = build(Experiment, {"name": name, **table}, "experiment")
        experiment.runs()  # a mistake in one variant is told before anything is trained
        return experiment
    except ConfigError as error:
        line = toml_file.line_of(text, getattr(error, "path", ()))
        place = f"{path.name}:{line}" if line else path.name
        raise ConfigError(f"{place}: {str(error).removeprefix('experiment.')}") from error
