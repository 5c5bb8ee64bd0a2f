"""`strata build`: results -> artefacts, numbers, logs -> page fragments. No training, and nothing drawn twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from importlib import metadata
from pathlib import Path

import vl_convert

from analysis import artefacts
from analysis.answering import Links, follow_all
from analysis.artefacts import Artefact
from analysis.cards import write_cards
from analysis.explorer import write_all
from analysis.log_pages import LogPages
from analysis.logs.answers import Answers, compile_with_answers
from analysis.logs.history import history
from analysis.logs.items import Compilation, Problem
from analysis.logs.write import escape
from analysis.notebooks import run_all as run_notebooks
from analysis.numbers import resolve_all
from analysis.paths import Paths
from analysis.prose import check_prose
from analysis.results import Results
from analysis.site import feed
from analysis.site.made import NUMBER, Made, citation

RUNTIME = "vega.js"


def build(
    results: Results,
    paths: Paths,
    report: Callable[[str], None] = lambda name: None,
    warn: Callable[[Problem], None] = lambda problem: None,
) -> list[Artefact]:
    """Bring everything that pages include up to date; `warn` hears what could not be read in the logs.

    Raises RenderError for prose with a number typed by hand, a number that nothing answers to, an answer whose result
    is gone, a notebook that fails.
    """
    pages = sources(paths)
    check_prose(pages, paths.root)
    compilation, answers = compile_with_answers([paths.logs], cache_folder=paths.build / "logs")
    for problem in compilation.problems:
        warn(problem)
    drawn = artefacts.draw_all(results, history(compilation), paths, report)
    run_notebooks(paths, lambda name: report(f"notebook {name}"))
    parts = _followed(compilation, answers, Links(results, paths, pages, drawn), paths).write(write_if_new)
    numbers = resolve_all([*pages, *parts], results, paths)
    made = Made.of(results, paths)
    shown = {name: asdict(number) for name, number in numbers.items()} | {NUMBER: made.number()}
    write_if_new(paths.generated / "numbers.json", json.dumps(dict(sorted(shown.items())), indent=1) + "\n")
    write_if_new(paths.generated / "made.md", made.fragment())
    site = feed.Site.of(paths.root, shown)
    write_if_new(paths.generated / "cite.md", citation(made, site))
    write_feed(paths, site, max([made.day, *(log.date for log in compilation.logs if log.date)]))
    write_if_new(paths.generated / "reproduce.md", reproduce_fragment(drawn))
    config = (paths.experiments / f"{results.experiment}.toml").read_text(encoding="utf-8")
    write_if_new(paths.generated / "config.md", f"```toml\n{config}```\n")
    write_all(results, paths, write_if_new)
    write_runtime(paths.built_assets / RUNTIME)
    write_cards(pages, drawn, site.title, paths)
    return drawn


def log_pages(results: Results, paths: Paths, pages: list[Path], drawn: list[Artefact]) -> LogPages:
    """The project's logs with their answers, each link of an answer followed to its result. Raises RenderError."""
    compilation, answers = compile_with_answers([paths.logs], cache_folder=paths.build / "logs")
    return _followed(compilation, answers, Links(results, paths, pages, drawn), paths)


def _followed(compilation: Compilation, answers: Answers, links: Links, paths: Paths) -> LogPages:
    by_id = {answer.id: answer for answer in answers.answers}
    return LogPages(compilation, by_id, follow_all(answers, links), links, paths)


def sources(paths: Paths) -> list[Path]:
    """The pages and parts that people write: what is generated is not among them."""
    return sorted([*paths.root.glob("*.qmd"), *paths.report.glob("*.qmd")])


def reproduce_fragment(drawn: list[Artefact]) -> str:
    """A list of every artefact: finding, code, runs, key. Each has an anchor that its caption links to."""
    rows = "".join(
        f"- [`{artefact.figure}`]{{#made-{artefact.name.replace('_', '-')}}}: {escape(artefact.title)}. "
        f"Drawn by `{artefact.source}` {_origin(artefact)}; key `{artefact.key}`.\n"
        for artefact in sorted(drawn, key=lambda a: a.figure)
    )
    # titles of figures, all in one place, would come before the figures in every search
    return f'::: {{data-pagefind-ignore="all"}}\n\n{rows}\n:::\n'


def _origin(artefact: Artefact) -> str:
    """What an artefact was drawn from; an experiment's row has config, commit and seconds."""
    if not artefact.experiments:
        return "from the logs"
    named = ", ".join(f"[`{name}`](#experiment-{name})" for name in artefact.experiments)
    return f"from {named}, runs {', '.join(f'`{run}`' for run in artefact.runs)}"


def write_feed(paths: Paths, site: feed.Site, day: date) -> None:
    """The feed, where the pages link to it."""
    target = paths.built_assets / feed.FILE
    if feed.is_linked(paths.root, paths.relative(target)):
        write_if_new(target, feed.rss(site, paths.relative(target), day))
    else:
        target.unlink(missing_ok=True)


def write_runtime(target: Path) -> None:
    """Vega, Vega-Lite and vega-embed as one local file, in a scope of its own (unwrapped it leaks its globals)."""
    stamp = target.with_suffix(".version")
    version = metadata.version("vl-convert-python") + "\n"
    if target.exists() and stamp.exists() and stamp.read_text() == version:
        return
    bundle = vl_convert.javascript_bundle("window.strataEmbed = vegaEmbed;")
    target.write_text(f"(function(){{{bundle}}})();\n", encoding="utf-8")
    stamp.write_text(version)


def write_if_new(path: Path, text: str) -> None:
    """Write only what changed, so that files keep their times."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
