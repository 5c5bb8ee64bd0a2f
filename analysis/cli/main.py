"""The command `strata`. Each command reads files, calls one function, and says where it wrote."""

from __future__ import annotations

import contextlib
import signal
import sys
import warnings
from typing import NoReturn, TextIO

import typer

from analysis.cli import check, judge, language, lesswrong, logs, new, publish, runs, site, web
from analysis.cli.remedies import right_here
from analysis.cli.saying import errors, say
from analysis.plan import paths as project
from analysis.plan import plugins
from analysis.system import extras, signals
from analysis.system.terminal import shown
from sae.discover import LeftOutWarning
from sae.errors import StrataError

_show = warnings.showwarning
app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Train towers of sparse autoencoders, judge any, measure every depth, compile logs, render the write-up.",
)


@app.callback()
def found() -> None:
    """What the project adds is found by all commands; some of them need no project."""
    with contextlib.suppress(project.NoProjectError):
        plugins.load(project.find())


for group in (new, judge, runs, web, language, site, logs, lesswrong, publish, check):
    app.add_typer(group.app)


def _note(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, file: TextIO | None = None,
    line: str | None = None,
) -> None:  # fmt: skip
    """A warning of ours is one line; any other is Python's."""
    if issubclass(category, LeftOutWarning):
        say(f"note: {message}")
    else:
        _show(message, category, filename, lineno, file, line)


def _fail(error: Exception) -> NoReturn:
    """Say what went wrong, and what would have to be installed where that is it; exit code 1."""
    text = shown(right_here(str(error)), line=False)  # a report of several failed chains has a line for each
    remedy = extras.remedy_for(error)
    text += f": {remedy}" if remedy else ""
    errors.print(f"error: {text}", style="red", markup=False, highlight=False, soft_wrap=True)
    sys.exit(1)


def main() -> None:
    """Entry point: an error of ours is one line on stderr and exit code 1; a signal, one line and 128 + n."""
    warnings.showwarning = _note
    try:
        signals.install()
        app()
    except (StrataError, OSError) as error:  # of the system: an unwritable folder, a full disk; it names the file
        _fail(error)
    except ImportError as error:
        if not extras.remedy_for(error):  # not of an extra: a fault of ours, to be seen whole
            raise
        _fail(error)
    except KeyboardInterrupt:
        signals.leave()
    except SystemExit as end:
        # typer has its own way of ending on an interrupt; a server that is told to end with Ctrl-C has done its work
        if signals.received() not in (0, signal.SIGINT) or (signals.received() and end.code != 0):
            signals.leave()
        raise
