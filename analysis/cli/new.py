"""The command that begins a project."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from analysis.cli.saying import write
from sae.errors import ConfigError

app = typer.Typer()


@app.command()
def new(
    folder: Annotated[Path | None, typer.Argument(metavar="FOLDER", help="made if it is not there")] = None,
    template: Annotated[str, typer.Option(help="what it begins with: towers, judge, language or blank")] = "towers",
    here: Annotated[bool, typer.Option("--here", help="into this folder, beside what lies there")] = False,
    title: Annotated[str, typer.Option(help="the site's; made of the folder's name, if not given")] = "",
) -> None:
    """Write a project: settings, pages, a first log; with `towers` or `language` a small experiment, with `judge` SAEs.

    Reads the tool's templates; writes into FOLDER, and over nothing that is there.
    """
    from analysis.plan.new_project import write_project

    if (folder is None) == (not here):
        raise ConfigError("name the FOLDER of the new project, or say --here")
    target = folder or Path()
    done = write_project(target, template, here=here, title=title)
    write(f"{len(done.new)} files written in {target}")
    if done.kept:
        write(f"left as they were: {', '.join(done.kept)}")
    write(f"next: {f'cd {shlex.quote(str(target))} && ' if folder else ''}strata render && strata serve")
