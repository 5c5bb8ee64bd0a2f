"""Full-text search: an index of the finished site in `pagefind/`, which `report/assets/search.js` asks in the browser.

    index(folder)                          # what the embedded renderer does last
    main(folder)                           # what Quarto's post-render step does last, see analysis/site/finish.py

The indexer sees a copy of each page's text, not the page: both renderers give the same copy, whatever stands around
the text, and headings carry the ids there that the pages keep on their sections, so that results lead to sections.
"""

from __future__ import annotations

import html
import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from analysis.site.project import NOT_FOUND_PAGE
from analysis.site.tags import Parser
from analysis.system import children
from sae.errors import RenderError

FOLDER = "pagefind"
SECONDS = 300.0
"""For the indexer, which takes less than one of them."""
ENTRY = "pagefind-entry.json"
KEPT = (ENTRY, "pagefind.js", "*.pf_meta", "index/*", "fragment/*")
"""Of what pagefind writes, with the program of each language: the rest are a worker and interfaces of its own."""
OPAQUE = frozenset(
    ["nav", "pre", "script", "style", "template", "svg", "annotation", "button", "select", "iframe", "dialog"]
)
"""Elements whose text is not prose: code would be found by every word that a program has in it, and `annotation`
repeats a formula as TeX."""
FURNITURE = {
    "toc-fold",
    "page-navigation",
    "quarto-title-meta",
    "quarto-title-meta-author",
    "quarto-categories",
    "footnote-ref",
    "footnote-back",
}
LATENTS = {"neuron-table", "neuron-filters", "neuron-count", "grid-cells", "depth-grid", "bands"}
"""Names and numbers of hundreds of latents: they would drown the text. The explorer finds single latents."""
FILLED = {"chart-spec", "xp", "hidden"}
"""A chart's data, the explorer's template, and what Quarto keeps for steps of its own."""
LEFT_OUT = frozenset(FURNITURE | LATENTS | FILLED)
"""Classes of elements that are not searched. Anything else opts out with pagefind's own `data-pagefind-ignore`."""
MEASURES = "measures-table"
"""Of these tables the heads are text; the cells are numbers and verdicts over and over."""
HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
CELLS = frozenset({"td", "th"})
NEXT = "; "
"""Written as words of one row: pagefind glues one of them to its neighbour and ends a sentence after the other."""
VOID = frozenset(["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"])


def index(folder: Path) -> int:
    """Write `folder/pagefind`, anew, from the pages in `folder`; how many there are. The same pages, the same bytes.

    Raises RenderError where pagefind is missing or fails, or where there is no page.
    """
    program = find_program()
    with tempfile.TemporaryDirectory(prefix="strata-search-") as made:
        copies, bundle = Path(made, "pages"), Path(made, FOLDER)
        count = _copy_pages(folder, copies)
        if not count:
            raise RenderError(f"there is nothing to search: no page in {folder} has a <main>")
        command: list[str | Path] = [program, "--site", copies, "--output-path", bundle, "--quiet"]
        try:
            done = children.run(command, seconds=SECONDS)
        except subprocess.TimeoutExpired:
            raise RenderError(f"pagefind did not end within {SECONDS:g} seconds over {folder}") from None
        except OSError as error:
            raise RenderError(f"pagefind does not start: {error}") from error
        if done.returncode:
            said = (done.stdout + done.stderr).decode(errors="replace").strip()
            raise RenderError(f"pagefind could not index {folder}:\n{said}")
        _put(bundle, folder / FOLDER)
    return count


def find_program() -> Path:
    """The indexer that comes with the package. Raises RenderError, with what to install, where there is none."""
    try:
        # not at the top: no other part of Strata needs it
        from pagefind.service import get_executable
    except ImportError:
        found = None
    else:
        found = get_executable()
    if found is None:
        raise RenderError("the search needs pagefind, which is not installed: pip install 'pagefind[bin]'")
    return found


def searchable(page: str) -> str | None:
    """What the indexer sees of a page, as HTML; None for a page without a `main`, as a redirection is."""
    copy = _Copy()
    copy.feed(page)
    if not copy.found:
        return None
    # results are titled by the h1; the name of the site is no part of a page's title
    title = "" if copy.titled else f"<h1>{html.escape(copy.head.rpartition(' – ')[0] or copy.head)}</h1>"
    body = title + "".join(copy.text)
    return f'<!DOCTYPE html>\n<html lang="{html.escape(copy.lang)}"><body>{body}</body></html>\n'


