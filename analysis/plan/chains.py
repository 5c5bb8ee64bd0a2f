"""Which stages a run is made of, without loading torch or doing any of them.

For each seed there are two chains, one on the trained host and one on its randomly initialised twin:
host -> activations -> sae depth 1 -> ... -> measures. Beside a tower stand single SAEs on the host (`direct`: as wide
and as sparse as a depth of the latents tower; `small`: as wide as a depth of the directions tower) and, on the
trained host, what was trained on nothing (`nulls`) and one SAE of each architecture to compare. A depth is a
stage of its own, so a deeper tower, another kind or a killed run does again only what is missing; depth 1 is shared
by both kinds.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from analysis.plan import edges
from analysis.plan.code_version import code_version
from analysis.plan.config import Experiment, RunConfig, SaeConfig, TowerConfig
from analysis.plan.data_source import PACKAGE, parts
from analysis.plan.edges import ACTIVATIONS, HOST, NULL_TOWER, Role
from analysis.plan.stage_configs import (
    ActivationsStage,
    HostControl,
    HostStage,
    MeasuresStage,
    NullsStage,
    NullTowerStage,
    SaeStage,
)
from analysis.plan.stage_folders import Stage, StageConfig
from analysis.plan.weights import weights
from sae.config import TowerKind, TrainConfig
from sae.discover import load, module_name, names, taking
from sae.errors import NotFoundError
from sae.installed import numba_fault

# control "none" is the trained host itself
HOSTS: dict[HostControl, bool] = {"none": True, "random_host": False}


@dataclass(frozen=True)
class Chain:
    """The stages of one run on one host, each before those that need it; the last one measures."""

    config: RunConfig
    control: HostControl
    stages: tuple[Stage, ...]

    @cached_property
    def run(self) -> str:
        """The run's id."""
        return run_id(self.config)

    @property
    def name(self) -> str:
        """For messages."""
        return f"run {self.run} ({self.control})"

    @property
    def measures(self) -> Stage:
        """The stage that holds the tables."""
        return self.stages[-1]


def run_id(config: RunConfig) -> str:
    """Ten hex digits: a hash of the canonical config."""
    return hashlib.sha256(config.canonical().encode()).hexdigest()[:10]


def plan(experiment: Experiment) -> list[Chain]:
    """Every chain of an experiment. Raises NotFoundError for a data set, host or architecture that is not there."""
    return [
        chain(config, control)
        for config in experiment.runs()
        for control in HOSTS
        if config.controls or control == "none"
    ]


def chain(config: RunConfig, control: HostControl) -> Chain:
    """The stages of one run under one control."""
    read = weights(config.host.options)
    host = stage_of(
        "host",
        HostStage(
            dataset=config.source,
            data=fingerprint(config.source),
            host=config.host.name,
            options=config.host.options,
            trained=HOSTS[control],
            # weights that are read are those of every seed, and one twin stands beside them all
            seed=0 if read else config.seed,
            weights=read,
        ),
        {},
        module_of("analysis.run.datasets", config.dataset),
        module_of("analysis.run.hosts", config.host.name),
    )
    activations = stage_of(
        "activations",
        ActivationsStage(hook=config.host.hook, rows=config.host.rows),
        {HOST: host},
        module_of("analysis.run.datasets", config.dataset),
        module_of("analysis.run.hosts", config.host.name),
    )
    first = _sae(config, config.sae, None, 1, [], activations)
    layers = [first]
    inputs: dict[Role, Stage] = {}
    for tower in config.towers:
        below: list[Stage] = []
        for depth in range(1, tower.depth + 1):
            layer = first if depth == 1 else _sae(config, tower.at(depth, config.sae), tower, depth, below, activations)
            below = [*below, layer]
            layers.append(layer)
            inputs[edges.tower(tower.kind, depth)] = layer
            if tower.nulls and control == "none":
                nulls = _nulls(layer, tower.kind, below, activations)
                layers.append(nulls)
                inputs[edges.nulls(tower.kind, depth)] = nulls
            if tower.direct and depth > 1:
                single = _sae(config, tower.single(depth, config.sae), None, 1, [], activations)
                layers.append(single)
                inputs[edges.single(tower.kind, depth)] = single
    judged = {
        tower.kind: [inputs[edges.tower(tower.kind, depth)] for depth in range(1, tower.depth + 1)]
        for tower in config.towers
        if tower.nulls and control == "none"
    }
    if judged:
        inputs[NULL_TOWER] = _null_tower(config.seed, judged, activations)
        layers.append(inputs[NULL_TOWER])
    # architectures are compared on what was learned; their floors are those of depth 1
    compared = [_sae(config, sae, None, 1, [], activations) for sae in config.compare if control == "none"]
    layers += compared
    inputs |= {edges.compared(SaeStage.of(stage).architecture): stage for stage in compared}
    measures = stage_of(
        "measures",
        MeasuresStage(
            towers={tower.kind: tower.depth for tower in config.towers},
            singles=tuple(role for role in inputs if role.part == "single"),
            panel=config.panel,
            compare=tuple(SaeStage.of(stage).architecture for stage in compared),
            control=control,
            run=run_id(config),
            seed=config.seed,
            rows=config.measured_rows,
        ),
        {HOST: host, ACTIVATIONS: activations, **inputs},
        module_of("analysis.run.hosts", config.host.name),
        *(module_of("sae.measures", name) for name in names("sae.measures")),
        *(module_of("sae.architectures", name) for name in architectures(config)),
    )
    # depth 1 belongs to both kinds of tower and is one stage
    once = {stage.key: stage for stage in (host, activations, *layers, measures)}
    return Chain(config, control, tuple(once.values()))


