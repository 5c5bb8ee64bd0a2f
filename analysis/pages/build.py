"""`strata build`: results -> artefacts, numbers, logs -> page fragments. No training, and nothing drawn twice."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import date
from functools import cache
from importlib import metadata
from pathlib import Path

import vl_convert

from analysis.figures.asked import asked, page_with_part
from analysis.figures.draw import Artefact, draw_all
from analysis.logs.answers import Answers, compile_with_answers
from analysis.logs.history import history
from analysis.logs.items import Compilation, Problem
from analysis.logs.write import escape
from analysis.pages import draw, language
from analysis.pages.answer_links import Links, follow_all
from analysis.pages.explorer import write_all
from analysis.pages.explorer_sets import PART, page_part
from analysis.pages.log_pages import LogPages
from analysis.pages.notebooks import check_installed
from analysis.pages.notebooks import run_all as run_notebooks
from analysis.pages.numbers import Number, resolve_all
from analysis.pages.preview_cards import write_cards
from analysis.pages.typed_numbers import check_prose
from analysis.plan import plugins
from analysis.plan.paths import Paths
from analysis.results.tables import Results
from analysis.site import feed
from analysis.site.inside import project_file
from analysis.site.keys import text_file
from analysis.site.made import NUMBER, Made, citation
from analysis.system.stamps import Stamp, Written

RUNTIME = "vega.js"
EXPORTED = "window.strataEmbed = vegaEmbed;"
"""What charts.js finds of the runtime."""
Write = Callable[[Path, str], None]


def build(
    results: Results | None,
    paths: Paths,
    report: Callable[[str], None] = lambda name: None,
    warn: Callable[[Problem], None] = lambda problem: None,
) -> list[Artefact]:
    """Bring everything that pages include up to date; `warn` hears what could not be read in the logs. `results` are
    those that the site is about; None where the project has no experiment.

    Raises RenderError for a figure that is not there or cannot be drawn, prose with a number typed by hand, a number
    that nothing answers to, an answer whose result is gone, a notebook that fails; DataError for tables that are
    damaged, or were replaced by a run in the meantime; ExtraError for notebooks without what executes them.
    """
    check_installed(paths)
    plugins.load(paths)
    pages = sources(paths)
    check_prose(pages, paths.root)
    compilation, answers = compile_with_answers(logs_of(paths), cache_folder=paths.build / "logs")
    for problem in compilation.problems:
        warn(problem)
    # before the figures: some are drawn from what a notebook kept
    run_notebooks(paths, lambda name: report(f"notebook {name}"))
    drawn = draw_all(asked(pages, paths.root), results, history(compilation), paths, report, _explorer(pages, paths))
    numbers = resolve_all(pages, results, paths)
    log_parts = _followed(compilation, answers, Links(results, paths, pages, drawn), numbers, paths)
    with Written(paths.build / "written.json", paths.root) as write:
        numbers = resolve_all([*pages, *log_parts.write(write)], results, paths, numbers)
        made = Made.of(results, paths, compilation.logs)
        shown = {name: asdict(number) for name, number in numbers.items()} | {NUMBER: made.number()}
        write(paths.generated / "numbers.json", json.dumps(dict(sorted(shown.items())), indent=1) + "\n")
        write(paths.generated / "made.md", made.fragment())
        site = feed.Site.of(paths.root, shown)
        write(paths.generated / "cite.md", citation(made, site))
        write_feed(paths, site, max([made.day, *(log.date for log in compilation.logs if log.date)]), write)
        write(paths.generated / "reproduce.md", reproduce_fragment(drawn))
        if results is not None:
            config = (paths.experiments / f"{results.experiment}.toml").read_text(encoding="utf-8")
            write(paths.generated / "config.md", f"```toml\n{config}```\n")
            write_all(results, paths, write)
        else:
            write(paths.generated / f"{PART}.md", page_part([]))
        draw.write_parts(results, paths, pages, _explorer(pages, paths), write)
        language.write_part(paths, pages, write)
    write_runtime(paths)
    write_cards(pages, drawn, site.title, paths)
    if results is not None:
        results.check_unchanged()
    return drawn


def _explorer(pages: list[Path], paths: Paths) -> str:
    """The page with the explorer, as links write it; empty where none has it."""
    found = page_with_part(PART, pages, paths.root)
    return f"/{found}" if found else ""


def log_pages(results: Results | None, paths: Paths, pages: list[Path], drawn: list[Artefact]) -> LogPages:
    """The project's logs with their answers, each link of an answer followed to its result. Raises RenderError."""
    compilation, answers = compile_with_answers(logs_of(paths), cache_folder=paths.build / "logs")
    numbers = resolve_all(pages, results, paths)
    return _followed(compilation, answers, Links(results, paths, pages, drawn), numbers, paths)


