"""Which architecture finds features that are known, family by family, from `make bench-truth`."""

from __future__ import annotations

from html import escape

import pandas as pd

from analysis.figures.drawing import Drawing
from analysis.figures.html_table import framed
from analysis.results.architectures import name_of
from analysis.results.kept_file import KeptFile

FROM_FILE = "data/benchmarks/recovery.json"
FLOORS = ("random directions", "stored rows", "true directions")
BESIDE = (("explained", "explains"), ("f1", "F1"), ("fitted", "fitted"), ("fitted_f1", "its F1"), ("seconds", "s"))


def recovery(file: KeptFile) -> Drawing:
    """A row an architecture, by mean recovery; a column a family; behind them what codes are worth."""
    found = file.json("made_with", "rows")
    data = pd.DataFrame(found["rows"])
    cosine = data.pivot_table(index="architecture", columns="family", values="cosine", sort=False)
    families = list(cosine.columns)
    cosine["mean"] = cosine.mean(axis=1)
    beside = data.groupby("architecture", sort=False)[[name for name, _ in BESIDE]].mean()
    trained = cosine.drop(index=[name for name in FLOORS if name in cosine.index])
    order = [*trained.sort_values("mean", ascending=False).index, *(name for name in FLOORS if name in cosine.index)]
    best = trained[families].idxmax()
    body = []
    for name in order:
        cells = [_marked(cosine.loc[name, family], best[family] == name) for family in families]
        cells.append(f"{cosine.loc[name, 'mean']:.2f}")
        cells += [_number(beside.loc[name, column]) for column, _ in BESIDE]
        body.append(
            f'<tr><th scope="row">{escape(name_of(str(name)))}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
        )
    first = str(order[0])
    wins = int((best == first).sum())
    made = found["made_with"]
    title = (
        f"On features that are known, {name_of(first)} comes nearest on average, and is first in {wins} of "
        f"{len(families)} families"
    )
    return Drawing(
        kind="tbl",
        title=title,
        caption=(
            "Mean cosine between features and the latents that are paired with them one to one, held out; the best "
            "of each family in bold. Families differ from *plain* in one thing, *all* in everything. Behind it, means "
            "over families: variance explained and the F1 of a feature's firing by its latent's, with the "
            "architecture's own codes, and *fitted*, with codes that matching pursuit fits to the same directions; "
            f"seconds of training. {made['seeds']} seeds, {made['steps']:,} steps of {made['batch']} rows; learning "
            "rates by variance explained on another seed. Last, directions that nobody learned, and the true ones."
        ),
        alt=f"Table of architectures and how well they recover known features. {title}.",
        data=data,
        html=framed(
            "Recovery of known features",
            ["architecture", *map(escape, families), "mean", *(head for _, head in BESIDE)], body,
        ),
    )  # fmt: skip


def _marked(value: float, best: bool) -> str:
    return f"<b>{value:.2f}</b>" if best else f"{value:.2f}"


def _number(value: float) -> str:
    return "–" if pd.isna(value) else f"{value:.2f}"
