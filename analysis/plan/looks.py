"""Which stages look at single latents, after the chains are done. Free of torch.

Of the data set, once: measured attributes of its images, and an independent classifier that reads pictures. Of every
chain: names, classes against shuffled labels, causes. Of the first seed's chains: pictures, and relations to the other
seeds. An experiment asks for it with `[interpret]`. Of the first seed's trained chain also a map of directions, there
and wherever an experiment is judged.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from analysis.plan import edges
from analysis.plan.chains import Chain, architectures, fingerprint, module_of, stage_of
from analysis.plan.config import Experiment
from analysis.plan.edges import ACTIVATIONS, HOST, IMAGES, INTERPRET, READER, Role
from analysis.plan.interpret_config import InterpretConfig
from analysis.plan.map_config import MapsStage
from analysis.plan.stage_configs import ImagesStage, InterpretStage, LanguageStage, PicturesStage, ReaderStage
from analysis.plan.stage_folders import Stage
from sae.config import TowerKind
from sae.discover import names

# The reader shares no seed with a run, and nothing else.
READER_SEED = 1_000_003


@dataclass(frozen=True)
class Look:
    """Stages beside the chains, each before those that need it."""

    name: str
    """For messages."""
    stages: tuple[Stage, ...]
    """Those of the chain that is looked at are not among them."""
    tables: tuple[Stage, ...] = ()
    """Those that hold tables to collect."""


def stages_of(experiment: Experiment, chains: list[Chain]) -> dict[str, Stage]:
    """Every stage of an experiment, by its key."""
    works: list[Chain | Look] = [*chains, *of_data(experiment), *of_chains(experiment, chains)]
    return {stage.key: stage for work in works for stage in work.stages}


def of_data(experiment: Experiment) -> list[Look]:
    """What needs the data set only, and can be done beside the chains."""
    if not experiment.interpret.kind:
        return []
    return [Look(f"images of {experiment.dataset}", (images(experiment), reader(experiment)))]


def of_chains(experiment: Experiment, chains: list[Chain]) -> list[Look]:
    """What looks at the latents of each chain."""
    settings = experiment.interpret
    found = _language(experiment, chains) if experiment.language.contexts else _maps(experiment, chains)
    if not settings.kind:
        return found
    first = min(chain.config.seed for chain in chains)
    for chain in chains:
        own = _interpret(chain, settings, settings.kind, images(experiment))
        stages = [own]
        if chain.config.seed == first:
            stages.append(_pictures(chain, chains, settings, settings.kind, own, reader(experiment)))
        found.append(Look(f"latents of run {chain.run} ({chain.control})", tuple(stages), tuple(stages)))
    return found


def _language(experiment: Experiment, chains: list[Chain]) -> list[Look]:
    """The evaluations that need the language model, of depth 1 of each chain."""
    found = []
    for chain in chains:
        read = edges.parents(chain.measures)
        kind = chain.config.towers[0].kind
        inputs = {role: stage for role, stage in read.items() if role in (HOST, ACTIVATIONS)}
        first = edges.tower(kind, 1)
        config = LanguageStage(
            run=chain.run, control=chain.control, seed=chain.config.seed, **asdict(experiment.language)
        )
        evaluations = (module_of("sae.evaluations", name) for name in names("sae.evaluations"))
        stage = stage_of("language", config, {**inputs, first: read[first]}, *_modules(chain), *evaluations)
        found.append(Look(f"evaluation of run {chain.run} ({chain.control})", (stage,), (stage,)))
    return found


def _maps(experiment: Experiment, chains: list[Chain]) -> list[Look]:
    """The map of what is looked at, or of what has a verdict and one point; else none: who would look at it?"""
    settings, kind = experiment.interpret, experiment.interpret.kind or "latents"
    first = min(chains, key=lambda chain: (chain.config.seed, chain.control))
    judged = any(tower.kind == kind and tower.nulls for tower in first.config.towers)
    one_point = not (experiment.variants or experiment.grid) and experiment.panel == "full"
    if not settings.kind and not (judged and one_point):
        return []
    read = {role: stage for role, stage in _read(first, kind).items() if role == ACTIVATIONS or role.part == "tower"}
    # where nobody looks at latents, the tables are of all held-out rows
    asked = _looked(first, settings, kind) | ({} if settings.kind else {"held_out_rows": 0})
    stage = stage_of("maps", MapsStage(**asked), read, *_architectures(first))
    return [Look(f"map of run {first.run}", (stage,), (stage,))]


def images(experiment: Experiment) -> Stage:
    """Attributes of the images that are looked at."""
    settings = experiment.interpret
    config = ImagesStage(
        dataset=experiment.source,
        data=fingerprint(experiment.source),
        train_rows=settings.train_rows,
        held_out_rows=settings.held_out_rows,
    )
    return stage_of("images", config, {}, module_of("analysis.run.datasets", experiment.dataset))


def reader(experiment: Experiment) -> Stage:
    """The independent classifier."""
    config = ReaderStage(
        dataset=experiment.source,
        data=fingerprint(experiment.source),
        seed=READER_SEED,
        options=experiment.interpret.reader,
    )
    return stage_of("reader", config, {}, module_of("analysis.run.datasets", experiment.dataset))


def _read(chain: Chain, kind: TowerKind) -> dict[Role, Stage]:
    """The stages of its chain that a look reads."""
    read = edges.parents(chain.measures)
    inputs = {role: stage for role, stage in read.items() if role in (HOST, ACTIVATIONS)}
    layers = {role: stage for role, stage in read.items() if (role.part, role.kind) == ("tower", kind)}
    singles = {role: stage for role, stage in read.items() if (role.part, role.kind) == ("single", "latents")}
    return {**inputs, **layers, **singles}


def _looked(chain: Chain, settings: InterpretConfig, kind: TowerKind) -> dict[str, Any]:
    """What every look at a chain is asked, as fields of its `LookStage`."""
    return {
        "run": chain.run,
        "control": chain.control,
        "seed": chain.config.seed,
        "kind": kind,
        "depth": next(tower.depth for tower in chain.config.towers if tower.kind == kind),
        "train_rows": settings.train_rows,
        "held_out_rows": settings.held_out_rows,
    }


def _architectures(chain: Chain) -> list[str]:
    return [module_of("sae.architectures", name) for name in architectures(chain.config)]


def _modules(chain: Chain) -> list[str]:
    return [module_of("analysis.run.hosts", chain.config.host.name), *_architectures(chain)]


def _interpret(chain: Chain, settings: InterpretConfig, kind: TowerKind, attributes: Stage) -> Stage:
    config = InterpretStage(**_looked(chain, settings, kind), permutations=settings.permutations)
    return stage_of("interpret", config, {**_read(chain, kind), IMAGES: attributes}, *_modules(chain))


def _pictures(
    chain: Chain, chains: list[Chain], settings: InterpretConfig, kind: TowerKind, own: Stage, classifier: Stage
) -> Stage:
    """Also reads the towers of the other seeds, and the same seed's tower on the random host: what a match is worth."""
    inputs = _read(chain, kind)
    for other in chains:
        same_seed = other.config.seed == chain.config.seed
        if chain.control != "none" or same_seed == (other.control == "none"):
            continue
        name = "random_host" if same_seed else f"seed {other.config.seed}"
        theirs = _read(other, kind)
        read = {role: stage for role, stage in theirs.items() if role == ACTIVATIONS or role.part == "tower"}
        inputs |= {role.of(name): stage for role, stage in read.items()}
    config = PicturesStage(**_looked(chain, settings, kind), steps=settings.steps)
    return stage_of("pictures", config, {**inputs, INTERPRET: own, READER: classifier}, *_modules(chain))
