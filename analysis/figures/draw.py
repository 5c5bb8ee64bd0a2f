"""Draw what pages ask for and is out of date: page fragments, CSV and pictures, each with a record.

A figure is drawn again when its tables, its code or its arguments change (its key is a hash of all), or when one of its
files is no longer what was written. Each one leaves `report/_generated/NAME.md` (what `{{< figure NAME >}}` shows), a
CSV of what is drawn, and a record that the reproduce page lists. Free of torch.
"""

from __future__ import annotations

import difflib
import hashlib
import html
import inspect
import json
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from types import ModuleType

from altair.utils.schemapi import debug_mode

from analysis.figures import explorer_links, image_sheets, vega
from analysis.figures.asked import Asked
from analysis.figures.captions import folded
from analysis.figures.drawing import Drawing
from analysis.figures.specs import addresses, spec_of, written
from analysis.figures.svg import clean_svg
from analysis.logs.counts import History
from analysis.plan import plugins
from analysis.plan.code_version import ROOT, code_version
from analysis.plan.paths import Paths
from analysis.results.judged import Judged, judgement
from analysis.results.kept import kept
from analysis.results.kept_file import KeptFile, kept_file
from analysis.results.measure_names import can_be
from analysis.results.tables import Results, source
from analysis.system.stamps import Stamp, files_of, remove
from sae.discover import load, module_name, object_in
from sae.errors import ConfigError, DataError, NotFoundError, RenderError, StrataError

KINDS = plugins.PACKAGES["figures"]
# Where a project says how every number was made, if it has such a page.
REPRODUCE = "reproduce.qmd"

Drawn = Results | History | Judged | KeptFile
"""What a figure is drawn from."""


@dataclass(frozen=True, kw_only=True)
class Artefact:
    """A drawn thing, as the record of it on disk says."""

    name: str
    figure: str
    """Its id in pages: `fig-NAME` or `tbl-NAME`, with hyphens."""
    title: str
    caption: str
    alt: str
    source: str
    """The file whose function drew it, in the project or in the tool."""
    experiments: list[str]
    """Whose tables it was drawn from; none for what is drawn from the logs or a judgement."""
    runs: list[str]
    files: list[str]
    key: str
    """Hash of the tables and of the code; equal key, equal artefact."""
    seconds: float


def draw_all(
    calls: Sequence[Asked],
    results: Results | None,
    history: History,
    paths: Paths,
    report: Callable[[str], None] = lambda name: None,
    explorer: str = explorer_links.USUAL,
) -> list[Artefact]:
    """Draw every figure that is asked for and out of date, and give the records of all. `report` hears what is drawn.

    `results` are the site's own; None where it has no experiment; `explorer` the page that single latents are looked up
    on, empty where there is none. Raises RenderError, with the page and line that
    asked, for a figure that is not there or cannot be drawn from what there is.
    """
    for folder in (paths.generated, paths.built_assets, paths.build / "artefacts"):
        folder.mkdir(parents=True, exist_ok=True)
    remove_strangers(paths, {call.name for call in calls})
    return [_draw(call, results, history, paths, report, explorer) for call in calls]


def remove_strangers(paths: Paths, known: set[str]) -> None:
    """Remove the records and files of figures that nobody asks for any more; nothing but what a build has written."""
    ours = (paths.generated.resolve(), paths.built_assets.resolve())
    for record in (paths.build / "artefacts").glob("*.json"):
        if record.stem not in known:
            files = [paths.root / file for file in files_of(record)] or [
                paths.generated / f"{record.stem}.md", paths.built_assets / f"{record.stem}.csv"
            ]  # fmt: skip
            for file in files:
                if file.resolve().parent in ours:
                    file.unlink(missing_ok=True)
            remove(record)


def _draw(
    call: Asked, main: Results | None, history: History, paths: Paths, report: Callable[[str], None],
    explorer: str = explorer_links.USUAL,
) -> Artefact:  # fmt: skip
    module = module_of(call)
    code, function = _imported(module, call)
    options = call.options(function)
    given = _given(call, code, main, history, paths)
    name = ""  # whose sprite its images are cut from: the site's own stands in every page
    if "set_name" in inspect.signature(function).parameters:
        name = "" if given[0] is main else str(getattr(given[0], "experiment", ""))
        name = str(options.setdefault("set_name", name))
    tables = "-".join(results.digest for results in given)
    version = code_version(module, "analysis.figures.draw")
    key = f"{tables}-{version}-{library_versions()}" + (f"-{_short(options)}" if options else "")
    key += "" if explorer == explorer_links.USUAL else f"-{_short({'explorer': explorer})}"
    stamp = Stamp(paths.build / "artefacts" / f"{call.name}.json", key, paths.root)
    if (noted := stamp.current()) is not None:
        _check_style(name, call, paths)
        return Artefact(**noted)
    report(call.name)
    stamp.forget()
    started = time.perf_counter()
    drawing = _called(call, function, given, options, Path(str(code.__file__)))
    figure = f"{drawing.kind}-{call.name.replace('_', '-')}"
    files = _write(drawing, call.name, figure, paths, explorer)
    artefact = Artefact(
        name=call.name, figure=figure, title=drawing.title, caption=drawing.caption, alt=drawing.alt,
        source=shown_file(Path(str(code.__file__)), paths),
        experiments=[results.experiment for results in given if isinstance(results, Results)],
        runs=[str(run) for results in given for run in results.manifest["runs"]], files=files, key=key,
        seconds=round(time.perf_counter() - started, 2),
    )  # fmt: skip
    stamp.write([paths.root / file for file in files], asdict(artefact))
    _check_style(name, call, paths)
    return artefact


