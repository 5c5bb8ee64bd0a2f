"""How far the SAEs are above what has learned no structure."""

from __future__ import annotations

import altair as alt
import pandas as pd

from analysis.figures.drawing import Drawing
from analysis.pages.judge_page import WORDS, number, said
from analysis.results.judged import Judged
from sae.errors import DataError
from sae.rule import NAMES

# Drawn from data/judgement, which `strata judge` writes.
FROM_JUDGEMENT = True


def judged_floors(judged: Judged, *, group: int = 1) -> Drawing:
    """One line a floor, of the SAEs that were judged together; `group` where there are several shapes."""
    if not 1 <= group <= len(judged.groups):
        raise DataError(f"group={group}: the judgement has {len(judged.groups)}, counted from 1")
    found = judged.groups[group - 1]
    data = pd.DataFrame(found["margins"], columns=["floor", "mean", "low", "high"])
    data["floor"] = [NAMES.get(name, name) for name in data["floor"]]
    verdict, names = found["verdict"], ", ".join(sae["name"].rpartition("/")[2] for sae in found["saes"])
    place = alt.Y("floor:N", title=None, sort=alt.EncodingSortField("mean"), axis=alt.Axis(labelLimit=260))
    lines = alt.Chart(data).mark_rule(strokeWidth=3).encode(
        x=alt.X("low:Q", title="variance explained, above the floor by"), x2="high:Q", y=place
    )  # fmt: skip
    points = alt.Chart(data).mark_point(filled=True, size=70, opacity=1).encode(x="mean:Q", y=place)
    zero = alt.Chart(pd.DataFrame({"x": [0]})).mark_rule().encode(x="x:Q")
    apart = "; ".join(f"{row.floor} {number(row.mean, sign=True)}" for row in data.itertuples())
    return Drawing(
        title=f"{names}: {said(verdict)}",
        caption=f"{WORDS[verdict['word']]} {verdict['why']} {found['interval']}",
        alt=f"Distance from each floor. {apart}.",
        data=data,
        chart=zero + lines + points,
    )
