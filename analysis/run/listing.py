"""What there is: experiments, their runs, how far they are, what they took, and what the verdict is. Free of torch."""

from __future__ import annotations

from typing import Any

from analysis.plan.chains import Chain, plan
from analysis.plan.config import Experiment, experiment_names, load_experiment
from analysis.plan.looks import stages_of
from analysis.plan.paths import Paths
from analysis.plan.stage_folders import Stage, read_manifest
from analysis.results.tables import Results, open_results
from analysis.results.verdict import summary
from analysis.system.terminal import shown
from sae.errors import DataError, NotFoundError, StageError, StrataError


def listed(paths: Paths) -> list[dict[str, Any]]:
    """One object per experiment: experiment, title, state, stages_done, stages, seconds, results, verdict, runs.

    Each of `runs` is a chain: run, variant, seed, control, state, stages_done, stages, seconds. Stages that runs
    share count once in the seconds of an experiment. Where nothing has been run here but results are tracked, the
    state is `collected`, the runs are those of the results, and the seconds those of training.
    """
    rows = []
    for name in experiment_names(paths.experiments):
        try:
            experiment = load_experiment(paths.experiments, name)
            rows.append(_row(experiment, plan(experiment), paths))
        except StrataError as error:  # one file that cannot be read does not hide the others
            rows.append(
                {
                    "experiment": name, "title": "", "state": f"invalid: {error}", "stages_done": 0, "stages": 0,
                    "seconds": 0.0, "results": "", "verdict": "", "runs": [],
                }
            )  # fmt: skip
    return rows


def text(rows: list[dict[str, Any]], runs: bool) -> str:
    """Lines for a terminal."""
    lines = []
    for row in rows:
        where = row["results"] or "(no results)"
        lines.append(
            f"{row['experiment']:<12} {row['state']:<12} {row['stages_done']}/{row['stages']} stages, "
            f"{len(row['runs'])} runs, {row['seconds']:.0f} s  {where}  {shown(row['title'])}"
        )
        if row["verdict"]:
            lines += [f"    {part}" for part in row["verdict"].split(" | ")]
        if runs:
            lines += [
                f"    {run['run']} seed {run['seed']} {run['control']:<12} {run['state']:<12} "
                f"{run['seconds']:>6.0f} s  {shown(run['variant'])}".rstrip()
                for run in row["runs"]
            ]
    return "\n".join(lines)


def _row(experiment: Experiment, chains: list[Chain], paths: Paths) -> dict[str, Any]:
    stages = stages_of(experiment, chains)
    done = sum(stage.complete(paths.runs) for stage in stages.values())
    results: Results | None = None
    broken = ""
    try:
        results = open_results(experiment.name, paths)
    except NotFoundError:  # nothing has been collected yet, and the row says so
        pass
    except StageError as error:  # its manifest is broken; what has been done is still worth a row
        broken = str(error)
    runs = [_run(chain, paths) for chain in chains]
    seconds = sum(_seconds(stage, paths) for stage in stages.values())
    if not done and results:
        columns = ["run", "variant", "seed", "control", "seconds"]
        runs = [dict(zip(columns, row, strict=True)) for row in results.runs[columns].itertuples(index=False)]
        counts = {"state": "collected", "stages_done": 0, "stages": 0}
        runs = [{**run, **counts} for run in runs]
        seconds = float(results.training["seconds"].sum())
    return {
        "experiment": experiment.name,
        "title": experiment.title,
        "state": "collected" if not done and results else _state(done, len(stages)),
        "stages_done": done,
        "stages": len(stages),
        "seconds": round(seconds, 1),
        "results": paths.relative(results.folder) if results else "",
        "verdict": _verdict(results) if results else broken,
        "runs": runs,
    }


def _verdict(results: Results) -> str:
    try:
        return summary(results)
    except DataError as error:  # tables of an older version: what stands there is still worth a line
        return str(error)


def _run(chain: Chain, paths: Paths) -> dict[str, Any]:
    whole = [stage for stage in chain.stages if stage.complete(paths.runs)]
    return {
        "run": chain.run, "variant": chain.config.variant, "seed": chain.config.seed, "control": chain.control,
        "state": _state(len(whole), len(chain.stages)), "stages_done": len(whole), "stages": len(chain.stages),
        "seconds": round(sum(_seconds(stage, paths) for stage in whole), 1),
    }  # fmt: skip


def _seconds(stage: Stage, paths: Paths) -> float:
    """What a stage took; 0 until it is done."""
    return float(read_manifest(stage.folder(paths.runs))["seconds"]) if stage.complete(paths.runs) else 0.0


def _state(done: int, total: int) -> str:
    return "complete" if done == total else "not started" if not done else "partly done"
