"""Experiments and runs as settings. Free of torch.

An experiment is a TOML file under data/experiments; it expands into one `RunConfig` per seed. A run IS its config:
its id is a hash of the whole canonical config, so nothing swept can be left out of a name. Where it runs is not
part of it.
"""

from __future__ import annotations

import dataclasses
import json
import tomllib
import types
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from sae.config import TrainConfig
from sae.errors import ConfigError, NotFoundError

T = TypeVar("T")
RULES = ("constant", "doubling", "halving")
KINDS = ("latents", "directions")
MAX_DEPTH = 10


@dataclass(frozen=True, kw_only=True)
class HostConfig:
    """The model whose activations are read."""

    name: str = "mlp"
    """A module of analysis/hosts."""
    hook: str = "hidden1"
    """Where its activations are read."""
    options: dict[str, Any] = field(default_factory=dict)
    """Passed to the host as they are."""


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
        if self.width < 1 or not 1 <= self.k <= self.width:
            raise ConfigError(f"an SAE with width = {self.width} and k = {self.k}: k must be in 1..width")


@dataclass(frozen=True, kw_only=True)
class TowerConfig:
    """The depths above depth 1. Depth 1 is the experiment's `[sae]`, shared by all its towers."""

    kind: str
    """`latents`: each depth reads the codes below; `directions`: the directions below."""
    depth: int = 4
    """Depths in all, depth 1 included; at most 10."""
    width: str | list[int] = "constant"
    """constant, doubling, halving (from depth 1 on), or a list with one width for each depth from 2 on."""
    k: str | list[int] = "halving"
    """Likewise; a rule's k is cut to the width. Constant width with constant k makes plain copying perfect."""
    architecture: str = "topk"
    options: dict[str, Any] = field(default_factory=dict)
    train: TrainConfig = TrainConfig()
    direct: bool = False
    """Also train, for each depth from 2 on, one SAE on the host itself that is as wide and as sparse as that depth."""
    folds: int = 5
    """Directions kind: parts of the rows that are held out in turn, each with an SAE trained on the rest."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ConfigError(f"towers.kind = {self.kind!r}: must be one of {', '.join(KINDS)}")
        if not 1 <= self.depth <= MAX_DEPTH:
            raise ConfigError(f"towers.depth = {self.depth}: must be in 1..{MAX_DEPTH}")
        if self.direct and self.kind == "directions":
            raise ConfigError("towers.direct: only the latents kind has a counterpart on the host")
        if self.folds < 2:
            raise ConfigError(f"towers.folds = {self.folds}: must be at least 2")
        for name in ("width", "k"):
            value = getattr(self, name)
            if isinstance(value, str) and value not in RULES:
                raise ConfigError(f"towers.{name} = {value!r}: must be {', '.join(RULES)} or a list of numbers")
            if isinstance(value, list) and any(number < 1 for number in value):
                raise ConfigError(f"towers.{name} = {value}: every number must be at least 1")
            if isinstance(value, list) and len(value) != self.depth - 1:
                raise ConfigError(
                    f"towers.{name} = {value}: needs {self.depth - 1} numbers, for depths 2 to {self.depth}"
                )

    def at(self, depth: int, first: SaeConfig) -> SaeConfig:
        """The SAE of `depth`, given that of depth 1."""
        if depth == 1:
            return first
        width, k = scheduled(self.width, first.width, depth), scheduled(self.k, first.k, depth)
        if isinstance(self.k, list) and k > width:
            raise ConfigError(f"towers.k = {self.k}: {k} active latents at depth {depth}, which has {width}")
        return SaeConfig(
            architecture=self.architecture,
            width=width,
            k=min(k, width),
            options=self.options,
            train=self.train,
        )


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """Everything that decides the numbers of one run."""

    dataset: str
    host: HostConfig
    sae: SaeConfig
    towers: tuple[TowerConfig, ...]
    compare: tuple[SaeConfig, ...] = ()
    seed: int

    def canonical(self) -> str:
        """JSON with sorted keys: the text that is hashed."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @classmethod
    def from_canonical(cls, text: str) -> RunConfig:
        """The config that `canonical` wrote."""
        return build(cls, json.loads(text), "run")


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A TOML file: what is common to its runs, and the seeds."""

    name: str
    title: str
    dataset: str = "digits"
    seeds: tuple[int, ...] = (0, 1, 2)
    host: HostConfig = HostConfig()
    sae: SaeConfig = SaeConfig()
    towers: tuple[TowerConfig, ...]
    compare: tuple[SaeConfig, ...] = ()
    """Single SAEs on the trained host, one an architecture, beside depth 1; in the tables their kind is its name."""

    def __post_init__(self) -> None:
        sizes = (self.sae.width, self.sae.k)
        for other in self.compare:
            if (other.width, other.k) != sizes:
                raise ConfigError(
                    f"experiment {self.name}: compare has {other.architecture} with width and k "
                    f"{other.width, other.k}, [sae] has {sizes}: only equal ones can be compared"
                )
        compared = [sae.architecture for sae in self.compare]
        if len(set(compared)) != len(compared):
            raise ConfigError(f"experiment {self.name}: compare has an architecture twice: {compared}")
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise ConfigError(f"experiment {self.name}: seeds = {list(self.seeds)} must be distinct and not empty")
        kinds = [tower.kind for tower in self.towers]
        if not kinds or len(set(kinds)) != len(kinds):
            raise ConfigError(f"experiment {self.name}: needs one or two towers of different kinds, has {kinds}")

    def runs(self) -> list[RunConfig]:
        """One run per seed."""
        return [
            RunConfig(
                dataset=self.dataset,
                host=self.host,
                sae=self.sae,
                towers=self.towers,
                compare=self.compare,
                seed=seed,
            )
            for seed in self.seeds
        ]


def scheduled(rule: str | list[int], start: int, depth: int) -> int:
    """A width or k at `depth` (from 1) by a rule, or the list's entry for that depth; never below 1."""
    if isinstance(rule, list):
        return rule[depth - 2]
    factor = {"constant": 1.0, "doubling": 2.0, "halving": 0.5}[rule]
    return max(1, int(start * factor ** (depth - 1)))


