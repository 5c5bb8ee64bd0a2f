"""All checks on one folder, those that can be done here; what cannot be done is said with its reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from analysis.site.check import (
    browser,
    budgets,
    keyboard,
    lighthouse,
    static,
    validity,
    visits,
)
from analysis.site.check.findings import Finding
from analysis.site.check.folder import Folder, read
from analysis.site.check.node_tools import BrokenToolError, MissingToolError, version
from analysis.site.check.server import served
from sae.errors import RenderError


@dataclass(frozen=True)
class Asked:
    """What is to be done."""

    pages: str = "*"
    """A pattern; the pages that match are checked, the site as a whole always."""
    browser: bool = True
    lighthouse: bool = False
    workers: int = visits.WORKERS


@dataclass
class Checked:
    """What was found in one folder."""

    name: str
    """The folder, as it was asked for."""
    renderer: str
    """quarto or embedded."""
    pages: int
    findings: list[Finding] = field(default_factory=list)
    spent: list[budgets.Spent] = field(default_factory=list)
    scores: list[lighthouse.Scores] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    """The checks that were made, in words."""
    skipped: dict[str, str] = field(default_factory=dict)
    """The checks that were not, each with its reason."""

    @property
    def failures(self) -> list[Finding]:
        """What must be mended."""
        return [one for one in self.findings if not one.note]

    @property
    def notes(self) -> list[Finding]:
        """What is only told."""
        return [one for one in self.findings if one.note]


def check(path: Path, name: str, url: str, build: Path, asked: Asked, tell: Callable[[str], None]) -> Checked:
    """Check the rendered site in `path`, which is to be published at `url`; `build` is the folder for programs."""
    tell(f"{name}: links and tags")
    folder = read(path.resolve(), url, asked.pages)
    made = Checked(name, "quarto" if folder.by_quarto else "embedded", len(folder.wanted))
    made.findings += static.findings(folder)
    made.done.append("links and tags")
    try:
        made.findings += validity.findings(folder, build, tell)
        made.done.append(f"HTML by {validity.NAME} {version(validity.NAME)}")
    except MissingToolError as missing:
        made.skipped["HTML validity"] = str(missing)
    except BrokenToolError as broken:
        made.findings.append(Finding("every page", "html", str(broken)))
    seen = _in_browser(folder, build, asked, made, tell)
    made.spent = budgets.spent(folder, seen)
    made.findings += budgets.findings(made.spent)
    made.done.append("budgets" if seen else "budgets without the first view")
    return made


def _in_browser(
    folder: Folder, build: Path, asked: Asked, made: Checked, tell: Callable[[str], None]
) -> dict[str, visits.Visit]:
    """Everything that needs chromium; gives what was seen of each page."""
    if not asked.browser:
        made.skipped["browser"] = "--no-browser"
    if not asked.lighthouse:
        made.skipped["Lighthouse"] = "not asked for (--lighthouse)"
    if not asked.browser and not asked.lighthouse:
        return {}
    try:
        program = browser.executable()
    except RenderError as missing:
        made.findings.append(Finding("every page", "no browser", str(missing)))
        return {}
    seen: dict[str, visits.Visit] = {}
    with served(folder.path, folder.base) as base:
        if asked.browser:
            seen = visits.visit_all(folder, base, program, tell, asked.workers)
            made.findings += [one for visit in seen.values() for one in visit.findings]
            widths = " and ".join(map(str, visits.WIDTHS))
            made.done.append(f"chromium at {widths} px in {' and '.join(visits.SCHEMES)}")
            _walk(folder, base, program, made, tell)
        if asked.lighthouse:
            try:
                made.scores, wrong = lighthouse.score(folder, base, program, build, tell)
                made.findings += wrong
                if made.scores:
                    made.done.append("Lighthouse")
            except (MissingToolError, BrokenToolError) as missing:
                # it was asked for by name, so that a report without it would mislead
                made.findings.append(Finding("the site", lighthouse.NAME, str(missing)))
    return seen


def _walk(folder: Folder, base: str, program: Path, made: Checked, tell: Callable[[str], None]) -> None:
    from playwright.sync_api import sync_playwright

    tell("keyboard")
    with sync_playwright() as play:
        started = browser.launch(play, program)
        made.findings += keyboard.findings(started, base, folder)
        started.close()
    if walked := keyboard.names(folder):
        made.done.append(f"keyboard ({', '.join(walked)})")
    made.skipped |= keyboard.left_out(folder)
