"""Tables whose rows are SAEs on a language model, and whose columns are evaluations: a row an SAE, then the random
network's, then what needs no SAE.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.figures.html_table import framed, group
from analysis.results.tables import Results

KIND = "latents"
CONTROLS = {
    "pca": "principal components",
    "neurons": "neurons",
    "random_dictionary": "random directions",
    "matched_dictionary": "random mixtures",
    "single_tokens": "tokens without context",
    "random_direction": "a random direction",
    "random_latents": "random latents of the SAE",
}
"""What needs no SAE, as tables call it."""


class Column(NamedTuple):
    """An evaluation of a table."""

    measure: str
    head: str
    form: str


@dataclass(frozen=True)
class Line:
    """A row of the table: what it is called, and its numbers over seeds."""

    name: str
    values: Mapping[str, Sequence[float]]

    def mean(self, measure: str) -> float:
        """Over seeds; NaN without any."""
        found = self.values[measure]
        return float(np.mean(found)) if len(found) else math.nan

    def cell(self, column: Column) -> str:
        """Mean with the range over seeds; a dash where there is no number."""
        found = [value for value in self.values[column.measure] if not math.isnan(value)]
        if not found:
            return "<td>–</td>"
        low, high = format(min(found), column.form), format(max(found), column.form)
        between = f'<span class="between">{low}–{high}</span>' if low != high else ""
        return f"<td>{format(float(np.mean(found)), column.form)}{between}</td>"


@dataclass(frozen=True)
class Lines:
    """All rows of a table, and its columns: those of which the tables hold anything."""

    own: tuple[Line, ...]
    """An SAE each."""
    controls: tuple[Line, ...]
    random: tuple[Line, ...]
    """SAEs on the random network."""
    columns: tuple[Column, ...]

    def html(self, title: str) -> str:
        """The table."""
        body = [self._row(line) for line in self.own]
        if beside := [*self.controls, *self.random]:
            body += [group("for comparison, at the k of the first", len(self.columns) + 1), *map(self._row, beside)]
        return framed(title, ["SAE", *(escape(column.head) for column in self.columns)], body, "compared")

    def data(self) -> pd.DataFrame:
        """A number a row."""
        every = (*self.own, *self.controls, *self.random)
        rows = [(line.name, column.measure, value) for line in every for column in self.columns
                for value in line.values[column.measure]]  # fmt: skip
        return pd.DataFrame(rows, columns=["what", "measure", "value"])

    def _row(self, line: Line) -> str:
        cells = "".join(map(line.cell, self.columns))
        return f'<tr><th scope="row">{escape(line.name)}</th>{cells}</tr>'


def lines(results: Results, columns: Sequence[Column]) -> Lines:
    """The rows of an experiment: of controls those of the first variant."""
    own = [_line(results, columns, variant, "none", variant or "the SAE") for variant in results.variants]
    there = tuple(column for column in columns if any(line.values[column.measure] for line in own))
    first = results.variants[0]
    controls = [_line(results, columns, first, control, name) for control, name in CONTROLS.items()]
    random = [
        _line(results, columns, variant, "random_host", ", ".join(filter(None, (variant, "random network"))))
        for variant in results.variants
    ]
    seen = [tuple(line for line in some if any(line.values[c.measure] for c in there)) for some in (controls, random)]
    return Lines(tuple(own), seen[0], seen[1], there)


def _line(results: Results, columns: Sequence[Column], variant: str, control: str, name: str) -> Line:
    seen = results.of(variant)
    values = {}
    for measure, _, _ in columns:
        found = seen.numbers(measure, KIND, 1, control=control) if measure in seen.measured else np.empty(0)
        values[measure] = [float(value) for value in found]
    return Line(name, values)
