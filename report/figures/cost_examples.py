"""What it costs to train SAEs, as worked examples; report/assets/cost/cost.js puts sliders above them.

Without scripts the table stands alone.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from html import escape
from typing import Any

import pandas as pd

from analysis.figures.drawing import Drawing
from analysis.figures.html_table import framed
from analysis.results.cost import Cost, Plan, as_numbers, cost, said
from analysis.results.kept_file import KeptFile
from sae.errors import DataError

FROM_FILE = "data/cost.json"
AGREES = 0.005
"""How far a published number, which is rounded, may lie from ours and still be the same."""
HEADS = ("what", "parameters", "memory", "disk", "operations", "time", "money")
FIELDS = tuple(field.name for field in fields(Plan))
# How a plan is told in a cell: before and behind a number, and as what it is written.
TOLD = (
    ("d_model", "d_model ", "", "count"), ("latents", "", " latents", "count"), ("k", "k ", "", "count"),
    ("tokens", "", " tokens", "count"), ("passes", "", " passes", "count"), ("flops", "", " FLOP/s", "count"),
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A worked example: its plan, which fields of it are known, and a published number to hold against ours."""

    name: str
    source: str
    known: list[str]
    plan: Plan
    says: dict[str, Any]
    """`what` of the cost, `value`, and `who` says so; empty where nobody does."""

    @classmethod
    def of(cls, found: dict[str, Any], file: str) -> Case:
        """Checked. Raises DataError for something that is no case."""
        try:
            case = cls(found["name"], found["source"], found["known"], Plan(**found["plan"]), found.get("says", {}))
        except (KeyError, TypeError) as error:
            raise DataError(
                f"{file}: {found.get('name', 'a case')}: {error}; a case has name, source, known, and a plan of "
                + ", ".join(FIELDS)
            ) from None
        if strange := [name for name in case.known if name not in FIELDS]:
            raise DataError(f"{file}: {case.name}: {strange[0]} is known, but no field of a plan")
        return case

    @property
    def cost(self) -> Cost:
        """What it comes to."""
        return cost(self.plan)

    @property
    def off(self) -> float:
        """By what share the published number lies from ours."""
        return abs(as_numbers(self.cost)[self.says["what"]] / float(self.says["value"]) - 1)

    @property
    def checked(self) -> str:
        """What was published, and whether ours is that; empty where nothing was."""
        if not self.says:
            return ""
        word = "as here" if self.off <= AGREES else f"{self.off:.0%} from ours"
        return f"{self.says['who']}: {said(self.says['value'], 'count')}, {word}"


def cost_examples(file: KeptFile) -> Drawing:
    """A row a case; behind them the data of the sliders."""
    cases = [Case.of(found, file.name) for found in file.json("cases")["cases"]]
    first, last = cases[0], cases[-1]
    checked = [case for case in cases if case.says]
    right = [case for case in checked if case.off <= AGREES]
    of = "both" if len(checked) == len(right) == 2 else f"{len(right)} of {len(checked)}"
    title = (
        f"From {_about(first.cost.hours)} for {first.name[0].lower()}{first.name[1:]} to {_about(last.cost.hours)} of "
        f"one device for {last.name}"
    )
    return Drawing(
        title=title,
        caption=(
            "Worked examples. Parameters are the weights of encoder and decoder; memory holds them with their biases, "
            "their gradients and the two moments of Adam; disk holds every activation; operations are those of "
            "training and of the host's one pass; time is that of one device. What stands in brackets nobody has "
            f"published: we assumed it. Of the published counts of parameters {of} are what the formulae give."
        ),
        alt="Worked examples. " + " ".join(f"{case.name}: {_spoken(case)}." for case in cases),
        data=pd.DataFrame([_row(case) for case in cases]),
        html=f'<div class="cost">{framed("Worked examples", HEADS, map(_cells, cases))}{_script(cases)}</div>',
    )


def _about(hours: float) -> str:
    """Two digits: the assumptions are not worth more."""
    return said(hours, "hours", digits=2)


def _spoken(case: Case) -> str:
    found = case.cost
    return (
        f"{said(found.matrices, 'count')} parameters, {said(found.memory, 'bytes')} of memory, "
        f"{_about(found.hours)} on one device"
    )


def _cells(case: Case) -> str:
    found, plan = case.cost, as_numbers(case.plan)
    told = []
    for name, before, behind, what in TOLD:
        text = f"{before}{said(plan[name], what)}{behind}"
        if not (name == "passes" and plan[name] == 1):
            told.append(text if name in case.known else f"({text})")
    notes = f"<small>{escape(', '.join(told))}</small>"
    if case.says:
        notes += f'<small class="cost-checked">{escape(case.checked)}</small>'
    cells = (
        said(found.matrices, "count"), said(found.memory, "bytes"), said(found.disk, "bytes"),
        said(found.training + found.reading, "count"), _about(found.hours),
        said(found.money, "money") if case.plan.price else "–",
    )  # fmt: skip
    return f'<tr><th scope="row">{escape(case.name)}{notes}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'


def _row(case: Case) -> dict[str, Any]:
    return {"name": case.name} | asdict(case.plan) | as_numbers(case.cost) | {"source": case.source}


def _script(cases: list[Case]) -> str:
    """What the sliders are set from."""
    data = [
        {
            "name": case.name,
            "plan": asdict(case.plan),
            "known": case.known,
            "source": case.source,
            "checked": case.checked,
        }
        for case in cases
    ]
    text = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    return f'<script type="application/json" class="cost-data">{text}</script>'
