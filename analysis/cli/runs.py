"""Commands that train, and that look at what was trained: run, list, verdict, images, track, verify.

Heavy imports stand inside the commands: `strata build` never loads torch unless results are missing.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from analysis.cli.saying import MainExperiment, errors, progress_bar, say, write
from analysis.plan import paths as project
from analysis.plan.config import load_experiment
from analysis.plan.project import main_experiment
from analysis.system.extras import need
from sae.errors import NotFoundError

if TYPE_CHECKING:
    from analysis.plan.config import Experiment
    from analysis.results.tables import Results

app = typer.Typer()
STOPS_SHOWN = 5

ExperimentName = Annotated[str, typer.Argument(metavar="EXPERIMENT", help="a TOML in data/experiments, by its name")]


def known(experiment: str | None, paths: project.Paths) -> str:
    """The experiment that is meant. Raises NotFoundError in a project without one."""
    found = main_experiment(paths, experiment)
    if found is None:
        raise NotFoundError("experiment", "of this project", [])
    return found


def results_of(experiment: str | None, paths: project.Paths) -> Results | None:
    """The tables of the experiment that is meant; None in a project without one. Raises NotFoundError."""
    from analysis.results.tables import open_results

    name = main_experiment(paths, experiment)
    return open_results(name, paths) if name else None


def ensure_results(experiment: Experiment, workers: int, *, only_if_missing: bool) -> Path:
    """Run what is missing; with `only_if_missing`, results that are merely out of date are used as they are.

    Raises ExtraError where something has to be trained and nothing is installed that could.
    """
    from analysis.plan.chains import plan
    from analysis.plan.looks import stages_of
    from analysis.results import tables as results

    paths = project.find()
    if only_if_missing:
        try:
            found = results.open_results(experiment.name, paths)
        except NotFoundError:
            pass
        else:
            found.pinned.check_files()
            if not results.is_current(experiment, plan(experiment), paths):
                errors.print(f"note: results of {experiment.name} were not made here by this code and config; "
                             f"`strata run {experiment.name}` renews them", soft_wrap=True)  # fmt: skip
            return found.folder
    else:
        chains = plan(experiment)
        damaged = any(stage.damage(paths.runs, quick=True) for stage in stages_of(experiment, chains).values())
        if not damaged and results.is_current(experiment, chains, paths):
            return paths.collected / experiment.name
    need("train", f"there are no results of {experiment.name}, and training" if only_if_missing else "training")
    from analysis.run import pipeline
    from analysis.run.stages.sae import device
    from sae import steps

    if not only_if_missing:
        print(f"training by {steps.paths(device())}", flush=True)
    with progress_bar(f"run {experiment.name}") as tell:
        return pipeline.run(experiment, paths, workers, tell, say)


@app.command()
def run(
    experiment: ExperimentName,
    workers: Annotated[int, typer.Option(min=0, help="processes; 0 means one for each core")] = 0,
    device: Annotated[
        str, typer.Option(envvar="STRATA_DEVICE", help="where SAEs train: cpu, cuda, mps; not part of a run's id")
    ] = "cpu",
    backend: Annotated[
        str, typer.Option(envvar="STRATA_BACKEND", help="joblib backend that does the runs; a cluster's can be named")
    ] = "loky",
) -> None:
    """Train and measure what is missing of an experiment, of all its variants, points of the grid and seeds.

    Reads data/experiments/EXPERIMENT.toml and its data set; writes stage folders under data/runs and the tables
    under data/runs/results/EXPERIMENT. Can be stopped and called again at any time.
    """
    need("train", "strata run")
    paths = project.find()
    os.environ["STRATA_DEVICE"] = device  # read where SAEs train, in other processes
    os.environ["STRATA_BACKEND"] = backend
    folder = ensure_results(load_experiment(paths.experiments, experiment), workers, only_if_missing=False)
    from analysis.results.tables import Results

    for sentence in Results(folder).stops["sentence"].drop_duplicates().head(STOPS_SHOWN):
        write(sentence)
    write(f"results of {experiment}: {paths.relative(folder)}")


@app.command(name="list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="one JSON list, each run in it")] = False,
    runs: Annotated[bool, typer.Option("--runs", help="a line for each run, too")] = False,
) -> None:
    """List the experiments: how much is done, seconds it took, the verdict of each tower, where results lie.

    Reads data/experiments, data/runs and data/results; writes nothing.
    """
    from analysis.run.listing import listed, text

    rows = listed(project.find())
    write(json.dumps(rows, indent=1) if as_json else text(rows, runs))


@app.command()
def verdict(
    experiment: ExperimentName,
    as_json: Annotated[
        bool, typer.Option("--json", help="one JSON list: an object per tower and depth, with every figure")
    ] = False,
    whole: Annotated[bool, typer.Option("--all", help="every measure of every SAE, too")] = False,
) -> None:
    """Print the verdict on each depth, why, and how far it is above each floor.

    Reads the experiment's tables; writes to standard output: means over seeds, held out, with 95% intervals.
    """
    from analysis.results.tables import open_results
    from analysis.results.verdict import panel, text

    rows = panel(open_results(experiment, project.find()))
    write(json.dumps(rows, indent=1) if as_json else text(rows, whole))


@app.command()
def images(
    out: Annotated[Path, typer.Option(help="the folder to write into; made if it is not there")],
    experiment: MainExperiment = None,
    split: Annotated[str, typer.Option(help="folders: a file an image; sheets: a file a latent")] = "folders",
    depth: Annotated[int | None, typer.Option(help="only this one; 0 are the host's neurons")] = None,
) -> None:
    """Write the images that drive each latent, strongest first, and the pictures of it, as PNG files.

    Reads the experiment's tables and sprites; writes DIR/depth-3/latent-0412/00_label7_act1.93.png and so on.
    """
    from analysis.pages.image_folders import write_images
    from analysis.results.tables import open_results

    paths = project.find()
    written = write_images(open_results(known(experiment, paths), paths), split, out, depth)
    print(f"{written.latents} latents, {written.files} files: {out}")


@app.command()
def track(
    experiment: ExperimentName,
    digests: Annotated[
        bool,
        typer.Option("--digests", help="only write size and sha256 of what lies there into a manifest without them"),
    ] = False,
) -> None:
    """Copy an experiment's tables, made small, to where they are part of the repository.

    Reads data/runs/results/EXPERIMENT; writes data/results/EXPERIMENT. With --digests reads that, and writes its
    manifest.
    """
    from analysis.run import track as tracking

    paths = project.find()
    folder = tracking.add_digests(experiment, paths) if digests else tracking.track(experiment, paths)
    write(f"tracked: {paths.relative(folder)}")


@app.command()
def verify(
    experiment: Annotated[
        str | None,
        typer.Argument(metavar="[EXPERIMENT]", help="the site's, if it is not named; with --files all there are"),
    ] = None,
    runs: Annotated[int, typer.Option(min=1, help="how many chains to do again, evenly spaced over all")] = 1,
    tolerance: Annotated[float, typer.Option(help="largest difference of a measure between 0 and 1")] = 0.01,
    files: Annotated[
        bool, typer.Option("--files", help="only read every file of runs and results, and compare with the manifests")
    ] = False,
) -> None:
    """Train a sample of an experiment's chains again from their configs, in an empty folder, and compare.

    Reads the experiment's tables and stage folders; writes only to a temporary folder. Exits with 1 when a measure
    differs by more, or a file is not as it was written.
    """
    paths = project.find()
    if files:
        from analysis.run.verify_files import verify_files

        with errors.status("reading every file"):
            checked = verify_files(paths, experiment or "")
        text, agrees = checked.text(), not checked.damaged
    else:
        need("train", "strata verify without --files")
        from analysis.run.verify import verify as compare

        with errors.status(f"training {runs} of the chains again"):
            report = compare(known(experiment, paths), paths, runs, tolerance)
        text, agrees = report.text(), report.agrees
    write(text)
    if not agrees:
        raise typer.Exit(1)