def logs_of(paths: Paths) -> list[Path]:
    """The folder of the project's logs; nothing for a project that keeps none."""
    return [paths.logs] if paths.logs.is_dir() else []


def _followed(
    compilation: Compilation, answers: Answers, links: Links, numbers: Mapping[str, Number], paths: Paths
) -> LogPages:
    by_id = {answer.id: answer for answer in answers.answers}
    return LogPages(compilation, by_id, follow_all(answers, links), links, paths, numbers)


def sources(paths: Paths) -> list[Path]:
    """The pages and parts that people write: what is generated is not among them.

    Raises RenderError for one that is no readable text, or a link out of the project.
    """
    found = sorted([*paths.root.glob("*.qmd"), *paths.report.glob("*.qmd")])
    for page in found:
        name = page.relative_to(paths.root).as_posix()  # `paths.relative` would follow a link
        text_file(project_file(paths.root, name, "page", name), name)
    return found


def reproduce_fragment(drawn: list[Artefact]) -> str:
    """Every artefact: finding, code, key, folded by what it was drawn from. Each has an anchor that its caption links
    to, and a browser opens the fold that an anchor stands in."""
    by_origin: dict[tuple[tuple[str, ...], tuple[str, ...]], list[Artefact]] = {}
    for artefact in sorted(drawn, key=lambda a: (a.experiments, a.figure)):
        by_origin.setdefault((tuple(artefact.experiments), tuple(artefact.runs)), []).append(artefact)
    parts = "".join(_fold(*origin, own) for origin, own in by_origin.items())
    # titles of figures, all in one place, would come before the figures in every search
    return f'::: {{data-pagefind-ignore="all"}}\n\n{parts}:::\n'


def _fold(experiments: tuple[str, ...], runs: tuple[str, ...], own: list[Artefact]) -> str:
    """The artefacts of one origin; an experiment's row has config, commit and seconds."""
    many = f"{len(own)} figure or table" if len(own) == 1 else f"{len(own)} figures and tables"
    whence = html.escape(" and ".join(experiments) or "the project's own files", quote=False)
    named = ", ".join(f"[`{name}`](#experiment-{name})" for name in experiments)
    says = f"Experiment {named}, runs {', '.join(f'`{run}`' for run in runs)}.\n\n" if experiments else ""
    rows = "".join(
        f"- [`{artefact.figure}`]{{#made-{artefact.name.replace('_', '-')}}}: {escape(artefact.title)}. "
        f"Drawn by `{artefact.source}`; key `{artefact.key}`.\n"
        for artefact in own
    )
    opened = f'```{{=html}}\n<details class="made">\n<summary>{many} from {whence}</summary>\n```\n'
    return f"{opened}\n{says}{rows}\n```{{=html}}\n</details>\n```\n\n"


def write_feed(paths: Paths, site: feed.Site, day: date, write: Write) -> None:
    """The feed, where the pages link to it."""
    target = paths.built_assets / feed.FILE
    if feed.is_linked(paths.root, paths.relative(target)):
        write(target, feed.rss(site, paths.relative(target), day))
    else:
        target.unlink(missing_ok=True)


@cache
def _bundle() -> str:
    return vl_convert.javascript_bundle(EXPORTED)


def write_runtime(paths: Paths) -> None:
    """Vega, Vega-Lite and vega-embed as one local file, in a scope of its own (unwrapped it leaks its globals)."""
    target = paths.built_assets / RUNTIME
    key = f"{metadata.version('vl-convert-python')} {EXPORTED}"
    stamp = Stamp(paths.build / "runtime.json", key, paths.root)
    if stamp.current() is None:
        stamp.forget()
        target.write_text(f"(function(){{{_bundle()}}})();\n", encoding="utf-8")
        stamp.write([target])
