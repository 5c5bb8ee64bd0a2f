"""Which stages a run is made of, without loading torch or doing any of them.

For each seed there are two chains, one on the trained host and one on its randomly initialised twin:
host -> activations -> sae depth 1 -> ... -> measures. Beside a tower stand single SAEs on the host that are as wide
and as sparse as its depths (`direct`) and, on the trained host, one of each architecture to compare. A depth is a
stage of its own, so a deeper tower, another kind or a killed run does again only what is missing; depth 1 is shared
by both kinds.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
from dataclasses import dataclass
from functools import cached_property

from analysis.code_version import code_version
from analysis.config import Experiment, RunConfig, SaeConfig, TowerConfig
from analysis.runs import Stage
from sae.discover import names
from sae.errors import NotFoundError

# control "none" is the trained host itself
HOSTS = {"none": True, "random_host": False}


@dataclass(frozen=True)
class Chain:
    """The stages of one run on one host, each before those that need it; the last one measures."""

    config: RunConfig
    control: str
    """`none` (the trained host) or `random_host`."""
    stages: tuple[Stage, ...]

    @cached_property
    def run(self) -> str:
        """The run's id."""
        return run_id(self.config)

    @property
    def measures(self) -> Stage:
        """The stage that holds the tables."""
        return self.stages[-1]


def run_id(config: RunConfig) -> str:
    """Ten hex digits: a hash of the canonical config."""
    return hashlib.sha256(config.canonical().encode()).hexdigest()[:10]


def plan(experiment: Experiment) -> list[Chain]:
    """Every chain of an experiment. Raises NotFoundError for a data set, host or architecture that is not there."""
    return [chain(config, control) for config in experiment.runs() for control in HOSTS]


def chain(config: RunConfig, control: str) -> Chain:
    """The stages of one run under one control."""
    host = _stage(
        "host",
        {
            "dataset": config.dataset,
            "data": fingerprint(config.dataset),
            "host": config.host.name,
            "options": config.host.options,
            "trained": HOSTS[control],
            "seed": config.seed,
        },
        {},
        _module("analysis.datasets", config.dataset),
        _module("analysis.hosts", config.host.name),
    )
    activations = _stage(
        "activations",
        {"hook": config.host.hook},
        {"host": host},
        _module("analysis.datasets", config.dataset),
        _module("analysis.hosts", config.host.name),
    )
    first = _sae(config, config.sae, None, 1, [], activations)
    layers = [first]
    inputs: dict[str, Stage] = {}
    for tower in config.towers:
        below = [first]
        for depth in range(2, tower.depth + 1):
            layer = _sae(config, tower.at(depth, config.sae), tower, depth, below, activations)
            below = [*below, layer]
            layers.append(layer)
        inputs |= {f"{tower.kind}_{depth}": layer for depth, layer in enumerate(below, 1)}
        if tower.direct:
            for depth in range(2, tower.depth + 1):
                layer = _sae(config, tower.at(depth, config.sae), None, 1, [], activations)
                layers.append(layer)
                inputs[f"direct_{depth}"] = layer
    # architectures are compared on what was learned; their floors are those of depth 1
    compared = [_sae(config, sae, None, 1, [], activations) for sae in config.compare if control == "none"]
    layers += compared
    inputs |= {f"compare_{stage.config['architecture']}": stage for stage in compared}
    measures = _stage(
        "measures",
        {
            "towers": {tower.kind: tower.depth for tower in config.towers},
            "direct": [int(name.split("_")[1]) for name in inputs if name.startswith("direct_")],
            "compare": [str(stage.config["architecture"]) for stage in compared],
            "control": control,
            "run": run_id(config),
            "seed": config.seed,
        },
        {"host": host, "activations": activations, **inputs},
        _module("analysis.hosts", config.host.name),
        *(f"sae.measures.{name}" for name in names("sae.measures")),
        *(_module("sae.architectures", name) for name in architectures(config)),
    )
    return Chain(config, control, (host, activations, *layers, measures))


def architectures(config: RunConfig) -> list[str]:
    """Every architecture that a run uses, sorted."""
    saes = (config.sae, *config.compare)
    return sorted({sae.architecture for sae in saes} | {tower.architecture for tower in config.towers})


def fingerprint(dataset: str) -> str:
    """What the data set says of its own files, if it says anything: other data, another run."""
    _module("analysis.datasets", dataset)
    module = importlib.import_module(f"analysis.datasets.{dataset}")
    return str(module.fingerprint()) if hasattr(module, "fingerprint") else ""


def _sae(
    config: RunConfig,
    sae: SaeConfig,
    tower: TowerConfig | None,
    depth: int,
    below: list[Stage],
    activations: Stage,
) -> Stage:
    kind = tower.kind if tower else None
    return _stage(
        "sae",
        {
            "architecture": sae.architecture,
            "width": sae.width,
            "k": sae.k,
            "options": sae.options,
            "train": dataclasses.asdict(sae.train),
            "kind": kind,
            "depth": depth,
            "folds": tower.folds if tower and kind == "directions" else 0,
            "seed": config.seed,
        },
        {"activations": activations, **{f"layer_{d}": stage for d, stage in enumerate(below, 1)}},
        _module("sae.architectures", sae.architecture),
    )


def _module(package: str, name: str) -> str:
    if name not in names(package):
        raise NotFoundError(package.split(".")[-1].removesuffix("s"), name, names(package))
    return f"{package}.{name}"


def _stage(name: str, config: dict[str, object], inputs: dict[str, Stage], *modules: str) -> Stage:
    code = code_version(f"analysis.stages.{name}", *modules)
    return Stage(name=name, config=config, code=code, inputs=inputs)
