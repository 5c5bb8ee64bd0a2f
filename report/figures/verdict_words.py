"""All verdicts at a glance: every tower of every experiment that has one, word and distance by depth."""

from __future__ import annotations

from html import escape

import pandas as pd

from analysis.figures.drawing import Drawing
from analysis.figures.html_table import depth_heads, framed, group
from analysis.figures.verdict_cells import chip, margin
from analysis.figures.words import seeds as seeds_in_words
from analysis.results.tables import Results
from analysis.results.verdict import verdicts
from sae.errors import DataError
from sae.rule import Verdict

EXPERIMENTS = ("towers", "fashion", "schedules")
LABELS = {"towers": "digits", "fashion": "Fashion-MNIST", "schedules": "digits, 256 wide"}


def verdict_words(*given: Results) -> Drawing:
    """A row a tower, a column a depth."""
    rows: list[tuple[str, str, int, dict[int, Verdict]]] = []
    data = []
    for results in given:
        for variant in results.variants:
            seen = results.of(variant)
            found = verdicts(seen)
            for kind in dict.fromkeys(at for at, _ in found):
                words = {depth: verdict for (at, depth), verdict in found.items() if at == kind}
                where = LABELS.get(results.experiment, results.experiment)
                rows.append((where, variant or f"{kind} tower", seen.runs["seed"].nunique(), words))
                data += [
                    {"experiment": results.experiment, "variant": variant, "kind": kind, "depth": depth,
                     "word": verdict.word, "margin": verdict.margin, "low": verdict.low, "high": verdict.high,
                     "best_floor": verdict.best_floor} for depth, verdict in words.items()
                ]  # fmt: skip
    if not rows:
        raise DataError(f"{', '.join(results.experiment for results in given)}: no tower was planned, none is judged")
    last = max(max(words) for *_, words in rows)
    body = []
    before = ""
    for where, name, seeds, words in rows:
        if where != before:
            body.append(group(where, last + 1))
        before = where
        cells = "".join(
            f"<td>{chip(words[depth])}<br>{margin(words[depth])}</td>" if depth in words else "<td>–</td>"
            for depth in range(1, last + 1)
        )
        body.append(f'<tr><th scope="row">{escape(name)}, {seeds_in_words(seeds)}</th>{cells}</tr>')
    table = pd.DataFrame(data)
    counts = table["word"].fillna("undecided").value_counts()
    told = [f"{count} {'is' if count == 1 else 'are'} {word}" for word, count in counts.items()]
    return Drawing(
        kind="tbl",
        title=f"Of {len(table)} {'depth' if len(table) == 1 else 'depths'} judged, {', '.join(told)}",
        caption=(
            "Every tower that was judged. Under each word how far the depth is above its best floor, with the 95% "
            "interval over seeds. Point at a word for the reason."
        ),
        alt=f"Table of verdicts, a row for each tower, a column for each depth: {', '.join(told)}.",
        data=table,
        html=framed("All verdicts", ["tower", *depth_heads(last)], body, "verdict-table"),
    )
