"""What commands say while they work: lines and bars on stderr, results on standard output."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from analysis.system.terminal import shown

errors = Console(stderr=True)

MainExperiment = Annotated[
    str | None, typer.Option("--experiment", help="whose results; those that the site is about, if it is not said")
]


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
