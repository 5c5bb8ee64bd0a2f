"""Lighthouse's scores of a few pages, when asked for: it takes half a minute a page, and npm."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.site.check.findings import Finding
from analysis.site.check.folder import CHART, EXPLORER, START, TABLE, Folder
from analysis.site.check.node_tools import output, program

NAME = "lighthouse"
KINDS = {CHART: "charts", TABLE: "a table of latents", EXPLORER: "the explorer"}
"""What tells pages apart, by class; one of each kind is scored, and the start page."""
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
LEAST = 95
TOLD_ONLY = ("performance",)
"""Not held to a least score: it is the checking machine's speed as much as the page's."""
SECONDS = 300.0


@dataclass(frozen=True)
class Scores:
    """What Lighthouse says of one page."""

    page: str
    by_category: dict[str, int]
    """0 to 100."""
    failed: dict[str, tuple[str, ...]]
    """By category: what cost points."""


def score(
    folder: Folder, base: str, browser: Path, build: Path, tell: Callable[[str], None]
) -> tuple[list[Scores], list[Finding]]:
    """Scores of the pages that are `chosen`. Raises MissingToolError or BrokenToolError."""
    pages = chosen(folder)
    if not pages:
        kinds = ", ".join(KINDS.values())
        return [], [Finding("the site", NAME, f"none of its pages is here: {START}, or one with {kinds}")]
    found = program(build, NAME, tell)
    scores, wrong = [], []
    for page in pages:
        tell(f"Lighthouse: {page}")
        told = _run(found, base + page, browser)
        if isinstance(told, str):
            wrong.append(Finding(page, NAME, told))
            continue
        one = read(page, told)
        scores.append(one)
        wrong += findings(one)
    return scores, wrong


def chosen(folder: Folder) -> list[str]:
    """The start page, and of each kind the page that holds most, among those that are to be checked."""
    found = [START] if START in folder.wanted else []
    for kind in KINDS:
        pages = folder.holding(kind)
        # a page that is scored for another reason stands for this kind too
        if pages and not set(found) & set(pages):
            found.append(pages[0])
    return found


def _run(program: Path, url: str, browser: Path) -> dict[str, Any] | str:
    """Lighthouse's report, or why there is none."""
    with tempfile.TemporaryDirectory() as kept:
        out = Path(kept) / "report.json"
        command = [
            str(program.resolve()), url, "--quiet", "--output=json", f"--output-path={out}",
            f"--only-categories={','.join(CATEGORIES)}", "--chrome-flags=--headless=new --no-sandbox --disable-gpu",
        ]  # fmt: skip
        code, said, log = output(command, Path(kept), {"CHROME_PATH": str(browser)}, SECONDS)
        if not out.is_file():
            lines = (log or said).strip().splitlines() or [f"exit code {code}"]
            return f"did not run: {lines[0]}"
        told: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
        return told


def read(page: str, told: dict[str, Any]) -> Scores:
    """Scores from Lighthouse's JSON."""
    by_category, failed = {}, {}
    for name in CATEGORIES:
        category = told["categories"][name]
        # no score at all: the page could not be judged
        by_category[name] = round(100 * (category["score"] or 0))
        audits = [told["audits"][one["id"]] for one in category["auditRefs"] if one["weight"]]
        failed[name] = tuple(str(one["title"]) for one in audits if (one["score"] or 0) < 1 and _counts(one))
    return Scores(page, by_category, failed)


def _counts(audit: dict[str, Any]) -> bool:
    return audit["scoreDisplayMode"] not in ("notApplicable", "informative", "manual")


def findings(scores: Scores) -> list[Finding]:
    """The categories that are below the least score."""
    return [
        Finding(
            scores.page, NAME, f"{name}: {value}, {LEAST} is the least; {', '.join(scores.failed[name]) or 'no reason'}"
        )
        for name, value in scores.by_category.items()
        if value < LEAST and name not in TOLD_ONLY
    ]