def _check_style(name: str, call: Asked, paths: Paths) -> None:
    """Raise RenderError where a drawn figure shows images of a second experiment, and no style sheet of the project
    says where they are cut from: the page would show those of the site's own."""
    drawn = (paths.generated / f"{call.name}.md").read_text(encoding="utf-8") if name else ""
    if not image_sheets.blocks(drawn, name):
        return
    sheets = [sheet for sheet in sorted(paths.report.rglob("*.css")) if paths.built_assets not in sheet.parents]
    if not any(f".digits.{name} " in sheet.read_text(encoding="utf-8") for sheet in sheets):
        rule = f'.digits.{name} i {{ background-image: url("assets/generated/explorer/{name}/shown.webp"); }}'
        raise RenderError(
            f"the figure {call.name} shows images of {name}, which no style sheet in "
            f"{paths.relative(paths.report)} knows; add to one that `css` lists: {rule}", call.file, call.line,
        )  # fmt: skip


def _short(options: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(options, sort_keys=True).encode()).hexdigest()[:6]


def module_of(call: Asked) -> str:
    """The module that holds a figure. Raises RenderError, naming those that are nearest, for one that is not there."""
    found = plugins.figures()
    if call.figure not in found:
        near = difflib.get_close_matches(call.figure, found, n=5, cutoff=0.4) or found[:20]
        where = "write report/figures/" + call.figure + ".py, or ask for one of the tool's"
        raise RenderError(f"there is no figure {call.figure!r}; {where}: {', '.join(near)}", call.file, call.line)
    try:
        return module_name(KINDS, call.figure)
    except ConfigError as error:  # there are two
        raise RenderError(f"the figure {call.name}: {error}", call.file, call.line) from error


def _imported(module: str, call: Asked) -> tuple[ModuleType, Callable[..., Drawing]]:
    """The module of a figure and its function. Raises RenderError, with its file and line and who asked, for one that
    is broken."""
    try:
        code = load(module)
        return code, object_in(code, KINDS, call.figure)
    except (ConfigError, NotFoundError) as error:
        raise RenderError(f"the figure {call.name}: {error}", call.file, call.line) from error


def _called(
    call: Asked, function: Callable[..., Drawing], given: Sequence[Drawn],
    options: dict[str, object], file: Path,
) -> Drawing:  # fmt: skip
    """The drawing. What goes wrong in a figure's function is said with where it did, and who asked for it."""
    tables = [results for results in given if isinstance(results, Results)]
    for results in tables:
        results.unmeasured.clear()
    try:
        # a chart is checked as a whole, where its spec is written: not each of its parts, again and again
        with debug_mode(False):
            drawing = function(*given, **options)
    except StrataError as error:
        raise RenderError(f"the figure {call.name}: {error}", call.file, call.line) from error
    except Exception as error:
        here = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == file]
        place = f"{file.name}:{here[-1].lineno}" if here else file.name
        raise RenderError(
            f"the figure {call.name} cannot be drawn ({place}): {type(error).__name__}: {error}", call.file, call.line
        ) from error
    if not isinstance(drawing, Drawing):
        raise RenderError(
            f"the figure {call.name}: {file.name} gave a {type(drawing).__name__}, must be a Drawing",
            call.file,
            call.line,
        )
    if why := drawing.fault():
        raise RenderError(f"the figure {call.name}: {file.name} gave a Drawing whose {why}", call.file, call.line)
    for results in tables:
        _check_measures(results, call, empty=drawing.chart is not None and drawing.data.empty)
    return drawing


def _check_measures(results: Results, call: Asked, empty: bool) -> None:
    """Raise RenderError where a figure asked for a measure that nothing can have, which would be a gap in it, or where
    all of a chart is one."""
    unknown = sorted(name for name in results.unmeasured if not can_be(name))
    if unknown:
        error: StrataError = NotFoundError(f"measure of {results.experiment}", unknown[0], sorted(results.measured))
        raise RenderError(f"the figure {call.name}: {error}", call.file, call.line)
    if empty:
        kinds = ", ".join(sorted(str(kind) for kind in results.measures["kind"].unique()))
        raise RenderError(
            f"the figure {call.name}: its data have no rows, the chart would be empty; {results.experiment} has "
            f"the kinds {kinds}, and the measures {', '.join(sorted(results.measured))}", call.file, call.line,
        )  # fmt: skip


