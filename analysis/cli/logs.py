"""The commands of `strata` that read logs and write about them."""

from __future__ import annotations

import json
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
    from analysis.logs.items import Kind, Problem

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
) -> None:
    """List the questions of data/logs with their ids, days and answers.

    Reads data/logs; writes to standard output.
    """
    from analysis.logs.answers import compile_with_answers
    from analysis.logs.document import spoken
    from analysis.logs.items import MAYBE_BELOW
    from analysis.logs.output import iso

    paths = project.find()
    compilation, answers = compile_with_answers([paths.logs], cache_folder=paths.build / "logs")
    numbers = _numbers()
    said = {answer.id: spoken(answer.sentence, numbers) for answer in answers.answers}
    for item in compilation.items:
        if item.kind == "question" and not (open_only and item.state in ("answered", "dropped")):
            maybe = "maybe: " if item.confidence < MAYBE_BELOW else ""
            print(f"{item.id}  {iso(item.date)}  {shown(item.file)}:{item.line}\n    {maybe}{shown(item.text)}")
            if item.id in said:
                print(f"    -> {shown(said[item.id])}")


@app.command()
def answer(
    question: Annotated[str, typer.Argument(metavar="ID", help="a question's id or its first digits")],
    sentence: Annotated[str, typer.Option(help="your answer; numbers as {{< num NAME >}}", prompt=True)],
    link: Annotated[list[str], typer.Option(help="figure id, number or page#section; repeat for more")],
    log: Annotated[str, typer.Option(help="the log by which it was answered; the last one if not given")] = "",
    experiment: MainExperiment = None,
) -> None:
    """Answer a question of data/logs with a sentence and a result that it rests on.

    Reads data/logs and the results; writes data/logs/answers.toml. A link to a result that is not there is refused.
    """
    from analysis.logs.answers import Answer, append, compile_with_answers, find_question
    from analysis.pages.answer_links import Links
    from analysis.pages.build import build, sources

    paths = project.find()
    compilation, _ = compile_with_answers([paths.logs], cache_folder=paths.build / "logs")
    item = find_question(compilation.items, question)
    if log and log not in [known.file for known in compilation.logs]:
        raise NotFoundError("log", log, [known.file for known in compilation.logs])
    given = Answer(id=item.id, question=item.text, sentence=sentence, links=tuple(link), log=log)
    results = results_of(experiment, paths)
    drawn = build(results, paths)
    Links(results, paths, sources(paths), drawn).follow(given, 0)
    append(paths.logs, given)
    print(f"answered: {shown(item.text)}")


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
