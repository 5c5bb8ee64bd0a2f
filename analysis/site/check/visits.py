"""Every page in the browser: at two widths, in light and in dark, and without scripts where it has charts.

Each of these is a page of its own in a context of its own, which is what a reader with that screen and that setting
gets; a page that is merely switched to dark would be looked at in the middle of its transitions. Two browsers share
the pages, largest first.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.site.check import browser as chromium
from analysis.site.check.findings import Finding
from analysis.site.check.folder import Folder

if TYPE_CHECKING:
    from playwright.sync_api import Browser

WIDTHS = (1280, 390)
SCHEMES = ("light", "dark")
WORKERS = 2
NO_SCRIPTS = "no scripts"
BROKE_DOWN = "the check broke down"


@dataclass
class Visit:
    """What was seen of a page, over all its modes."""

    page: str
    findings: list[Finding] = field(default_factory=list)
    first: frozenset[str] = frozenset()
    """Files that a cold load at 1280 px asks for, before anybody scrolls."""
    code: frozenset[str] = frozenset()
    """Scripts and style sheets that were asked for at any time."""
    elsewhere: int = 0
    """Different addresses of other hosts that were asked for."""


class _Notes:
    """Complaints of one page; what is wrong in several modes is one finding that names them."""

    def __init__(self) -> None:
        self.said: dict[tuple[str, str, bool], list[str]] = {}
        self.asked: list[tuple[str, str]] = []

    def hear(self, mode: str, *, note: bool = False) -> Callable[[str, str], None]:
        def tell(kind: str, message: str) -> None:
            modes = self.said.setdefault((kind, message, note), [])
            if mode not in modes:
                modes.append(mode)

        return tell

    def findings(self, page: str) -> list[Finding]:
        every = len(WIDTHS) * len(SCHEMES)
        return [
            Finding(page, kind, message if len(modes) >= every else f"{message} ({'; '.join(modes)})", note)
            for (kind, message, note), modes in self.said.items()
        ]


def visit(browser: Browser, base: str, folder: Folder, name: str) -> Visit:
    """Look at one page in all modes. One that breaks down is a finding beside what was heard until then."""
    notes, first = _Notes(), frozenset[str]()
    for width in WIDTHS:
        for scheme in SCHEMES:
            mode = f"{width} px, {scheme}"
            try:
                seen = _look(browser, base, folder, name, notes, mode, width, scheme)
            except Exception as error:
                notes.hear(mode)(BROKE_DOWN, words_of(error))
                continue
            if width == WIDTHS[0]:
                first = first or seen
    if folder.pages[name].has_charts:
        try:
            _look_without_scripts(browser, base, name, notes)
        except Exception as error:
            notes.hear(NO_SCRIPTS)(BROKE_DOWN, words_of(error))
    code = frozenset(file for file, kind in notes.asked if kind in ("script", "stylesheet"))
    elsewhere = sum(kind == "asked another host" for kind, _, _ in notes.said)
    return Visit(name, notes.findings(name), first, code, elsewhere)


def _look_without_scripts(browser: Browser, base: str, name: str, notes: _Notes) -> None:
    tell = notes.hear(NO_SCRIPTS)
    page = chromium.open_page(browser, base, name, tell, scripts=False)
    try:
        for chart in chromium.missing_pictures(page):
            tell("no picture without scripts", f"chart {chart}")
    finally:
        page.context.close()


def _look(
    browser: Browser, base: str, folder: Folder, name: str, notes: _Notes, mode: str, width: int, scheme: str
) -> frozenset[str]:
    """One mode; gives the files that were asked for before anything was scrolled into sight."""
    tell = notes.hear(mode)
    asked: list[tuple[str, str]] = []
    page = chromium.open_page(
        browser,
        base,
        name,
        tell,
        width=width,
        scheme=scheme,
        asked=lambda file, kind: asked.append((file, kind)),
    )
    try:
        chromium.settle(page)
        first = frozenset(file for file, _ in asked)
        for chart in chromium.dead_charts(page):
            tell("dead chart", f"chart {chart} does not become live")
        wide = chromium.too_wide(page, width)
        if wide:
            tell("scrolls sideways", wide)
        for rule, message, in_text in chromium.violations(page):
            notes.hear(mode, note=folder.by_quarto and not in_text)(f"axe: {rule}", message)
    finally:
        notes.asked += asked
        page.context.close()
    return first


def visit_all(
    folder: Folder, base: str, program: Path, tell: Callable[[str], None], workers: int = WORKERS
) -> dict[str, Visit]:
    """Visit every wanted page. A check that breaks down is a finding of its page, and the next page goes on."""
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    for name in sorted(folder.wanted, key=lambda name: (-folder.files[name], name)):
        waiting.put(name)
    done: dict[str, Visit] = {}
    broken: list[BaseException] = []

    def work() -> None:
        try:
            for one in _visits(waiting, base, folder, program):
                done[one.page] = one
                tell(f"browser: {len(done)} of {len(folder.wanted)} pages, {one.page}")
        except BaseException as error:  # raised again below: a thread's own end would be silent
            broken.append(error)

    threads = [threading.Thread(target=work, name=f"browser {n}") for n in range(min(workers, len(folder.wanted)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if broken:
        raise broken[0]
    return done


def _visits(waiting: queue.SimpleQueue[str], base: str, folder: Folder, program: Path) -> Iterable[Visit]:
    """The visits of one browser, until no page waits; a browser that dies is started again for the next page."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = chromium.launch(play, program)
        while True:
            try:
                name = waiting.get_nowait()
            except queue.Empty:
                break
            if not browser.is_connected():
                browser = chromium.launch(play, program)
            try:
                yield visit(browser, base, folder, name)
            except Exception as error:
                yield Visit(name, [crashed(name, error)])
        browser.close()


def crashed(page: str, error: Exception) -> Finding:
    """A check that broke down, as a failure of its page."""
    return Finding(page, BROKE_DOWN, words_of(error))


def words_of(error: Exception) -> str:
    """The kind of an error, our line and its words."""
    at = error.__traceback__
    while at and at.tb_next and "analysis" in at.tb_next.tb_frame.f_code.co_filename:
        at = at.tb_next
    place = f"{Path(at.tb_frame.f_code.co_filename).name}:{at.tb_lineno}" if at else "unknown place"
    words = (str(error).strip() or "no message").splitlines()[0]
    return f"{type(error).__name__} in {place}: {words}"
