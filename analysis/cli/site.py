"""Commands that make the site: build, render, serve."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from analysis.cli import logs as log_commands
from analysis.cli.remedies import right_here
from analysis.cli.runs import ensure_results
from analysis.cli.saying import MainExperiment, errors, say, write
from analysis.cli.web import export_for_pages, language_for_pages
from analysis.plan import paths as project
from analysis.plan.config import load_experiment
from analysis.plan.project import main_experiment
from sae.errors import NotFoundError

app = typer.Typer()

Quiet = Annotated[bool, typer.Option("--quiet", help="say nothing but errors")]


@app.command()
def build(
    experiment: Annotated[
        str | None, typer.Argument(metavar="[EXPERIMENT]", help="the one that the site is about, if it is not named")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Bring all figures and parts that pages ask for up to date; trains only when there are no results at all.

    Reads the experiment's tables, data/logs and the pages; writes report/_generated and report/assets/generated.
    """
    drawn = build_site(experiment)
    if not quiet:
        write(f"built {len(drawn[1])} figures, drew {len(drawn[0])} anew: {', '.join(drawn[0]) or 'none'}")


def build_site(experiment: str | None) -> tuple[list[str], list[Any]]:
    """Names of what was drawn anew, and the records of all."""
    from analysis.pages import build as builder
    from analysis.pages.notebooks import check_installed
    from analysis.results.tables import Results

    paths = project.find()
    check_installed(paths)  # before minutes of training
    name = main_experiment(paths, experiment)
    folder = name and ensure_results(load_experiment(paths.experiments, name), 0, only_if_missing=True)
    anew: list[str] = []

    def drew(name: str) -> None:
        anew.append(name)
        if not errors.is_terminal:  # a bar is no help there, and minutes without a word look like a fault
            say(f"drew {name}")

    results = Results(folder) if folder else None
    export_for_pages(results, paths)
    language_for_pages(paths)
    return anew, builder.build(results, paths, drew, log_commands.tell)


@app.command()
def render(
    renderer: Annotated[str | None, typer.Option(help="quarto or embedded; quarto where it is on PATH")] = None,
    experiment: MainExperiment = None,
) -> None:
    """Build, then render the website.

    Reads _quarto.yml, index.qmd and report; writes _site. When the embedded renderer fails, the last good _site
    stays in place; Quarto renders in place.
    """
    if renderer not in (None, "quarto", "embedded"):
        raise NotFoundError("renderer", str(renderer), ["quarto", "embedded"])
    from analysis.site.render import choose, passed_over
    from analysis.site.render import render as render_site

    paths = project.find()
    choose(renderer)  # before the work, not after it
    build_site(experiment)
    if not errors.is_terminal:
        say("rendering the pages")
    done = render_site(paths, renderer)
    for page in passed_over(paths):
        say(f"not rendered: {page}; the list `render` in {project.MARK} does not name it")
    print(f"rendered by the {done.renderer} renderer ({done.reason})")
    print(paths.site / "index.html")


@app.command()
def preview(
    port: Annotated[int, typer.Option(help="0 takes a free one")] = 8000, experiment: MainExperiment = None
) -> None:
    """Make the site, serve it at 127.0.0.1, and make it again whenever a page, figure, log or result changes.

    Reads what build and render read; writes what they write, by the embedded renderer. Pages that are open load
    themselves again. What cannot be made is said, and the next change tried.
    """
    import threading

    from analysis.pages.preview import Preview
    from analysis.site.serve import serve as start

    paths = project.find()
    shown = Preview(paths, lambda: build_site(experiment), lambda line: say(right_here(line)))
    stop = threading.Event()
    try:
        shown.begin(stop)
    except KeyboardInterrupt:
        return
    server = start(paths, port, lambda: shown.version)
    print(f"http://127.0.0.1:{server.server_address[1]}/  (Ctrl+C stops it)", flush=True)
    watching = threading.Thread(target=shown.watch, args=(stop,), daemon=True)
    watching.start()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()
    stop.set()


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
