"""Cells of tables of verdicts: a word with its reason, a distance, a mean with its interval."""

from __future__ import annotations

import math
from collections.abc import Iterable
from html import escape

import numpy as np

from analysis.results.tables import Results, mean_of
from analysis.results.verdict import adjusted, verdicts
from sae.bounds import interval
from sae.errors import DataError
from sae.rule import Verdict


def cells(
    results: Results, columns: Iterable[tuple[str, str, str, str]], kind: str, depth: int, digits: int
) -> tuple[str, dict[str, float]]:
    """HTML cells and means of one depth; a column is name, measure, split, control."""
    values = {name: over(results, measure, kind, depth, split, control) for name, measure, split, control in columns}
    html = "".join(f"<td{titled(value)}>{said(value[0], digits)}</td>" for value in values.values())
    return html, {name: value[0] for name, value in values.items()}


def over(results: Results, measure: str, kind: str, depth: int, split: str, control: str) -> tuple[float, float, float]:
    """Mean over seeds and its 95% interval; NaN where there is no number."""
    values = results.numbers(measure, kind, depth, split, control)
    defined = values[~np.isnan(values)]
    return (mean_of(defined), *interval(defined.tolist())) if len(defined) else (math.nan, math.nan, math.nan)


def judged(results: Results, kind: str) -> dict[int, Verdict]:
    """The verdicts of one tower by depth. Raises DataError where no such tower was planned."""
    found = verdicts(results)
    words = {depth: verdict for (at, depth), verdict in sorted(found.items()) if at == kind}
    if not words:
        there = ", ".join(dict.fromkeys(at for at, _ in found)) or "none"
        raise DataError(f"{results.experiment} has no {kind} tower to judge; its towers: {there}")
    return words


def chip(verdict: Verdict) -> str:
    """The word, with its reason behind it."""
    word = verdict.word or "undecided"
    return f'<span class="verdict {word}" title="{escape(verdict.why, quote=True)}">{word}</span>'


def margin(verdict: Verdict) -> str:
    """Distance to the best floor and its interval, on two lines."""
    if math.isnan(verdict.margin):
        return "–"
    return f"{signed(verdict.margin)}{between(verdict.low, verdict.high) if not math.isnan(verdict.low) else ''}"


def between(low: float, high: float) -> str:
    """An interval on a line of its own; a dash where there is none."""
    return "–" if math.isnan(low) else f'<span class="between">{signed(low)} to {signed(high)}</span>'


def p_of_many(results: Results, kind: str) -> dict[int, float]:
    """p of each depth of a tower as one of all depths of the experiment (Holm)."""
    variant = results.only or ""
    return {depth: p for (_, name, at, depth), p in adjusted(results).items() if (name, at) == (variant, kind)}


def said_p(p: float) -> str:
    """Two digits of it as HTML, down to a thousandth, as HTML."""
    return "–" if math.isnan(p) else "&lt;.001" if p < 0.001 else f"{p:.2g}".replace("0.", ".", 1)


def signed(value: float) -> str:
    """Three decimals with a sign, a true minus."""
    return f"{value:+.3f}".replace("-", "−")


def said(value: float, digits: int) -> str:
    """A cell."""
    return "–" if math.isnan(value) else f"{value:.{digits}f}".replace("-", "−")


def titled(value: tuple[float, float, float]) -> str:
    """The interval, to be read on hover."""
    return "" if math.isnan(value[1]) else f' title="95% of the mean: {value[1]:.3f} to {value[2]:.3f}"'
