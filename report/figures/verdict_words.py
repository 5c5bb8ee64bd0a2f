"""All verdicts at a glance: every tower of every experiment that has one, word and distance by depth."""

from __future__ import annotations

import math
from html import escape

import pandas as pd

from analysis.figures.drawing import Drawing
from analysis.figures.html_table import depth_heads, framed, group
from analysis.figures.verdict_cells import chip, margin, said_p
from analysis.figures.words import seeds as seeds_in_words
from analysis.results.tables import Results
from analysis.results.verdict import verdicts
from sae.errors import DataError
from sae.rule import FLOOR, STRUCTURE, THRESHOLDS, UNDECIDED, Verdict, holm

TESTED = (STRUCTURE, FLOOR, UNDECIDED)

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
                     "best_floor": verdict.best_floor, "p": verdict.p, "detects": verdict.detects}
                    for depth, verdict in words.items()
                ]  # fmt: skip
    table = pd.DataFrame(data)
    if not rows:
        raise DataError(f"{', '.join(results.experiment for results in given)}: no tower was planned, none is judged")
    tests = [test_of(verdict) for *_, words in rows for verdict in words.values()]
    many = holm({test: test[1] for test, word in zip(tests, table["word"], strict=True) if word in TESTED})
    table["p_of_many"] = [many.get(test, math.nan) for test in tests]
    last = max(max(words) for *_, words in rows)
    body = []
    before = ""
    for where, name, seeds, words in rows:
        if where != before:
            body.append(group(where, last + 1))
        before = where
        cells = "".join(
            f"<td>{chip(words[depth])}<br>{margin(words[depth])}{_test(words[depth], many)}</td>" if depth in words
            else "<td>–</td>" for depth in range(1, last + 1)
        )  # fmt: skip
        body.append(f'<tr><th scope="row">{escape(name)}, {seeds_in_words(seeds)}</th>{cells}</tr>')
    counts = table["word"].fillna("undecided").value_counts()
    told = [f"{count} {'is' if count == 1 else 'are'} {word}" for word, count in counts.items()]
    structure = table[table["word"] == STRUCTURE].drop_duplicates(["margin", "p"])
    stands = int((structure["p_of_many"] <= (1 - THRESHOLDS.confidence) / 2).sum())
    distinct = sum(not math.isnan(p) for p in many.values())
    outlasts = (
        f" {distinct} different depths were tested here, since some stand in several towers. That many tests call some "
        f"structure by luck: of {len(structure)} such depths {stands} {'stands' if stands == 1 else 'stand'} when p is "
        "adjusted for all of them (Holm)." if len(structure) and distinct else ""
    )  # fmt: skip
    return Drawing(
        kind="tbl",
        title=f"Of {len(table)} {'depth' if len(table) == 1 else 'depths'} judged, {', '.join(told)}",
        caption=(
            "Every tower that was judged. Under each word how far the depth is above its best floor, with the 95% "
            "interval over seeds; under structure, p by itself and as one of all. Point at a word for the reason."
            + outlasts
        ),
        alt=f"Table of verdicts, a row for each tower, a column for each depth: {', '.join(told)}.",
        data=table,
        html=framed("All verdicts", ["tower", *depth_heads(last)], body, "verdict-table"),
    )


def test_of(verdict: Verdict) -> tuple[float, float]:
    """What tells one test from another: a depth that stands in two towers has both numbers alike."""
    return verdict.margin, verdict.p


def _test(verdict: Verdict, many: dict[tuple[float, float], float]) -> str:
    if verdict.word != STRUCTURE:
        return ""
    return f'<span class="between">p {said_p(verdict.p)}, {said_p(many[test_of(verdict)])}</span>'
