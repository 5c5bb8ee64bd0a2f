"""What was checked and found, for a terminal and as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from analysis.site.check.budgets import Spent, show
from analysis.site.check.findings import Finding, Group, grouped
from analysis.site.check.lighthouse import CATEGORIES, Scores
from analysis.site.check.survey import Checked

WIDTH = 120
"""Columns are the same in a terminal, a file and a log."""


def text(checked: list[Checked], skipped: dict[str, str], most: int) -> str:
    """The whole report; at most `most` places of each kind are shown. The last line says what was checked."""
    console = Console(width=WIDTH, highlight=False, color_system=None)
    with console.capture() as captured:
        for one in checked:
            console.print(f"{one.name}: {one.pages} pages of the {one.renderer} renderer", markup=False)
            if one.spent:
                console.print(_budgets(one.spent))
            if one.scores:
                console.print(_scores(one.scores))
            for line in (*_said("FAILED", one.failures, most), *_said("note", one.notes, most)):
                console.print(line, markup=False, soft_wrap=True)
        console.print(_last(checked, skipped), markup=False, soft_wrap=True)
    return captured.get().rstrip("\n")


def _budgets(spent: Iterable[Spent]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_edge=False)
    table.add_column("budget", width=46, no_wrap=True)
    table.add_column("limit", width=11, justify="right", no_wrap=True)
    table.add_column("used", width=11, justify="right", no_wrap=True)
    table.add_column("headroom", width=8, justify="right", no_wrap=True)
    table.add_column("worst page", width=34, no_wrap=True)
    for one in spent:
        left = "–" if one.headroom is None else f"{100 * one.headroom:.0f}%"
        table.add_row(
            one.budget.name,
            show(one.budget.limit, one.budget.unit) if one.budget.limit else "none",
            show(one.value, one.budget.unit) if one.budget.limit or one.value else "none",
            left if one.kept else f"{left} !",
            one.page or "all",
        )
    return table


def _scores(scores: Iterable[Scores]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_edge=False)
    table.add_column("Lighthouse", width=46, no_wrap=True)
    for name in CATEGORIES:
        table.add_column(name, width=14, justify="right", no_wrap=True)
    for one in scores:
        table.add_row(one.page, *(str(one.by_category[name]) for name in CATEGORIES))
    return table


def _said(head: str, findings: list[Finding], most: int) -> Iterable[str]:
    for group in grouped(findings):
        yield f"{head} {group.kind} ({_count(group.pages, 'page')}, {_count(group.places, 'place')})"
        yield from _lines(group, most)


def _lines(group: Group, most: int) -> Iterable[str]:
    for page, message, count in group.lines[:most]:
        yield f"  {page}: {message}" + (f" ({count} times)" if count > 1 else "")
    if len(group.lines) > most:
        yield f"  and {len(group.lines) - most} more"


def _last(checked: list[Checked], skipped: dict[str, str]) -> str:
    """One line: the outcome, what was checked, what was not and why."""
    failures = sum(len(one.failures) for one in checked)
    outcome = f"{_count(failures, 'failure')}" if failures else "no failure"
    parts = [f"{one.name} ({_count(one.pages, 'page')}): {', '.join(one.done)}" for one in checked]
    left = {what: why for one in checked for what, why in one.skipped.items()} | skipped
    says = f"{outcome}; checked {'; '.join(parts)}"
    return says + ("; skipped " + ", ".join(f"{what}: {why}" for what, why in left.items()) if left else "")


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def as_json(checked: list[Checked], skipped: dict[str, str]) -> dict[str, Any]:
    """The same as values: sizes in bytes, headroom as a share of the limit, scores from 0 to 100."""
    return {
        "ok": not any(one.failures for one in checked),
        "sites": [
            {
                "folder": one.name,
                "renderer": one.renderer,
                "pages": one.pages,
                "failures": [_finding(finding) for finding in one.failures],
                "notes": [_finding(finding) for finding in one.notes],
                "budgets": [
                    {
                        "budget": used.budget.name,
                        "unit": used.budget.unit,
                        "limit": used.budget.limit,
                        "used": used.value,
                        "headroom": used.headroom,
                        "page": used.page,
                        "kept": used.kept,
                    }
                    for used in one.spent
                ],
                "lighthouse": [asdict(scores) for scores in one.scores],
                "checked": one.done,
                "skipped": one.skipped,
            }
            for one in checked
        ],
        "skipped": skipped,
    }


def _finding(finding: Finding) -> dict[str, str]:
    return {"page": finding.page, "kind": finding.kind, "message": finding.message}
