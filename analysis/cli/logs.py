"""The commands of `strata` that read logs and write about them."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from analysis.cli.runs import results_of
from analysis.cli.saying import MainExperiment
from analysis.plan import paths as project
from analysis.system.terminal import shown
from sae.errors import ConfigError, NotFoundError

if TYPE_CHECKING:
    from analysis.logs.items import Item, Kind, Problem
    from analysis.logs.nearest import Nearest
    from analysis.pages.answer_links import Links

app = typer.Typer()
errors = Console(stderr=True)
FORMS = ("md", "qmd", "json", "html")
ONLY: dict[str, Kind] = {
    "questions": "question", "steps": "next_step", "learnings": "learning", "done": "done", "resources": "resource",
    "background": "background", "unsorted": "unsorted",
}  # fmt: skip


def tell(problem: Problem) -> None:
    """Print what could not be read, with file and line."""
    told = shown(f"{problem.file}:{problem.line}: {problem.message}")
    errors.print(told, markup=False, highlight=False, soft_wrap=True)


def _cache() -> Path | None:
    """Where read logs are kept; nowhere outside a project, which `strata logs` does without."""
    try:
        return project.find().build / "logs"
    except ConfigError:
        return None


@app.command()
def logs(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR...", help="folders or files of experiment logs")],
    form: Annotated[str, typer.Option("--format", help=f"{', '.join(FORMS)}")] = "md",
    since: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="leave out older logs")] = None,
    only: Annotated[str | None, typer.Option(help=f"one kind: {', '.join(ONLY)}")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="exit with 1 when a file was skipped")] = False,
) -> None:
    """Compile questions, next steps, learnings and all the rest of experiment logs into one document.

    Reads Markdown, text, Org, reStructuredText, .log files, notebooks and Quarto pages under DIR, and DIR/logs.toml and
    DIR/answers.toml; writes to standard output, problems with file and line, and what was read and what was not, to
    standard error.
    """
    from analysis.logs.answers import compile_with_answers
    from analysis.logs.document import Document, spoken
    from analysis.logs.output import closing

    if form not in FORMS:
        raise NotFoundError("format", form, list(FORMS))
    if only is not None and only not in ONLY:
        raise NotFoundError("kind", only, list(ONLY))
    compilation, answers = compile_with_answers(folders, since.date() if since else None, _cache())
    for problem in compilation.problems:
        tell(problem)
    items = [item for item in compilation.items if only is None or item.kind == ONLY[only]]
    numbers = _numbers()
    written = Document(compilation, items, {a.id: spoken(a.sentence, numbers) for a in answers.answers})
    print({"md": written.markdown, "qmd": written.qmd, "json": written.json, "html": written.html}[form](), end="")
    skipped = any(problem.skipped for problem in compilation.problems)
    if strict or skipped or compilation.unread:
        errors.print(shown(closing(compilation)), markup=False, highlight=False, soft_wrap=True)
    if strict and skipped:
        raise typer.Exit(1)


def _numbers() -> dict[str, dict[str, str]]:
    """The numbers that the last build looked up; none outside a project or before a build."""
    try:
        text = (project.find().generated / "numbers.json").read_text(encoding="utf-8")
        found: dict[str, dict[str, str]] = json.loads(text)
        return found
    except (ConfigError, OSError, ValueError):
        return {}


@app.command()
def questions(
    open_only: Annotated[bool, typer.Option("--open", help="only those without an answer")] = False,
    suggest: Annotated[
        bool, typer.Option("--suggest", help="and what may help with them, and with open steps")
    ] = False,
) -> None:
    """List the questions of data/logs with their ids, days and answers.

    With --suggest, below each open question, and below the open next steps, what shares its words: learnings and
    reports of work, addresses, figures, numbers and sections. Reads data/logs, and what the last build drew; writes to
    standard output.
    """
    from analysis.logs.answers import compile_with_answers
    from analysis.logs.document import spoken
    from analysis.logs.nearest import waiting

    paths = project.find()
    compilation, answers = compile_with_answers([paths.logs], cache_folder=paths.build / "logs")
    numbers = _numbers()
    said = {answer.id: spoken(answer.sentence, numbers) for answer in answers.answers}
    near = _near(paths, compilation.items) if suggest else None
    for item in compilation.items:
        if item.kind == "question" and not (open_only and item.state in ("answered", "dropped")):
            _listed(item, near, numbers)
            if item.id in said:
                print(f"    -> {shown(said[item.id])}")
    steps = [item for item in waiting(compilation.items) if item.kind == "next_step"] if near else []
    if steps:
        print("\nNext steps that are open:")
    for item in steps:
        _listed(item, near, numbers)


def _listed(item: Item, near: Nearest | None, numbers: Mapping[str, Mapping[str, str]]) -> None:
    from analysis.logs.document import with_numbers
    from analysis.logs.items import MAYBE_BELOW
    from analysis.logs.output import iso
    from analysis.pages.suggest import told

    maybe = "maybe: " if item.confidence < MAYBE_BELOW else ""
    print(f"{item.id}  {iso(item.date)}  {shown(item.file)}:{item.line}\n    {maybe}{shown(item.text)}")
    if near and item.match:
        match = item.match
        print(f"    likely done: {shown(match.text)} ({iso(match.date)}, {shown(match.file)}:{match.line})")
    for candidate in near.of(item) if near else ():
        print(f"    {shown(with_numbers(told(candidate), numbers))}")


def _near(paths: project.Paths, items: Sequence[Item], asked: Sequence[Item] | None = None) -> Nearest:
    """What may help, by what the last build drew and looked up."""
    from analysis.pages.answer_links import Links
    from analysis.pages.build import sources
    from analysis.pages.numbers import Number
    from analysis.pages.suggest import last_drawn, nearest

    drawn = last_drawn(paths)
    if not drawn:
        errors.print("no figures yet: `strata build` draws those that can be proposed", markup=False, highlight=False)
    numbers = {
        name: Number(said["text"], said["title"], said["words"], said["experiment"])
        for name, said in _numbers().items()
        if {"text", "title", "words", "experiment"} <= said.keys()
    }
    return nearest(items, Links(None, paths, sources(paths), drawn), numbers, asked)


@app.command()
def answer(
    question: Annotated[str, typer.Argument(metavar="ID", help="a question's id or its first digits")],
    sentence: Annotated[
        str, typer.Option(help="your answer; numbers as {{< num NAME >}}; asked for if not given")
    ] = "",
    link: Annotated[
        list[str] | None,
        typer.Option(help="figure id, number or page#section; repeat for more; without it candidates are shown"),
    ] = None,
    log: Annotated[str, typer.Option(help="the log by which it was answered; the last one if not given")] = "",
    experiment: MainExperiment = None,
) -> None:
    """Answer a question of data/logs with a sentence and a result that it rests on.

    Without --link, what shares the question's words is shown, and a terminal asks which of it. Reads data/logs and the
    results; writes data/logs/answers.toml. A link to a result that is not there is refused.
    """
    from analysis.logs.answers import Answer, append, compile_with_answers, find_question
    from analysis.pages.answer_links import Links
    from analysis.pages.build import build, sources

    paths = project.find()
    compilation, _ = compile_with_answers([paths.logs], cache_folder=paths.build / "logs")
    item = find_question(compilation.items, question)
    if log and log not in [known.file for known in compilation.logs]:
        raise NotFoundError("log", log, [known.file for known in compilation.logs])
    results = results_of(experiment, paths)
    drawn = build(results, paths)
    links = Links(results, paths, sources(paths), drawn)
    chosen = tuple(link or _chosen(item, links, _near(paths, compilation.items, [item])))
    words = sentence or str(typer.prompt("Sentence"))
    given = Answer(id=item.id, question=item.text, sentence=words, links=chosen, log=log)
    links.look_up(given)
    append(paths.logs, given)
    print(f"answered: {shown(item.text)}")


def _chosen(item: Item, links: Links, near: Nearest) -> list[str]:
    """The link that is chosen at a terminal among those shown. Raises ConfigError where nobody can be asked."""
    from analysis.logs.document import with_numbers
    from analysis.pages.suggest import told

    print(shown(item.text))
    found = near.of(item)
    for candidate in found:
        print(f"    {shown(with_numbers(told(candidate), _numbers()))}")
    if not found:
        print("    nothing in the logs and results shares enough of its words")
    figures = [name for name in links.names() if name.startswith(("fig-", "tbl-"))]
    print(f"    figures and tables of the pages: {', '.join(sorted(figures)) or 'none'}")
    if not sys.stdin.isatty():
        raise ConfigError("an answer rests on a result: give it with --link, one of those above or another")
    return [str(typer.prompt("Link"))]


@app.command()
def write(
    outline: Annotated[bool, typer.Option("--outline", help="a draft page from logs and results")] = False,
    out: Annotated[Path | None, typer.Option(help="where to; report/draft.qmd if not given")] = None,
    experiment: MainExperiment = None,
) -> None:
    """Draft a page: questions as headings, their figures and numbers, learnings, and gaps for your own words.

    Reads data/logs, answers and results; writes report/draft.qmd, and never over a file that a person changed.
    """
    from analysis.pages.build import build, log_pages, sources
    from analysis.pages.draft_page import outline as draft
    from analysis.pages.draft_page import write_draft

    if not outline:
        raise ConfigError("strata write makes outlines: strata write --outline")
    paths = project.find()
    results = results_of(experiment, paths)
    drawn = build(results, paths)
    pages = log_pages(results, paths, sources(paths), drawn)
    target = out or paths.report / "draft.qmd"
    write_draft(target, draft(pages, results, paths))
    print(f"draft: {shown(target.name)}, with gaps in [brackets] for your own words")
