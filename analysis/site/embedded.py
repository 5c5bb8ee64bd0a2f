"""The embedded renderer: the sources of the Quarto website as HTML where no `quarto` is at hand.

    render(root, out)
    render(root, out, finish=index)  # index(folder) adds to the fresh site before it is shown

Two passes: every page is read and converted by pandoc (in two threads), then, when all ids are known, each is
set into the page shell and its links are checked. The output is written beside `out` and put in its place at
the end (`swap.py`), so that a build that fails or is killed leaves the last good one. It runs no code:
`pre-render` is up to the caller.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analysis.site import links, pandoc, shell, sitemap, source
from analysis.site.metadata import metadata
from analysis.site.project import CONFIG, NOT_FOUND, Project, as_list, load_project, resource_files
from analysis.site.whole import damage
from analysis.system.swap import fresh_beside
from sae.errors import RenderError

THREADS = 2


@dataclass(frozen=True)
class RenderReport:
    """What was rendered: the pages (as sources), how long it took, how many files the site has."""

    pages: tuple[str, ...]
    seconds: float
    files: int


@dataclass
class Kept:
    """Pages as they were converted last, for who renders again and again."""

    pages: dict[str, tuple[object, shell.Page]] = field(default_factory=dict)
    """By the page's path: what it was made of, and the page."""
    html: dict[str, tuple[str, list[links.Tag]]] = field(default_factory=dict)
    """By the page's path: the whole page, and its tags."""

    def tags(self, path: str, text: str) -> list[links.Tag]:
        """The tags of a whole page, taken apart anew where it is another."""
        if path not in self.html or self.html[path][0] != text:
            self.html[path] = (text, links.tags_of(text))
        return self.html[path][1]


def render(
    root: Path, out: Path, finish: Callable[[Path], object] | None = None, kept: Kept | None = None
) -> RenderReport:
    """Render the website of `root/_quarto.yml` into `out`, replacing what is there.

    `finish` is given the whole fresh site, still beside `out`; when it raises, the last good site stays. What is `kept`
    and made of the same is not converted again.
    """
    begun = time.perf_counter()
    root, out = root.resolve(), out.resolve()
    project = load_project(root)
    if root.is_relative_to(out) or any((root / page).is_relative_to(out) for page in project.pages):
        raise RenderError(f"the output folder {out} holds the sources")
    kept = kept or Kept()
    site = _pages(project, kept)
    with fresh_beside(out) as fresh:
        _write(project, site, fresh, kept)
        if finish:
            finish(fresh)
        files = sum(path.is_file() for path in fresh.rglob("*"))
    return RenderReport(project.pages, time.perf_counter() - begun, files)


def _pages(project: Project, kept: Kept) -> list[shell.Page]:
    """First pass. All sources are read first: the message for a reference names the page of its target."""
    numbers = source.load_numbers(project.root)
    sources = [source.load_source(project.root, page, numbers) for page in project.pages]
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(lambda one: _convert(project, one, sources, kept), sources))


def _convert(project: Project, one: source.Source, sources: list[source.Source], kept: Kept) -> shell.Page:
    if not one.meta.get("title"):
        raise RenderError("the page needs a title: in its front matter", one.page, 1)
    extra = {key: one.meta[key] for key in ("subtitle", "pagetitle", "nocite") if key in one.meta}
    depth = int(shell.setting(project, one, "toc-depth", 3))
    said = metadata(project, one) | extra
    made_of = (one, said, depth, _read_by_pandoc(project, said))
    known = kept.pages.get(one.page)
    if known is not None and known[0] == made_of:
        return known[1]
    try:
        parts = pandoc.convert(one, said, project.root, depth)
    except RenderError as error:
        raise _elsewhere(error, one, sources) from None
    page = shell.Page(one, parts, links.text_of(parts.pagetitle))
    kept.pages[one.page] = (made_of, page)
    return page


def _read_by_pandoc(project: Project, said: dict[str, Any]) -> list[tuple[str, int]]:
    """Names and times of the files that pandoc reads beside a page: a change of them is a change of the page."""
    names = [name for key in ("bibliography", "csl") for name in as_list(said.get(key))]
    files = [Path(name) if Path(name).is_absolute() else project.root / name for name in names]
    return [(str(file), file.stat().st_mtime_ns if file.exists() else 0) for file in files]


