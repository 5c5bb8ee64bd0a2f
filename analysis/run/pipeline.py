"""Run an experiment: do the stages that are missing, several chains at a time, and collect the tables.

A failed chain is reported and does not lose the others. Progress is what lies on disk: a stage counts when its folder
is whole, so a second call starts where the first one stopped, however it stopped.
"""

from __future__ import annotations

import sys
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch

from analysis.plan import plugins
from analysis.plan.chains import Chain, fingerprint, plan, to_fetch
from analysis.plan.config import Experiment
from analysis.plan.data_source import NOT_HERE
from analysis.plan.edges import edges
from analysis.plan.looks import Look, of_chains, of_data, stages_of
from analysis.plan.paths import Paths
from analysis.plan.stage_folders import MANIFEST, Stage, damage, writing
from analysis.run.collect import collect
from analysis.run.datasets._open import opened
from analysis.run.preflight import forecast, naming_data
from analysis.run.workers import in_processes, number, stopping
from analysis.system.swap import sweep
from sae.discover import LeftOutWarning, find
from sae.errors import StageError, StrataError

Work = TypeVar("Work")


@dataclass(frozen=True)
class Progress:
    """How far an experiment is: stages done, stages in all, seconds since the start."""

    done: int
    total: int
    seconds: float


def run(
    experiment: Experiment,
    paths: Paths,
    workers: int = 0,
    report: Callable[[Progress], None] = lambda progress: None,
    warn: Callable[[str], None] = lambda line: print(line, file=sys.stderr),
) -> Path:
    """Do what is missing of `experiment` and give the folder of its tables.

    `workers` 0 means one for each core; never more than there are cores, and memory for. Before anything is trained
    all settings are tried on what they are for, and `warn` hears how much there is to do. A chain that fails does not
    lose the others: the tables are collected from those that are whole, and then StageError names every chain that
    failed and why. `STRATA_BACKEND` names the joblib backend; one that is registered for a cluster can stand there.
    `warn` also hears of every folder that is not as it was written, and is made again.
    """
    plugins.load(paths)
    file = paths.experiments / f"{experiment.name}.toml"
    with naming_data(experiment, file):
        for data in sorted({config.source for config in experiment.runs()}):
            if absent := to_fetch(data):
                warn(f"the data set {data} is not here: fetching {absent}")
                opened(data)
            elif fingerprint(data) == NOT_HERE:
                opened(data)  # which says what is not there
        chains = plan(experiment)
    beside, after = of_data(experiment), of_chains(experiment, chains)
    works: list[Chain | Look] = [*chains, *beside, *after]
    stages = stages_of(experiment, chains)
    started = time.monotonic()
    for folder in paths.runs.glob("*"):
        sweep(folder)
    collected = {work.measures.key for work in chains} | {stage.key for look in after for stage in look.tables}
    for key, stage in stages.items():
        if found := stage.damage(paths.runs, quick=key not in collected):
            warn(f"damaged: {found}; it is made again")
    tables = paths.collected / experiment.name
    if tables.exists() and (found := damage(tables)):
        warn(f"damaged: {found}; it is made again")
    done: set[str] = set()

    def tell() -> None:
        left = (stage for key, stage in stages.items() if key not in done)
        # a look at the file first: it is asked all the time, mostly for stages of which there is nothing yet
        done.update(s.key for s in left if (s.folder(paths.runs) / MANIFEST).exists() and s.complete(paths.runs))
        report(Progress(len(done), len(stages), time.monotonic() - started))

    missing = [work for work in works if not all(stage.complete(paths.runs) for stage in work.stages)]
    if missing:
        left = [stage for stage in stages.values() if not stage.complete(paths.runs)]
        expected = forecast(experiment, left, file)
        workers, fewer = number(workers, len(missing), expected.memory)
        about_data = opened(experiment.source).said if experiment.dataset_options else ""
        for line in (about_data, expected.sentence(len(stages), workers), fewer):
            if line:
                warn(line)
    failures = _do([*chains, *beside], paths, workers, tell)
    whole = [chain for chain in chains if all(stage.complete(paths.runs) for stage in chain.stages)]
    if not failures:
        failures = _do(after, paths, workers, tell)
    if failures:
        lost = len(chains) - len(whole)
        failed = f"{lost} of {len(chains)} chains failed" if lost else "looking at latents failed"
        if whole:  # without looks, which need all chains and what stands beside them
            collect(experiment, whole, paths, looked=False)
        kept = f"; tables of {'all' if len(whole) == len(chains) else 'the other'} {len(whole)} are collected"
        raise StageError(f"{failed}{kept if whole else ''}:\n" + "\n".join(failures))
    return collect(experiment, chains, paths)


def _do(works: Sequence[Chain | Look], paths: Paths, workers: int, tell: Callable[[], None]) -> list[str]:
    """Do the missing stages of `works` in processes; gives what went wrong."""
    missing = [work for work in works if not all(stage.complete(paths.runs) for stage in work.stages)]
    if not missing:
        return []
    # the longest first, so that no worker starts one when the others are done
    missing.sort(key=lambda work: -sum(not stage.complete(paths.runs) for stage in work.stages))
    order = apart(missing, lambda work: next(s.key for s in work.stages if not s.complete(paths.runs)))
    found = in_processes(run_chain, [(work, paths, paths.runs) for work in order], min(workers, len(missing)), tell)
    return [failure for failure in found if failure]


def apart(works: Sequence[Work], begins: Callable[[Work], str]) -> list[Work]:
    """`works` in their order, but those that begin with the same thing as one before come last: begun beside it they
    would only wait for it."""
    seen: set[str] = set()
    ahead, behind = list[Work](), list[Work]()
    for work in works:
        (behind if (first := begins(work)) in seen else ahead).append(work)
        seen.add(first)
    return ahead + behind


def run_chain(chain: Chain | Look, paths: Paths, runs: Path) -> str | None:
    """Do the missing stages of one chain, or of a look at one, in the folder `runs`; gives what went wrong, or None."""
    plugins.load(paths)  # a process of its own knows nothing of them
    warnings.simplefilter("ignore", LeftOutWarning)  # said before the first of them began
    # One thread a process: two chains side by side beat one chain on two threads, and products stay reproducible.
    torch.set_num_threads(1)
    for stage in chain.stages:
        if stopping():
            return f"{chain.name}: stopped"
        try:
            do_stage(stage, runs)
        except StrataError as error:
            return f"{chain.name}, stage {stage.name}/{stage.key}: {error}"
        except Exception:  # a bug of ours: the other chains go on, and the report shows where it is
            return f"{chain.name}, stage {stage.name}/{stage.key}:\n{traceback.format_exc()}"
    return None


def do_stage(stage: Stage, runs: Path) -> None:
    """Do one stage if it is missing or not as it was written, after whatever it reads that is."""
    seemed_whole = stage.complete(runs)
    if stage.whole(runs):
        return
    if seemed_whole:  # what is seen without reading the files was said when the run began
        print(f"damaged: {stage.damage(runs)}; it is made again", file=sys.stderr)
    for given in stage.inputs.values():
        do_stage(given, runs)
    inputs = {edge.role: edge.parent.folder(runs) for edge in edges(stage)}
    with writing(stage, runs) as (work, notes):
        notes |= find("analysis.run.stages", stage.name)(work, stage.config, inputs)