class _Copy(Parser):
    """Goes through a page and keeps the text of its `main`: elements without attributes, headings with ids."""

    def __init__(self) -> None:
        self.lang = self.head = ""  # the document's language and its own title
        self.found = self.titled = False  # whether there is a main, and an h1 in it
        self.text: list[str] = []
        self._open: list[str] = []
        self._names: Counter[str] = Counter()  # how often each name is among them
        self._main = self._skipped = self._measures = 0  # how deep these stand; 0 outside of them
        self._section = ""  # the id of a section whose heading is still to come

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {key: value or "" for key, value in attrs}
        if tag in VOID:
            self.handle_data(" " if tag == "br" else "")
            return
        self._open.append(tag)
        self._names[tag] += 1
        if tag == "html":
            self.lang = has.get("lang", "en")
        elif tag == "main" and not self._main:
            self._main, self.found = len(self._open), True
        elif self._keeps():
            if MEASURES in has.get("class", "").split():
                self._measures = len(self._open)
            if _left_out(tag, has) or (tag == "td" and self._measures):
                self._skipped = len(self._open)
                return
            if tag == "section":
                self._section = has.get("id", "")
            name = ""
            if tag in HEADINGS:
                name, self._section = has.get("id") or self._section, ""
                self.titled = self.titled or tag == "h1"
            kind = "span" if tag in CELLS else tag
            self.text.append(f'<{kind} id="{html.escape(name)}">' if name else f"<{kind}>")

    def handle_endtag(self, tag: str) -> None:
        while self._names[tag]:
            last = self._open.pop()
            self._names[last] -= 1
            if self._keeps() and len(self._open) >= self._main:
                self._close(last)
            depth = len(self._open)
            self._main, self._skipped, self._measures = (
                stands if stands <= depth else 0 for stands in (self._main, self._skipped, self._measures)
            )
            if last == tag:
                return

    def _close(self, tag: str) -> None:
        """End an element. What stands apart on a page would run into one sentence in an excerpt: cells end with a
        semicolon, rows with a full stop, a term with a colon before what is said of it."""
        if tag in CELLS or tag == "tr":
            while not self.text[-1].strip():
                self.text.pop()
        if tag in CELLS:
            if self.text[-1] == "<span>":
                self.text.pop()  # an empty cell
            else:
                self.text.append(f"</span>{NEXT}")
            return
        if tag == "tr" and self.text[-1].endswith(NEXT):
            self.text[-1] = self.text[-1].removesuffix(NEXT) + ". "
        self.text.append(f":</{tag}>" if tag == "dt" else f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if self._keeps():
            self.text.append(html.escape(data, quote=False))
        elif self._open[-1:] == ["title"] and not self._main:
            self.head += data

    def _keeps(self) -> bool:
        return self._main > 0 and not self._skipped


def _left_out(tag: str, has: dict[str, str]) -> bool:
    classes = has.get("class", "").split()
    return tag in OPAQUE or not LEFT_OUT.isdisjoint(classes) or not {"hidden", "data-pagefind-ignore"}.isdisjoint(has)


def _copy_pages(folder: Path, copies: Path) -> int:
    count = 0
    for page in sorted(folder.rglob("*.html")):
        name = page.relative_to(folder)
        copy = None if name.as_posix() == NOT_FOUND_PAGE else searchable(page.read_text(encoding="utf-8"))
        if copy:
            (copies / name).parent.mkdir(parents=True, exist_ok=True)
            (copies / name).write_text(copy, encoding="utf-8")
            count += 1
    return count


def _put(bundle: Path, place: Path) -> None:
    """Put what is kept of `bundle` in the place of an older index."""
    languages = json.loads((bundle / ENTRY).read_text(encoding="utf-8"))["languages"].values()
    programs = {f"wasm.{language['wasm'] or 'unknown'}.pagefind" for language in languages}
    _remove(place)
    for path in (path for pattern in (*KEPT, *programs) for path in bundle.glob(pattern)):
        target = place / path.relative_to(bundle)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def _remove(place: Path) -> None:
    if place.exists():
        shutil.rmtree(place)


def main(folder: Path) -> int:
    """Index `folder` after Quarto; a site without search is whole otherwise, so only a failing indexer is a failure."""
    try:
        find_program()
    except RenderError as error:
        _remove(folder / FOLDER)  # an index of older pages would lead astray
        print(f"strata: these pages have no search. {error}")
        return 0
    try:
        index(folder)
    except RenderError as error:
        print(f"strata: {error}", file=sys.stderr)
        return 1
    return 0
