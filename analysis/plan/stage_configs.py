"""What each stage is asked to do, as a type: made by the plan, given to the stage, and as JSON part of its key.

The names of fields stand in keys and manifests: another name would have everything trained again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from analysis.plan.edges import Role
from analysis.plan.stage_folders import StageConfig
from sae.config import StopConfig, TowerKind, TrainConfig

HostControl = Literal["none", "random_host"]
"""Which host a chain stands on: the trained one, or its twin as it was drawn. One of the controls of the tables."""


@dataclass(frozen=True, kw_only=True)
class HostStage(StageConfig):
    """Train a host, or leave it as it was drawn."""

    dataset: str
    data: str
    """A hash of what the data set's files hold."""
    host: str
    options: dict[str, Any]
    trained: bool
    seed: int
    weights: str = ""
    """A hash of the files that a host reads its weights from; empty for one that is trained here."""

    def json(self) -> dict[str, Any]:
        """Without `weights` where there are none: hosts that are trained here are called as they always were."""
        found = asdict(self)
        return found if self.weights else {name: value for name, value in found.items() if name != "weights"}


@dataclass(frozen=True, kw_only=True)
class ActivationsStage(StageConfig):
    """Keep what the host has at a hook."""

    hook: str
    rows: int = 0
    """See `HostConfig.rows`."""

    def json(self) -> dict[str, Any]:
        """Without `rows` where all are kept."""
        return asdict(self) if self.rows else {"hook": self.hook}


@dataclass(frozen=True, kw_only=True)
class TrainedStage(StageConfig):
    """Train SAEs as one depth is trained: the stages `sae` and `nulls`."""

    architecture: str
    width: int
    k: int
    """Active latents a row: at most, on average, or as a target, as the architecture says."""
    options: dict[str, Any]
    train: TrainConfig
    kind: TowerKind | None
    """Of the tower; None at depth 1, which belongs to both kinds, and for single SAEs."""
    depth: int
    folds: int
    """Parts of the rows that are held out in turn; 0: none."""
    seed: int
    step: str
    """What trains it; see `analysis.plan.chains.trained_by`."""


@dataclass(frozen=True, kw_only=True)
class SaeStage(TrainedStage):
    """Train the SAE of one depth, unless the tower stops there."""

    stop: StopConfig | None
    """None where there is nothing below."""


@dataclass(frozen=True, kw_only=True)
class NullsStage(TrainedStage):
    """Train what a depth is compared with, as it was trained."""

    @classmethod
    def beside(cls, layer: TrainedStage, kind: TowerKind | None) -> NullsStage:
        """Of a depth of the tower of a `kind`."""
        return cls(**{**{field.name: getattr(layer, field.name) for field in fields(cls)}, "kind": kind})


@dataclass(frozen=True, kw_only=True)
class NullTowerStage(StageConfig):
    """Train all depths of the towers once more, on noise."""

    seed: int
    towers: Mapping[TowerKind, tuple[SaeStage, ...]]
    """The depths of each, depth 1 first."""


@dataclass(frozen=True, kw_only=True)
class MeasuresStage(StageConfig):
    """Measure a chain."""

    towers: Mapping[TowerKind, int]
    """How many depths of each were planned."""
    singles: tuple[Role, ...]
    """The single SAEs beside them."""
    panel: str
    compare: tuple[str, ...]
    """The architectures that are compared with depth 1."""
    control: HostControl
    run: str
    seed: int
    rows: int = 0
    """At most about so many rows of a split are measured; 0: all."""

    def json(self) -> dict[str, Any]:
        """With the names of roles, and `rows` where not all are measured."""
        found = {**asdict(self), "singles": [role.name for role in self.singles]}
        return found if self.rows else {name: value for name, value in found.items() if name != "rows"}


@dataclass(frozen=True, kw_only=True)
class RowsLooked(StageConfig):
    """How many examples are looked at, at most about."""

    train_rows: int
    held_out_rows: int

    def rows(self, split: str) -> int:
        """Of a split."""
        return {"train": self.train_rows, "held_out": self.held_out_rows}[split]


@dataclass(frozen=True, kw_only=True)
class ImagesStage(RowsLooked):
    """Measure attributes of the examples that are looked at."""

    dataset: str
    data: str


@dataclass(frozen=True, kw_only=True)
class ReaderStage(StageConfig):
    """Train the independent classifier."""

    dataset: str
    data: str
    seed: int
    options: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class LookStage(RowsLooked):
    """Look at the single latents of a chain: the stages `interpret` and `pictures`."""

    run: str
    control: HostControl
    seed: int
    kind: TowerKind
    depth: int
    """How many depths its tower has."""


@dataclass(frozen=True, kw_only=True)
class InterpretStage(LookStage):
    """Name latents, and see what they do."""

    permutations: int


@dataclass(frozen=True, kw_only=True)
class LanguageStage(StageConfig):
    """Evaluate the SAE of depth 1 on the language model that it was trained on."""

    run: str
    control: HostControl
    seed: int
    contexts: int
    probe_rows: int
    patterns: int
    ablated: int


@dataclass(frozen=True, kw_only=True)
class PicturesStage(LookStage):
    """Draw latents, and what stands beside them."""

    steps: int
