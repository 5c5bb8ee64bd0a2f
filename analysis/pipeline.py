"""Run an experiment: do the stages that are missing, two chains at a time, and collect the tables.

A failed chain is reported and does not lose the others. Progress is what lies on disk: a stage counts when its folder
is whole, so a second call starts where the first one stopped, however it stopped.
"""

from __future__ import annotations

import os
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path

import joblib
import psutil
import torch
from joblib.externals.loky import get_reusable_executor

from analysis import results
from analysis.config import Experiment, InterpretConfig
from analysis.looks import Look, of_chains, of_data
from analysis.paths import Paths
from analysis.plan import Chain, plan
from analysis.runs import Stage, sweep, writing
from sae.discover import find
from sae.errors import StageError, StrataError

POLL_SECONDS = 0.5
BACKEND = "STRATA_BACKEND"


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
) -> Path:
    """Do what is missing of `experiment` and give the folder of its tables.

    `workers` 0 means one for each core. A chain that fails does not lose the others: the tables are collected from
    those that are whole, and then StageError names every chain that failed and why. `STRATA_BACKEND` names the
    joblib backend; one that is registered for a cluster can stand there.
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
    workers = min(workers or os.cpu_count() or 1, len(missing))
    # joblib replaces a worker whose memory has grown, which long chains do; nothing is lost by it
    warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given")
    with ThreadPoolExecutor(1) as background:
        doing = background.submit(
            lambda: joblib.Parallel(n_jobs=workers, backend=os.environ.get(BACKEND, "loky"))(
                joblib.delayed(run_chain)(work, paths.runs, os.getpid()) for work in missing
            )
        )
        try:
            while not doing.done():
                tell()
                time.sleep(POLL_SECONDS)
        except KeyboardInterrupt:
            # leaving the block would wait for all the work; what is done is kept
            get_reusable_executor().shutdown(kill_workers=True)
            raise
        try:
            failures = [failure for failure in doing.result() if failure]
        except BrokenProcessPool as error:  # a worker was killed, by hand or for want of memory
            raise StageError(f"a worker process died ({error}); what was done is kept, run again") from error
    tell()
    return failures


def run_chain(chain: Chain | Look, runs: Path, parent: int = 0) -> str | None:
    """Do the missing stages of one chain, or of a look at one; gives what went wrong, or None.

    A worker whose `parent` (a process id; 0 for none) is gone stops before its next stage: nobody waits for it, and
    the next call does the same stages.
    """
    # One thread a process: two chains side by side beat one chain on two threads, and products stay reproducible.
    torch.set_num_threads(1)
    for stage in chain.stages:
        if parent and not psutil.pid_exists(parent):
            return f"{chain.name}: the process that started it is gone"
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