def architectures(config: RunConfig) -> list[str]:
    """Every architecture that a run uses, sorted."""
    saes = [config.sae, *config.compare]
    saes += [tower.at(depth, config.sae) for tower in config.towers for depth in range(2, tower.depth + 1)]
    return sorted({sae.architecture for sae in saes})


def fingerprint(data: str) -> str:
    """A hash of what the files of a data set (with its options, see `data_source`) hold, if it gives one: other data,
    another run. Raises ConfigError for options that it does not take."""
    return _asked(data, "fingerprint")


def to_fetch(data: str) -> str:
    """What has to be downloaded before a run on the data set, in words; empty when all is there."""
    return _asked(data, "to_fetch")


def _asked(data: str, what: str) -> str:
    name, options = parts(data)
    module = load(module_of(PACKAGE, name))
    taking(PACKAGE, name, **options)
    return str(getattr(module, what)(**options)) if hasattr(module, what) else ""


def _sae(
    config: RunConfig,
    sae: SaeConfig,
    tower: TowerConfig | None,
    depth: int,
    below: list[Stage],
    activations: Stage,
) -> Stage:
    kind = tower.kind if tower else None
    return stage_of(
        "sae",
        SaeStage(
            architecture=sae.architecture,
            width=sae.width,
            k=sae.k,
            options=sae.options,
            train=sae.train,
            kind=kind,
            depth=depth,
            folds=tower.folds if tower and kind == "directions" else 0,
            stop=tower.stop if tower else None,
            seed=config.seed,
            step=trained_by(sae.train),
        ),
        {ACTIVATIONS: activations, **_layers(below)},
        module_of("sae.architectures", sae.architecture),
    )


def trained_by(train: TrainConfig) -> str:
    """Which steps train SAEs on this machine: `compiled where there is one`, or torch on a kind of device.

    Both keep to the same formulas, and add up in another order: after some hundred steps many numbers differ in their
    third digit. So it is part of a stage's key, and never of a run's id: results of another machine stay readable,
    and nothing of theirs is mixed into what is trained here.
    """
    device = (os.environ.get("STRATA_DEVICE", "") or "cpu").split(":")[0]
    if device == "cpu" and train.compiled and not train.bf16 and not numba_fault():
        return "compiled where there is one"
    return f"torch on {device}"


def _nulls(layer: Stage, kind: TowerKind, below: list[Stage], activations: Stage) -> Stage:
    """What a depth is compared with, trained as it was; `below` ends with the depth itself."""
    own = SaeStage.of(layer)
    return stage_of(
        "nulls",
        # depth 1 belongs to both kinds and is the same in both
        NullsStage.beside(own, kind if own.depth != 1 else None),
        {ACTIVATIONS: activations, **_layers(below)},
        module_of("sae.architectures", own.architecture),
    )


def _null_tower(seed: int, towers: Mapping[TowerKind, list[Stage]], activations: Stage) -> Stage:
    """All depths of the towers once more, on noise."""
    depths = {kind: tuple(SaeStage.of(layer) for layer in layers) for kind, layers in towers.items()}
    architectures = sorted({layer.architecture for layers in depths.values() for layer in layers})
    return stage_of(
        "null_tower",
        NullTowerStage(seed=seed, towers=depths),
        {ACTIVATIONS: activations},
        *(module_of("sae.architectures", name) for name in architectures),
    )


def _layers(below: list[Stage]) -> dict[Role, Stage]:
    return {edges.layer(depth): stage for depth, stage in enumerate(below, 1)}


def module_of(package: str, name: str) -> str:
    """The full name of a module that is there. Raises NotFoundError, listing the others, for one that is not."""
    if name not in names(package):
        raise NotFoundError(package.split(".")[-1].removesuffix("s"), name, names(package))
    return module_name(package, name)


def stage_of(name: str, config: StageConfig, inputs: Mapping[Role, Stage], *modules: str) -> Stage:
    """A stage with the code version of its own module and of `modules`, which it finds by name."""
    code = code_version(f"analysis.run.stages.{name}", *modules)
    return Stage(name=name, config=config, code=code, inputs=edges.named(inputs))
