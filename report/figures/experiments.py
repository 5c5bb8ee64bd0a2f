"""Every experiment that the pages are drawn from: runs, seeds, seconds of training, commit and command."""

from __future__ import annotations

from html import escape

import pandas as pd

from analysis.figures.drawing import Drawing
from analysis.figures.html_table import framed
from analysis.results.tables import Results

EXPERIMENTS = (
    "", "towers", "fashion", "schedules", "untrained", "lengths", "layer2", "collapse", "decompose", "choices",
    "language", "union",
)  # fmt: skip


def experiments(*given: Results) -> Drawing:
    """A row an experiment; the first is the site's own."""
    rows: list[dict[str, str | int]] = [
        {
            "experiment": results.experiment,
            "title": str(results.manifest["title"]),
            "runs": results.runs["run"].nunique(),
            "seeds": results.runs["seed"].nunique(),
            "trained SAEs": len(results.training),
            "commit": ", ".join(sorted({str(commit) for commit in results.runs["commit"]})),
            "date": str(results.runs["date"].max()),
            "seconds": round(float(results.runs["seconds"].sum())),
        }
        for results in {one.experiment: one for one in given}.values()
    ]
    count = f"{len(rows)} {'experiment' if len(rows) == 1 else 'experiments'}"
    body = "".join(
        f'<tr id="experiment-{escape(str(row["experiment"]))}"><th scope="row">'
        f"<code>data/experiments/{escape(str(row['experiment']))}.toml</code><br>{escape(str(row['title']))}</th>"
        f"<td>{row['runs']}</td><td>{row['seeds']}</td><td>{row['trained SAEs']}</td>"
        f"<td><code>{escape(str(row['commit']))}</code></td><td>{escape(str(row['date']))}</td>"
        f"<td>{row['seconds']:,}</td></tr>"
        for row in rows
    )
    return Drawing(
        kind="tbl",
        title=f"The pages are drawn from {count}; {rows[0]['experiment']} was trained for this site",
        caption=(
            "`strata run NAME` makes any of them again from its config; `strata verify NAME` trains a sample of its "
            "runs in an empty folder and compares. A plus behind a commit: files differed from it. Nulls are not "
            "counted among the trained SAEs; their seconds are."
        ),
        alt=f"Table of {count}: {', '.join(str(row['experiment']) for row in rows)}.",
        data=pd.DataFrame(rows),
        html=framed("Experiments", ["config", "runs", "seeds", "SAEs", "commit", "date", "core-seconds"], [body]),
    )
