"""Every number of a judgement beside its controls."""

from __future__ import annotations

from html import escape

import pandas as pd

from analysis.figures.drawing import Drawing
from analysis.figures.html_table import framed
from analysis.figures.html_table import group as titled
from analysis.pages.judge_page import CONTROLS, MEASURES, number
from analysis.results.judged import Judged
from sae.errors import DataError

FROM_JUDGEMENT = True


def judged_panel(judged: Judged, *, group: int = 1) -> Drawing:
    """Means over the SAEs that were judged together, on held-out rows and on those that floors were fitted on."""
    if not 1 <= group <= len(judged.groups):
        raise DataError(f"group={group}: the judgement has {len(judged.groups)}, counted from 1")
    saes = judged.groups[group - 1]["saes"]
    rows = pd.DataFrame([entry for sae in saes for entry in sae["numbers"]])
    kinds = ["measure", "name", "split"]
    data = rows.groupby(kinds, sort=False, as_index=False)["value"].mean()
    wide = data.pivot_table(index=["measure", "name"], columns="split", values="value", sort=False)
    splits = [(split, said) for split, said in (("held_out", "held out"), ("train", "fitted on")) if split in wide]
    body = []
    for measure, rows in wide.groupby(level="measure", sort=False):
        body.append(titled(MEASURES.get(str(measure), str(measure)), 1 + len(splits)))
        for (_, name), row in rows.iterrows():
            cells = "".join(f"<td>{number(float(row[split]))}</td>" for split, _ in splits)
            body.append(f'<tr><th scope="row">{escape(CONTROLS.get(name, name))}</th>{cells}</tr>')
    return Drawing(
        kind="tbl",
        title="Every number beside its controls",
        caption=f"Means over {len(saes)} {'SAE' if len(saes) == 1 else 'SAEs'}. A dash: not defined there.",
        alt="Table of measures, each of the SAEs and of what it is compared with.",
        data=data,
        html=framed("Every number of the judgement", ["measure, and of what", *(said for _, said in splits)], body),
    )
