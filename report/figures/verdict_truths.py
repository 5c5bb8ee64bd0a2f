"""What the rule says where the truth is known: a row a kind of data set, from `make bench-verdict`."""

from __future__ import annotations

import statistics
from html import escape

import pandas as pd

from analysis.figures.drawing import Drawing
from analysis.figures.html_table import framed, group
from analysis.results.kept_file import KeptFile

FROM_FILE = "data/benchmarks/verdict.json"
WORDS = ("structure", "undecided", "floor", "copy")
UNFINISHED = "_unfinished"
HEADS = ("data", "sets", *WORDS, "margin", "would be found")


def verdict_truths(file: KeptFile) -> Drawing:
    """Noise, structure, and noise below a first layer that was not trained to an end."""
    found = file.json("made_with", "judged")
    data = pd.DataFrame([{name: row[name] for name in ("truth", "structure", "set", "word", "margin", "detects")}
                         for row in found["judged"]])  # fmt: skip
    short = data["truth"].str.endswith(UNFINISHED)
    noise, structure, unfinished = (
        data[~data["structure"] & ~short], data[data["structure"]], data[~data["structure"] & short],
    )  # fmt: skip
    body = []
    for title, rows in (
        ("Nothing to find at depth 2", noise), ("Features in groups", structure),
        ("Nothing to find, and a first layer trained for too short a time", unfinished),
    ):  # fmt: skip
        if len(rows):
            body.append(group(title, len(HEADS)))
            body += [_row(str(kind), rows[rows["truth"] == kind]) for kind in rows["truth"].unique()]
    called = int((noise["word"] == "structure").sum())
    told = f"Of {len(noise)} data sets without structure the rule calls {called or 'none'} structure"
    if len(structure):
        told += f", of {len(structure)} with it {int((structure['word'] == 'structure').sum())}"
    made = found["made_with"]
    return Drawing(
        kind="tbl",
        title=told,
        caption=(
            f"Depth 2 of towers on latents, trained on {made['rows']:,} rows of data sets of our own making, "
            f"{made['seeds']} seeds each, and judged by the rule of this page. How often each word was said; the mean "
            "distance from the nearest floor; and the median of the leads that as many seeds would have found in four "
            "of five cases. The makers are `benchmarks/truths.py`."
        ),
        alt=f"Table of data sets whose truth is known, and the words that the rule has for them. {told}.",
        data=data,
        html=framed("Where the truth is known", HEADS, body, "verdict-table"),
    )


def _row(kind: str, rows: pd.DataFrame) -> str:
    counts = [int((rows["word"] == word).sum()) for word in WORDS]
    cells = [str(len(rows)), *(str(count) if count else "–" for count in counts)]
    cells += [f"{rows['margin'].mean():+.3f}", f"{statistics.median(rows['detects']):.3f}"]
    name = escape(kind.removesuffix(UNFINISHED).replace("_", " "))
    return f'<tr><th scope="row">{name}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
