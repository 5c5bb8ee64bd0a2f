"""Open and closed questions and next steps over the logs, as a table that charts can draw."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from analysis.logs.fates import Order
from analysis.logs.items import Compilation, Kind

COUNTED: dict[Kind, str] = {"question": "questions", "next_step": "next steps"}


@dataclass(frozen=True)
class History:
    """What charts of the logs are drawn from: the counterpart of an experiment's tables."""

    compilation: Compilation

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a kind and log (or day of a journal).

        Columns: kind, log (place, from 1), title, date, asked (so far), closed (so far), open. Only top items count:
        what is nested in one belongs to it.
        """
        titles = {log.file: log.title for log in self.compilation.logs}
        order = Order.of(self.compilation.logs)
        rows = []
        for kind, name in COUNTED.items():
            items = [item for item in self.compilation.items if item.kind == kind and item.parent is None]
            opened = [order.first(item) for item in items]
            closed = [order.at(item.closed_on, item.closed) for item in items if item.closed]
            for place, (day, file) in enumerate(order.entries):
                asked, done = sum(at <= place for at in opened), sum(at <= place for at in closed)
                rows.append((name, place + 1, titles[file], day.isoformat() if day else "", asked, done, asked - done))
        return pd.DataFrame(rows, columns=["kind", "log", "title", "date", "asked", "closed", "open"])

    @property
    def digest(self) -> str:
        """Hash of the table: equal digest, equal drawing."""
        return hashlib.sha256(self.table.to_csv(index=False).encode()).hexdigest()[:16]

    @property
    def manifest(self) -> dict[str, Any]:
        """Logs have no runs."""
        return {"runs": []}
