"""The command `strata`. Each command reads files, calls one function, and says where it wrote.

Heavy imports stand inside the commands: `strata build` never loads torch unless results are missing.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from analysis import log_commands, publish_commands, signals
from analysis import paths as project
from analysis.config import DEFAULT, load_experiment
from analysis.site.check import commands as check_commands
from analysis.site.lesswrong import commands as lesswrong_commands
from analysis.terminal import shown
from sae.errors import NotFoundError, StrataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from analysis.config import Experiment

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Train towers of sparse autoencoders, measure every depth, compile the logs, render the write-up.",
)
app.add_typer(log_commands.app)
app.add_typer(lesswrong_commands.app)
app.add_typer(publish_commands.app)
app.add_typer(check_commands.app)
errors = Console(stderr=True)
STOPS_SHOWN = 5

ExperimentName = Annotated[str, typer.Argument(metavar="EXPERIMENT", help="a TOML in data/experiments, by its name")]
Quiet = Annotated[bool, typer.Option("--quiet", help="say nothing but errors")]


@contextlib.contextmanager
def progress_bar(what: str) -> Iterator[Callable[[Any], None]]:
    """A bar with rate and time left on stderr; where that is no terminal, a line whenever a stage is done."""
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=errors, disable=not errors.is_terminal) as bar:
        task = bar.add_task(shown(what), total=None, rate="")
        seen: list[int] = []

        def tell(now: Any) -> None:
            if not errors.is_terminal and seen and now.done > seen[-1]:
                say(f"{what}: {now.done} of {now.total} stages, {now.seconds:.0f} s")
            seen.append(now.done)
            rate = (now.done - seen[0]) / now.seconds * 60 if now.seconds > 0 else 0.0
            bar.update(task, total=now.total, completed=now.done, rate=f"stages, {rate:.0f} a minute")

        yield tell


def say(line: str) -> None:
    """A line on stderr; what would steer the terminal is escaped."""
    errors.print(shown(line), markup=False, highlight=False, soft_wrap=True)


def write(text: str) -> None:
    """Lines on standard output, likewise."""
    print(shown(text, line=False), flush=True)


def ensure_results(experiment: Experiment, workers: int, *, only_if_missing: bool) -> Path:
    """Run what is missing; with `only_if_missing`, results that are merely out of date are used as they are."""
    from analysis import results
    from analysis.looks import stages_of
    from analysis.plan import plan

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
    from analysis import pipeline
    from analysis.stages.sae import device
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
    paths = project.find()
    os.environ["STRATA_DEVICE"] = device  # read where SAEs train, in other processes
    os.environ["STRATA_BACKEND"] = backend
    folder = ensure_results(load_experiment(paths.experiments, experiment), workers, only_if_missing=False)
    from analysis.results import Results

    for sentence in Results(folder).stops["sentence"].drop_duplicates().head(STOPS_SHOWN):
        write(sentence)
    write(f"results of {experiment}: {paths.relative(folder)}")


@app.command()
def build(experiment: ExperimentName = DEFAULT, quiet: Quiet = False) -> None:
    """Bring all artefacts and page fragments up to date; trains only when there are no results at all.

    Reads the experiment's tables, data/logs and the pages; writes report/_generated and report/assets/generated.
    """
    drawn = build_site(experiment)
    if not quiet:
        write(f"built {len(drawn[1])} artefacts, drew {len(drawn[0])} anew: {', '.join(drawn[0]) or 'none'}")


def build_site(experiment: str) -> tuple[list[str], list[Any]]:
    """Names of what was drawn anew, and the records of all artefacts."""
    from analysis import build as builder
    from analysis.results import Results

    paths = project.find()
    folder = ensure_results(load_experiment(paths.experiments, experiment), 0, only_if_missing=True)
    anew: list[str] = []

    def drew(name: str) -> None:
        anew.append(name)
        if not errors.is_terminal:  # a bar is no help there, and minutes without a word look like a fault
            say(f"drew {name}")

    return anew, builder.build(Results(folder), paths, drew, log_commands.tell)


@app.command()
def render(
    renderer: Annotated[str | None, typer.Option(help="quarto or embedded; quarto where it is on PATH")] = None,
    experiment: Annotated[str, typer.Option(help="whose results the pages show")] = DEFAULT,
) -> None:
    """Build, then render the website.

    Reads _quarto.yml, index.qmd and report; writes _site. When the embedded renderer fails, the last good _site
    stays in place; Quarto renders in place.
    """
    if renderer not in (None, "quarto", "embedded"):
        raise NotFoundError("renderer", str(renderer), ["quarto", "embedded"])
    from analysis.site.render import choose
    from analysis.site.render import render as render_site

    paths = project.find()
    choose(renderer)  # before the work, not after it
    build_site(experiment)
    if not errors.is_terminal:
        say("rendering the pages")
    done = render_site(paths, renderer)
    print(f"rendered by the {done.renderer} renderer ({done.reason})")
    print(paths.site / "index.html")


@app.command()
def serve(port: Annotated[int, typer.Option(help="0 takes a free one")] = 8000) -> None:
    """Serve _site at 127.0.0.1 until interrupted. Reads _site; writes nothing."""
    from analysis.site.serve import serve as start

    server = start(project.find(), port)
    print(f"http://127.0.0.1:{server.server_address[1]}/  (Ctrl+C stops it)", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


@app.command(name="list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="one JSON list, each run in it")] = False,
    runs: Annotated[bool, typer.Option("--runs", help="a line for each run, too")] = False,
) -> None:
    """List the experiments: how much is done, seconds it took, the verdict of each tower, where results lie.

    Reads data/experiments, data/runs and data/results; writes nothing.
    """
    from analysis.listing import listed, text

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
    from analysis.results import open_results
    from analysis.verdict import panel, text

    rows = panel(open_results(experiment, project.find()))
    write(json.dumps(rows, indent=1) if as_json else text(rows, whole))


@app.command()
def images(
    out: Annotated[Path, typer.Option(help="the folder to write into; made if it is not there")],
    experiment: Annotated[str, typer.Option(help="whose latents")] = DEFAULT,
    split: Annotated[str, typer.Option(help="folders: a file an image; sheets: a file a latent")] = "folders",
    depth: Annotated[int | None, typer.Option(help="only this one; 0 are the host's neurons")] = None,
) -> None:
    """Write the images that drive each latent, strongest first, and the pictures of it, as PNG files.

    Reads the experiment's tables and sprites; writes DIR/depth-3/latent-0412/00_label7_act1.93.png and so on.
    """
    from analysis.loose_images import write_images
    from analysis.results import open_results

    written = write_images(open_results(experiment, project.find()), split, out, depth)
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
    from analysis import track as tracking

    paths = project.find()
    folder = tracking.add_digests(experiment, paths) if digests else tracking.track(experiment, paths)
    write(f"tracked: {paths.relative(folder)}")


@app.command()
def verify(
    experiment: Annotated[
        str | None,
        typer.Argument(metavar="[EXPERIMENT]", help=f"{DEFAULT}, if it is not named; with --files all there are"),
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
        from analysis.verify_files import verify_files

        with errors.status("reading every file"):
            checked = verify_files(paths, experiment or "")
        text, agrees = checked.text(), not checked.damaged
    else:
        from analysis.verify import verify as compare

        with errors.status(f"training {runs} of the chains again"):
            report = compare(experiment or DEFAULT, paths, runs, tolerance)
        text, agrees = report.text(), report.agrees
    write(text)
    if not agrees:
        raise typer.Exit(1)


def main() -> None:
    """Entry point: an error of ours is one line on stderr and exit code 1; a signal, one line and 128 + n."""
    try:
        signals.install()
        app()
    except (StrataError, OSError) as error:  # of the system: an unwritable folder, a full disk; it names the file
        text = shown(error, line=False)  # a report of several failed chains has a line for each
        errors.print(f"error: {text}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        signals.leave()
    except SystemExit as end:
        # typer has its own way of ending on an interrupt; a server that is told to end with Ctrl-C has done its work
        if signals.received() not in (0, signal.SIGINT) or (signals.received() and end.code != 0):
            signals.leave()
        raise
