"""Draw what is out of date: charts, grids and tables become page fragments, numbers become numbers.json.

An artefact is drawn again when its tables or its code change (its key is a hash of both), or when one of its files is
no longer what was written. Each one leaves `report/_generated/NAME.md` (what `{{< figure NAME >}}` shows), a CSV of
what is drawn, and a record that the reproduce page lists. Free of torch.
"""

from __future__ import annotations

import hashlib
import html
import importlib
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from importlib import metadata
from types import ModuleType

import vl_convert

from analysis.code_version import code_version
from analysis.drawing import Drawing
from analysis.history import History
from analysis.paths import Paths
from analysis.results import Results, source
from analysis.specs import addresses, spec_of, written
from analysis.stamps import Stamp, files_of, remove
from analysis.svg import clean_svg
from sae.discover import find, names
from sae.errors import StrataError

PACKAGES = ("charts", "grids", "tables")


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
    """The file whose function drew it."""
    experiments: list[str]
    """Whose tables it was drawn from; none for what is drawn from the logs."""
    runs: list[str]
    files: list[str]
    key: str
    """Hash of the tables and of the code; equal key, equal artefact."""
    seconds: float


def draw_all(
    results: Results, history: History, paths: Paths, report: Callable[[str], None] = lambda name: None
) -> list[Artefact]:
    """Draw every artefact that is out of date and give the records of all. `report` hears what is drawn."""
    for folder in (paths.generated, paths.built_assets, paths.build / "artefacts"):
        folder.mkdir(parents=True, exist_ok=True)
    found = [(package, name) for package in PACKAGES for name in names(f"analysis.{package}")]
    remove_strangers(paths, {name for _, name in found})
    return [_draw(package, name, results, history, paths, report) for package, name in found]


def remove_strangers(paths: Paths, known: set[str]) -> None:
    """Remove the records and files of artefacts whose module is gone; nothing but what a build has written."""
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
    package: str, name: str, main: Results, history: History, paths: Paths, report: Callable[[str], None]
) -> Artefact:
    module = f"analysis.{package}.{name}"
    given = drawn_from(importlib.import_module(module), main, history, paths)
    tables = "-".join(results.digest for results in given)
    key = f"{tables}-{code_version(module, 'analysis.artefacts')}-{library_versions()}"
    stamp = Stamp(paths.build / "artefacts" / f"{name}.json", key, paths.root)
    if (noted := stamp.current()) is not None:
        return Artefact(**noted)
    report(name)
    stamp.forget()
    started = time.perf_counter()
    drawing: Drawing = find(f"analysis.{package}", name)(*given)
    figure = f"{drawing.kind}-{name.replace('_', '-')}"
    files = _write(drawing, name, figure, paths)
    artefact = Artefact(
        name=name, figure=figure, title=drawing.title, caption=drawing.caption, alt=drawing.alt,
        source=f"analysis/{package}/{name}.py",
        experiments=[results.experiment for results in given if isinstance(results, Results)],
        runs=[str(run) for results in given for run in results.manifest["runs"]], files=files, key=key,
        seconds=round(time.perf_counter() - started, 2),
    )  # fmt: skip
    stamp.write([paths.root / file for file in files], asdict(artefact))
    return artefact


def drawn_from(module: ModuleType, main: Results, history: History, paths: Paths) -> list[Results] | list[History]:
    """What a module is drawn from: the logs (`FROM_LOGS = True`), the experiments it names, or else the site's own."""
    if getattr(module, "FROM_LOGS", False):
        return [history]
    return [source(main, experiment, paths) for experiment in getattr(module, "EXPERIMENTS", ("",))]


@cache
def library_versions() -> str:
    """A short hash of the versions of what draws: another version, another picture."""
    text = " ".join(metadata.version(name) for name in ("altair", "vl-convert-python", "matplotlib"))
    return hashlib.sha256(text.encode()).hexdigest()[:6]


def _write(drawing: Drawing, name: str, figure: str, paths: Paths) -> list[str]:
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
        body = drawing.html
    fragment = paths.generated / f"{name}.md"
    made = f"[Data](/{paths.relative(table)}), [code and runs](/report/reproduce.qmd#made-{name.replace('_', '-')})."
    alt = drawing.alt.replace("\\", "\\\\").replace('"', '\\"')
    label = f' fig-alt="{alt}"' if drawing.kind == "fig" else ""
    title = f'<p class="artefact-title">{html.escape(drawing.title)}</p>'
    fragment.write_text(
        f"::: {{#{figure}{label}}}\n\n```{{=html}}\n{title}\n{body}\n```\n\n{drawing.caption} {made}\n\n:::\n",
        encoding="utf-8",
    )
    files.append(fragment)
    return [paths.relative(file) for file in files]


def chart_html(name: str, figure: str, drawing: Drawing) -> str:
    """The chart's SVG, and its spec for the runtime that makes it interactive. Raises StrataError for a chart that is
    too big, that holds what a page cannot hold, or that Vega cannot draw."""
    spec = spec_of(drawing.chart, name, drawing.alt)
    try:
        drawn = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])  # a build asks no host for anything
    except ValueError as error:
        # its first line says that it failed, the second why, the others where in Vega's own code
        told = str(error).splitlines()
        raise StrataError(f"chart {name}: Vega cannot draw it: {told[min(1, len(told) - 1)].strip()}") from error
    svg = clean_svg(drawn, name, drawing.alt, set(addresses(spec)))
    # inside a script element `</` would end it, and `<!--<script` would keep it from ending
    safe = written(spec).replace("<", "\\u003c")
    return (
        f'<div class="chart" data-chart="{name}"><div class="chart-view">{svg}</div>'
        f'<script type="application/json" class="chart-spec">{safe}</script></div>'
    )
