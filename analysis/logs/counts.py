"""What charts of the logs are drawn from: a table, as an experiment's charts are drawn from tables.

It stands apart from `analysis/logs`, which fills it, so that a change in how logs are read makes no other chart stale.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import pandas as pd


@dataclass(frozen=True, eq=False)
class History:
    """Open and closed questions and next steps, after each log."""

    table: pd.DataFrame
    """Columns: kind, log (place, from 1), title, date, asked (so far), closed (so far), open; a row a kind and log (or
    day of a journal)."""

    @property
    def digest(self) -> str:
        """Hash of the table: equal digest, equal drawing."""
        return hashlib.sha256(self.table.to_csv(index=False).encode()).hexdigest()[:16]

    @property
    def manifest(self) -> dict[str, Any]:
        """Logs have no runs."""
        return {"runs": []}