def build(kind: type[T], table: Any, where: str) -> T:
    """A dataclass from a parsed table. Raises ConfigError for an unknown key or a value of the wrong type."""
    if not isinstance(table, dict):
        raise ConfigError(f"{where} = {table!r}: must be a table")
    known = {f.name for f in dataclasses.fields(kind)}  # type: ignore[arg-type]  # every caller gives a dataclass
    for key in table:
        if key not in known:
            raise ConfigError(f"{where}: unknown key {key!r}; known: {', '.join(sorted(known))}")
    hints = typing.get_type_hints(kind)
    values = {key: convert(hints[key], value, f"{where}.{key}") for key, value in table.items()}
    try:
        return kind(**values)
    except TypeError as error:
        raise ConfigError(f"{where}: {str(error).split('__init__() ')[-1]}") from error


def convert(hint: Any, value: Any, where: str) -> Any:
    """`value` as the type that the annotation `hint` asks for."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint):
        return build(hint, value, where)  # type: ignore[arg-type]  # a dataclass type, checked just before
    if origin is tuple and isinstance(value, (list, tuple)):
        return tuple(convert(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if origin is list and isinstance(value, list):
        return [convert(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(value)]
    if origin is types.UnionType:
        for choice in arguments:
            try:
                return convert(choice, value, where)
            except ConfigError:
                continue
    if origin is dict and isinstance(value, dict):
        return value
    if hint is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if hint in (int, str, bool) and type(value) is hint:
        return value
    wanted = getattr(hint, "__name__", None) if origin is None else str(hint)
    raise ConfigError(f"{where} = {value!r}: must be of type {wanted}")


def experiment_names(folder: Path) -> list[str]:
    """The experiments under `folder`."""
    return sorted(path.stem for path in folder.glob("*.toml"))


def load_experiment(folder: Path, name: str) -> Experiment:
    """Read data/experiments/NAME.toml. Raises NotFoundError or ConfigError (with file and key)."""
    path = folder / f"{name}.toml"
    if name not in experiment_names(folder):
        raise NotFoundError("experiment", name, experiment_names(folder))
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path.name}: {error}") from error
    if "name" in table:
        raise ConfigError(f"{path.name}: unknown key 'name'; an experiment is named by its file")
    try:
        return build(Experiment, {"name": name, **table}, path.name)
    except ConfigError as error:
        text = str(error)
        raise ConfigError(text if path.name in text else f"{path.name}: {text}") from error
