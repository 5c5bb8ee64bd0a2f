"""Open and closed questions and next steps over the logs, counted for charts."""

from __future__ import annotations

from bisect import bisect_right

import pandas as pd

from analysis.logs.counts import History
from analysis.logs.fates import Order
from analysis.logs.items import Compilation, Kind

COUNTED: dict[Kind, str] = {"question": "questions", "next_step": "next steps"}


def history(compilation: Compilation) -> History:
    """Count after each log. Only top items count: what is nested in one belongs to it."""
    titles = {log.file: log.title for log in compilation.logs}
    order = Order.of(compilation.logs)
    rows = []
    for kind, name in COUNTED.items():
        items = [item for item in compilation.items if item.kind == kind and item.parent is None]
        opened = sorted(order.first(item) for item in items)
        closed = sorted(order.at(item.closed_on, item.closed) for item in items if item.closed)
        for place, (day, file) in enumerate(order.entries):
            asked, done = bisect_right(opened, place), bisect_right(closed, place)
            rows.append((name, place + 1, titles[file], day.isoformat() if day else "", asked, done, asked - done))
    return History(pd.DataFrame(rows, columns=["kind", "log", "title", "date", "asked", "closed", "open"]))