def _elsewhere(error: RenderError, one: source.Source, sources: list[source.Source]) -> RenderError:
    """Say which page has the target of an unresolved cross-reference: numbers restart on each page."""
    found = re.search(r"unresolved cross-reference @(\S+)", str(error))
    if not found:
        return error
    for other in sources:
        if other.page != one.page and re.search(rf"#{re.escape(found[1])}(?![\w-])", other.text):
            hint = f"it is on {other.page}; link with [text](/{other.page}#{found[1]})"
            return RenderError(f"{found[0]}: {hint}", error.file, error.line)
    return RenderError(f"{found[0]}: no such id on this page", error.file, error.line)


def _write(project: Project, site: list[shell.Page], out: Path, kept: Kept) -> None:
    """Second pass: shell, ids, links, files."""
    footer = _footer(project)
    pages = {page.path: page for page in site}
    html = {page.path: shell.page_html(project, page, site, footer) for page in site}
    ids: dict[str, set[str]] = {}
    found = {path: kept.tags(path, text) for path, text in html.items()}
    for path, tags in found.items():
        for again in links.duplicates(tags):
            raise RenderError(f"the id {again} is used twice on this page", *pages[path].source.locate_again(again))
        ids[path] = set(links.ids_of(tags))
    made = {f"{shell.LIBS}/{path.name}" for path in shell.ASSETS.iterdir() if path.suffix in (".css", ".js")}
    linker = links.Linker(
        project.root,
        {page: project.html_of(page) for page in project.pages},
        ids,
        made,
        base=project.base,
        anywhere=frozenset({NOT_FOUND}),
    )
    for path, text in html.items():
        target = out / project.html_of(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        fail = _failing(project, pages[path].source)
        target.write_text(linker.rewrite(path, text, fail, found[path]), encoding="utf-8")
    for name, (path, address) in sorted(linker.asked.items()):
        if why := damage(project.root / name):
            _failing(project, pages[path].source)(f"{name} {why}", address)
    _copy(project, site, linker.files, out)
    (out / shell.LIBS).mkdir(parents=True, exist_ok=True)
    for name in made:
        shutil.copyfile(shell.ASSETS / Path(name).name, out / name)
    sitemap.write(project, out)


def _copy(project: Project, site: list[shell.Page], asked: set[str], out: Path) -> None:
    """Copy what the settings list, what pages link to and show, and the pictures of the link previews.

    Raises RenderError for a picture that is not whole, with the place that names it.
    """
    line = project.line_of("resources")
    wanted = dict.fromkeys(asked, ("", 0))
    wanted |= dict.fromkeys(resource_files(project.root, project.resources, line=line), (CONFIG, line))
    for page in site:
        folder = Path(page.path).parent
        globs = [
            glob if glob.startswith("/") else f"{folder}/{glob}" for glob in as_list(page.source.meta.get("resources"))
        ]
        if globs:
            files = resource_files(project.root, tuple(globs), page.path)
            wanted |= dict.fromkeys(files, page.source.place_of("resources"))
        if image := shell.image_of(project, page.source):
            own = bool(page.source.meta.get("image"))
            wanted[image] = page.source.place_of("image") if own else (CONFIG, project.line_of("image"))
    for name, place in sorted(wanted.items()):
        if why := damage(project.root / name):
            raise RenderError(f"{name} {why}", *place)
        target = out / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(project.root / name, target)


def _footer(project: Project) -> dict[str, str]:
    made, numbers = {}, source.load_numbers(project.root)
    for side in ("left", "center", "right"):
        text = (project.site.get("page-footer") or {}).get(side)
        line = project.line_of("page-footer")
        if isinstance(text, str):
            piece = source.settings_text(text, numbers, CONFIG, line)
            made[side] = pandoc.inline_html(piece, project.root, CONFIG, line)
        elif text is not None:
            raise RenderError(f"page-footer.{side}: Markdown text is expected, not {text!r}", CONFIG, line)
    return made


def _failing(project: Project, one: source.Source) -> links.Fail:
    """A function that raises with the place of a link: in the page, else in the settings."""

    def fail(message: str, needle: str) -> None:
        file, line = one.locate(needle)
        if line == 0:
            hits = [n for n, text in enumerate(project.text.splitlines(), 1) if needle.lstrip("/") in text]
            file, line = (CONFIG, hits[0]) if hits else (file, 0)
        raise RenderError(message, file, line)

    return fail
