"""Run an experiment: do the stages that are missing, two chains at a time, and collect the tables.

A failed chain is reported and does not lose the others. Progress is what lies on disk: a stage counts when its folder
is whole, so a second call starts where the first one stopped, however it stopped.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from analysis import results
from analysis.config import Experiment, InterpretConfig
from analysis.looks import Look, of_chains, of_data
from analysis.paths import Paths
from analysis.plan import Chain, plan
from analysis.preflight import forecast
from analysis.runs import Stage, sweep, writing
from analysis.workers import in_processes, number, stopping
from sae.discover import find
from sae.errors import StageError, StrataError


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
    """
    chains = plan(experiment)
    beside, after = of_data(experiment), of_chains(experiment, chains)
    works: list[Chain | Look] = [*chains, *beside, *after]
    stages = {stage.key: stage for work in works for stage in work.stages}
    started = time.monotonic()
    sweep(paths.runs)

    def tell() -> None:
        done = sum(stage.complete(paths.runs) for stage in stages.values())
        report(Progress(done, len(stages), time.monotonic() - started))

    missing = [work for work in works if not all(stage.complete(paths.runs) for stage in work.stages)]
    if missing:
        left = [stage for stage in stages.values() if not stage.complete(paths.runs)]
        expected = forecast(experiment, left, paths.experiments / f"{experiment.name}.toml")
        workers, fewer = number(workers, len(missing), expected.memory)
        for line in (expected.sentence(len(stages), workers), fewer):
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
            results.collect(replace(experiment, interpret=InterpretConfig()), whole, paths)
        kept = f"; tables of {'all' if len(whole) == len(chains) else 'the other'} {len(whole)} are collected"
        raise StageError(f"{failed}{kept if whole else ''}:\n" + "\n".join(failures))
    return results.collect(experiment, chains, paths)


def _do(works: Sequence[Chain | Look], paths: Paths, workers: int, tell: Callable[[], None]) -> list[str]:
    """Do the missing stages of `works` in processes; gives what went wrong."""
    missing = [work for work in works if not all(stage.complete(paths.runs) for stage in work.stages)]
    if not missing:
        return []
    # the longest first, so that no worker starts one when the others are done
    missing.sort(key=lambda work: -sum(not stage.complete(paths.runs) for stage in work.stages))
    found = in_processes(run_chain, [(work, paths.runs) for work in missing], min(workers, len(missing)), tell)
    return [failure for failure in found if failure]


def run_chain(chain: Chain | Look, runs: Path) -> str | None:
    """Do the missing stages of one chain, or of a look at one; gives what went wrong, or None."""
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
    """Do one stage if it is missing; its inputs must be there."""
    if stage.complete(runs):
        return
    inputs = {name: given.folder(runs) for name, given in stage.inputs.items()}
    with writing(stage, runs) as (work, notes):
        notes |= find("analysis.stages", stage.name)(work, stage.config, inputs)