def _given(call: Asked, module: ModuleType, main: Results | None, history: History, paths: Paths) -> Sequence[Drawn]:
    """What a figure is drawn from. Raises RenderError where that is not there."""
    try:
        return drawn_from(module, main, history, paths, call.experiment)
    except (NotFoundError, DataError) as error:
        raise RenderError(f"the figure {call.name}: {error}", call.file, call.line) from error


def drawn_from(
    module: ModuleType, main: Results | None, history: History, paths: Paths, experiment: str | None = None
) -> Sequence[Drawn]:
    """What a module is drawn from: the logs (`FROM_LOGS = True`), the judgement of finished SAEs that lies in the
    project (`FROM_JUDGEMENT = True`), a file of the project (`FROM_FILE = "data/benchmarks/verdict.json"`), what a cell
    of a notebook kept (`FROM_NOTEBOOK = "NOTEBOOK/NAME"`), the experiment that is asked for, those that it names
    (`EXPERIMENTS = ("towers", "")`, the empty one for the site's own), or else the site's own. A module that names both
    a file and experiments gets the file first.

    Raises NotFoundError where there are no such results, DataError where there is no judgement, no such file, or
    nothing kept.
    """
    if getattr(module, "FROM_LOGS", False):
        return [history]
    if getattr(module, "FROM_JUDGEMENT", False):
        return [judgement(paths)]
    files = [kept_file(name, paths)] if (name := getattr(module, "FROM_FILE", "")) else []
    if files and not hasattr(module, "EXPERIMENTS"):
        return files
    if name := getattr(module, "FROM_NOTEBOOK", ""):
        return [kept(paths, name)]
    return [*files, *(source(main, name, paths) for name in experiments_of(module, experiment))]


def experiments_of(module: ModuleType, experiment: str | None = None) -> tuple[str, ...]:
    """Whose tables a figure is drawn from: those that are asked for, or that its module names; empty: the site's."""
    return (experiment,) if experiment else tuple(getattr(module, "EXPERIMENTS", ("",)))


def shown_file(file: Path, paths: Paths) -> str:
    """A file of the project as the project calls it, one of the tool by its place in the tool."""
    for root in (paths.root.resolve(), ROOT):
        if file.resolve().is_relative_to(root):
            return file.resolve().relative_to(root).as_posix()
    return file.name


@cache
def library_versions() -> str:
    """A short hash of the versions of what draws: another version, another picture."""
    text = " ".join(metadata.version(name) for name in ("altair", "vl-convert-python", "matplotlib"))
    return hashlib.sha256(text.encode()).hexdigest()[:6]


def _write(drawing: Drawing, name: str, figure: str, paths: Paths, explorer: str = explorer_links.USUAL) -> list[str]:
    """Write the fragment and the files behind it; gives their paths, relative to the project."""
    table = paths.built_assets / f"{name}.csv"
    drawing.data.to_csv(table, index=False, float_format="%.6g", lineterminator="\n")
    files = [table]
    if drawing.chart is not None:
        body = chart_html(name, figure, drawing)
    elif drawing.png:
        picture = paths.built_assets / f"{name}.png"
        picture.write_bytes(drawing.png)
        files.append(picture)
        body = f'<img class="raster" src="/{paths.relative(picture)}" alt="{html.escape(drawing.alt)}" loading="lazy">'
    else:
        body = explorer_links.led(drawing.html, explorer)
    fragment = paths.generated / f"{name}.md"
    made = f"[Data](/{paths.relative(table)})"
    if (paths.report / REPRODUCE).is_file():
        made += f", [code and runs](/{paths.relative(paths.report)}/{REPRODUCE}#made-{name.replace('_', '-')})"
    alt = drawing.alt.replace("\\", "\\\\").replace('"', '\\"')
    label = f' fig-alt="{alt}"' if drawing.kind == "fig" else ""
    title = f'<p class="artefact-title">{html.escape(drawing.title)}</p>'
    fragment.write_text(
        f"::: {{#{figure}{label}}}\n\n```{{=html}}\n{title}\n{body}\n```\n\n{folded(drawing.caption)} {made}.\n\n:::\n",
        encoding="utf-8",
    )
    files.append(fragment)
    return [paths.relative(file) for file in files]


def chart_html(name: str, figure: str, drawing: Drawing) -> str:
    """The chart's SVG, and its spec for the runtime that makes it interactive. Raises StrataError for a chart that is
    too big, that holds what a page cannot hold, or that Vega cannot draw."""
    spec = spec_of(drawing.chart, name, drawing.alt)
    svg = clean_svg(vega.svg(spec, name), name, drawing.alt, set(addresses(spec)))
    # inside a script element `</` would end it, and `<!--<script` would keep it from ending
    safe = written(spec).replace("<", "\\u003c")
    return (
        f'<div class="chart" data-chart="{name}"><div class="chart-view">{svg}</div>'
        f'<script type="application/json" class="chart-spec">{safe}</script></div>'
    )
