"""All verdicts at a glance: every tower of every experiment that has one, word and distance by depth."""

from __future__ import annotations

from html import escape

import pandas as pd

from analysis.figures.drawing import Drawing
from analysis.figures.html_table import depth_heads, framed, group
from analysis.figures.verdict_cells import chip, margin, said_p
from analysis.figures.words import seeds as seeds_in_words
from analysis.results.tables import Results
from analysis.results.verdict import adjusted, distinct, number_of_tests, verdicts
from sae.errors import DataError
from sae.rule import STRUCTURE, THRESHOLDS, Verdict

EXPERIMENTS = ("towers", "fashion", "schedules", "untrained")
LABELS = {
    "towers": "digits",
    "fashion": "Fashion-MNIST",
    "schedules": "digits, 256 wide",
    "untrained": "digits, random and trained networks",
}


def verdict_words(*given: Results) -> Drawing:
    """A row a tower, a column a depth."""
    rows: list[tuple[str, str, int, dict[int, Verdict]]] = []
    data = []
    places, adjusted_p = distinct(*given), adjusted(*given)
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
                     "best_floor": verdict.best_floor, "p": verdict.p, "detects": verdict.detects,
                     "p_of_many": adjusted_p[place], "counted": places[place] == place}
                    for depth, verdict in words.items() for place in [(results.experiment, variant, kind, depth)]
                ]  # fmt: skip
    table = pd.DataFrame(data)
    if not rows:
        raise DataError(f"{', '.join(results.experiment for results in given)}: no tower was planned, none is judged")
    many = iter(table["p_of_many"].tolist())
    last = max(max(words) for *_, words in rows)
    body = []
    before = ""
    for where, name, seeds, words in rows:
        if where != before:
            body.append(group(where, last + 1))
        before = where
        cells = "".join(
            f"<td>{chip(words[depth])}<br>{margin(words[depth])}{_test(words[depth], next(many))}</td>"
            if depth in words else "<td>–</td>" for depth in range(1, last + 1)
        )  # fmt: skip
        body.append(f'<tr><th scope="row">{escape(name)}, {seeds_in_words(seeds)}</th>{cells}</tr>')
    own = table[table["counted"]]
    counts = own["word"].fillna("undecided").value_counts()
    told = [f"{count} {'is' if count == 1 else 'are'} {word}" for word, count in counts.items()]
    twice = len(table) - len(own)
    structure = own[own["word"] == STRUCTURE]
    stands = int((structure["p_of_many"] <= (1 - THRESHOLDS.confidence) / 2).sum())
    tested = number_of_tests(*given)
    outlasts = (
        f" So many tests call some depth structure by luck: of the {len(structure)} that are, {stands} "
        f"{'stands' if stands == 1 else 'stand'} when p is adjusted for all {tested} (Holm)."
        if len(structure) else ""
    )  # fmt: skip
    return Drawing(
        kind="tbl",
        title=f"Of {len(own)} {'depth' if len(own) == 1 else 'depths'} judged, {', '.join(told)}",
        caption=(
            f"Every tower of {_listed([results.experiment for results in given])}. [Point at a word for the "
            "reason.]{.page-only} Under each word how far the depth is above the nearest floor, with the 95% interval "
            "over seeds; under structure, p by itself and as one of all. "
            + ("Towers that start from the same SAEs share their depth 1, which counts once. " * (twice > 0))
            + outlasts
        ),
        alt=f"Table of verdicts, a row for each tower, a column for each depth: {', '.join(told)}.",
        data=table,
        html=framed("All verdicts", ["tower", *depth_heads(last)], body, "verdict-table"),
    )


def _test(verdict: Verdict, of_many: float) -> str:
    if verdict.word != STRUCTURE:
        return ""
    return f'<span class="between">p {said_p(verdict.p)}, {said_p(of_many)}</span>'


def _listed(names: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *rest, last = dict.fromkeys(names)
    return f"{', '.join(rest)} and {last}" if rest else last
