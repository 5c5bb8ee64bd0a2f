"""The command `strata publish`: says what would be published and how. It never pushes."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Annotated

import typer

from analysis.cli.saying import MainExperiment
from analysis.plan import paths as project
from analysis.plan.project import main_experiment
from sae.errors import RenderError, StrataError

if TYPE_CHECKING:
    from analysis.plan.project import main_experiment
from analysis.plan.paths import Paths

app = typer.Typer()
WORKFLOW = ".github/workflows/publish.yml"
COMMAND = "quarto publish gh-pages"


@app.command()
def publish(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would be published; without it: refuse")] = False,
    experiment: MainExperiment = None,
) -> None:
    """Say what would be published, whether it works under its address, and the command that publishes.

    What `strata check` finds without a browser is found here, too: links, anchors, files, listings. Reads _site,
    _quarto.yml, the experiment's tables and git; writes to standard output, nothing else. Exits with 1 when something
    would not work once it is published.
    """
    if not dry_run:
        raise RenderError(
            f"strata never pushes: push to main for {WORKFLOW} to publish, or call `{COMMAND}`; "
            "`strata publish --dry-run` says what either would publish"
        )
    from analysis.site.check.folder import read
    from analysis.site.check.static import findings
    from analysis.site.publishing import survey

    paths = project.find()
    found = survey(paths)
    tell = [f"{one.page}: {one.message}" for one in findings(read(paths.site, found.url)) if not one.note]
    faults = tuple(dict.fromkeys((*found.faults, *tell)))
    print(f"{paths.relative(paths.site)}: {found.files} files, {_bytes(found.size)}")
    for kind, (count, size) in found.kinds.items():
        print(f"  {kind:<16}{count:>6}{_bytes(size):>12}")
    print(f"address: {found.url + '/' if found.url else 'unknown'}")
    if not faults:
        print("links and files: all relative, so that any path will do; only 404.html begins at the address")
    print(f"checkout: {'commit ' + found.commit if found.commit else 'not in git'}")
    for note in (*found.notes, *_results(main_experiment(paths, experiment), paths)):
        print(f"note: {note}")
    for fault in faults:
        print(f"fault: {fault}")
    if faults:
        raise typer.Exit(1)
    if (paths.root / WORKFLOW).is_file():
        print(f"to publish: git push origin HEAD:main    ({WORKFLOW} trains, renders and deploys)")
    print(f"from here:  {COMMAND}{'' if shutil.which('quarto') else '    (needs Quarto on PATH)'}")


def _results(experiment: str | None, paths: Paths) -> list[str]:
    """What there is to say about the results that the pages show."""
    from analysis.plan.chains import plan
    from analysis.plan.config import load_experiment
    from analysis.results.tables import is_current

    if experiment is None:
        return ["the project has no experiment: the pages show logs and prose, and no results of a run"]
    try:
        wanted = load_experiment(paths.experiments, experiment)
        current = is_current(wanted, plan(wanted), paths)
    except StrataError as error:
        return [str(error)]
    if current:
        return []
    return [
        f"results of {experiment} were not made here by this code and config; `strata run {experiment}` renews them"
    ]


def _bytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB"
