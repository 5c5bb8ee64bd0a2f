"""The panel of one tower as a table people can read: quantities down, depths across, the word on top."""

from __future__ import annotations

import math
from html import escape

import pandas as pd

from analysis.figures.drawing import Drawing
from analysis.figures.html_table import depth_heads, framed, group
from analysis.figures.verdict_cells import (
    between,
    chip,
    judged,
    margin,
    over,
    p_of_many,
    said,
    said_p,
    signed,
    titled,
)
from analysis.figures.words import folds, one_variant, seeds, seeds_of
from analysis.results.margins import spelled
from analysis.results.tables import Results
from sae.rule import CODE_NULLS, CODES, NAMES, Verdict, code_floors

# group, label, measure, split, control, kind that stands in for the tower's own, digits after the point
EXPLAINED = "variance_explained"
THEMSELVES = "such codes themselves"
ROWS = (
    ("Variance explained of its input", "in-sample", EXPLAINED, "train", "none", "", 2),
    ("", "memorising bound", EXPLAINED, "train", "memorising", "", 2),
    ("", "held out, own codes", EXPLAINED, "held_out", "none", "", 2),
    ("", NAMES["permuted_null"], EXPLAINED, "held_out", "permuted_null", "", 2),
    ("", NAMES["gaussian_null"], EXPLAINED, "held_out", "gaussian_null", "", 2),
    ("", NAMES["gaussian_tower"], EXPLAINED, "held_out", "gaussian_tower", "", 2),
    ("", NAMES["permuted_tower"], EXPLAINED, "held_out", "permuted_tower", "", 2),
    ("", NAMES["frozen_decoder"], EXPLAINED, "held_out", "frozen_decoder", "", 2),
    ("", NAMES["curveball_null"], EXPLAINED, "held_out", "curveball_null", "", 2),
    ("", NAMES["reencoded_null"], EXPLAINED, "held_out", "reencoded_null", "", 2),
    ("", THEMSELVES, EXPLAINED, "held_out", "reencoded", "", 2),
    ("", "the same, dealt out once more", EXPLAINED, "held_out", "reencoded_shuffled", "", 2),
    ("", NAMES["relearned_null"], EXPLAINED, "held_out", "relearned_null", "", 2),
    ("", THEMSELVES, EXPLAINED, "held_out", "relearned", "", 2),
    ("", "the same, dealt out once more", EXPLAINED, "held_out", "relearned_shuffled", "", 2),
    ("", "held out, fitted codes", "variance_explained_refit", "held_out", "none", "", 2),
    ("", NAMES["stored_dictionary"], EXPLAINED, "held_out", "stored_dictionary", "", 2),
    ("", NAMES["matched_dictionary"], EXPLAINED, "held_out", "matched_dictionary", "", 2),
    ("", NAMES["random_dictionary"], EXPLAINED, "held_out", "random_dictionary", "", 2),
    ("", "PCA (never decides)", EXPLAINED, "held_out", "pca", "", 2),
    ("", "random network, own codes", EXPLAINED, "held_out", "random_host", "", 2),
    ("The SAE", "active latents (L0)", "l0", "train", "none", "", 0),
    ("", "live latents, on the rows it was trained on", "live_share", "train", "none", "", 2),
    ("", "copies, of all latents", "copy_score", "train", "none", "", 2),
    ("", "copies, of live latents", "live_copies", "train", "none", "", 2),
    ("", "the same, random network", "live_copies", "train", "random_host", "", 2),
    ("", "found again from another seed", "matched_share", "train", "none", "", 2),
    ("", "mean cosine of those pairs", "matched_cosine", "train", "none", "", 2),
    ("", "the same, random directions", "matched_cosine", "train", "random_dictionary", "", 2),
    ("", "of two sets of random mixtures of its rows", "matched_cosine", "train", "matched_dictionary", "", 2),
    ("", "of two sets of its rows", "matched_cosine", "train", "stored_dictionary", "", 2),
    ("", "mean of its input over its spread (gamma)", "gamma", "train", "none", "", 2),
    ("Decoded down to the network", "variance explained", "host_variance_explained", "held_out", "none", "", 2),
    ("", "random network", "host_variance_explained", "held_out", "random_host", "", 2),
    ("", "accuracy, spliced in", "host_accuracy", "held_out", "none", "", 2),
    ("Class selectivity", "the tower", "selectivity", "held_out", "none", "", 2),
    ("", "random network", "selectivity", "held_out", "random_host", "", 2),
    ("", "one SAE as sparse", "selectivity", "held_out", "none", "direct", 2),
    ("", "shuffled labels", "selectivity", "held_out", "permuted_labels", "", 2),
)


def verdict_table(results: Results, kind: str) -> tuple[str, pd.DataFrame, list[Verdict]]:
    """HTML, data and the verdicts of one tower."""
    one_variant(results)
    words = list(judged(results, kind).values())
    depths = list(range(1, len(words) + 1))
    many = p_of_many(results, kind)
    always = (
        ("above the nearest floor (95%)", [margin(word) for word in words]),
        (
            "nearest floor",
            [f'<span class="floor-name">{escape(NAMES.get(word.best_floor, "–"))}</span>' for word in words],
        ),
    )
    where_known = (
        ("least surely above (lower end)", [_least(word) for word in words]),
        ("the nearest over other examples (95%)", [between(word.examples_low, word.examples_high) for word in words]),
        ("p", [said_p(word.p) for word in words]),
        ("p as one of all depths here", [said_p(many[depth]) for depth in depths]),
        ("a lead that would be found", [said(word.detects, 3) for word in words]),
    )
    rows = [*always, *((label, cells) for label, cells in where_known if set(cells) != {"–"})]
    body = [
        f'<tr class="verdict-row"><th scope="row">verdict</th>{_cells([chip(word) for word in words])}</tr>',
        *(f'<tr><th scope="row">{label}</th>{_cells(cells)}</tr>' for label, cells in rows),
    ]
    data: list[dict[str, object]] = [
        {"row": "verdict", "depth": depth, "word": word.word, "mean": word.margin, "low": word.low,
         "high": word.high, "least": word.least, "examples_low": word.examples_low, "examples_high": word.examples_high,
         "p": word.p, "p_of_many": many[depth], "detects": word.detects}
        for depth, word in zip(depths, words, strict=True)
    ]  # fmt: skip
    above = ""
    for title, label, measure, split, control, other, digits in ROWS:
        above = title or above
        find = _as_floor if control in CODES[1:] else over
        values = [find(results, measure, other or kind, depth, split, control) for depth in depths]
        if all(math.isnan(value[0]) for value in values):
            continue
        if above:
            body.append(group(above, len(depths) + 1))
            above = ""
        cells = "".join(f"<td{titled(value)}>{said(value[0], digits)}</td>" for value in values)
        body.append(f'<tr><th scope="row">{escape(label)}</th>{cells}</tr>')
        data += [
            {"row": f"{measure}, {split}, {control}, {other or kind}", "depth": depth, "mean": value[0],
             "low": value[1], "high": value[2]} for depth, value in zip(depths, values, strict=True)
        ]  # fmt: skip
    heads = [f"{kind} tower", *depth_heads(len(depths))]
    html = framed(f"Verdicts on the {kind} tower by depth", heads, body, "verdict-table")
    return html, pd.DataFrame(data), words


def _as_floor(
    results: Results, measure: str, kind: str, depth: int, split: str, control: str
) -> tuple[float, float, float]:
    """What counts of codes that were encoded or learned again, which may be easier to explain all in all: as much above
    codes dealt out by chance as they are above themselves dealt out once more. It is the mean of each seed's floor."""
    means = {name: over(results, measure, kind, depth, split, name)[0] for name in CODE_NULLS}
    return code_floors(means).get(control, math.nan), math.nan, math.nan


def _cells(texts: list[str]) -> str:
    return "".join(f"<td>{text}</td>" for text in texts)


def _least(word: Verdict) -> str:
    """The floor that a depth is least surely above, and the lower bound there."""
    if not word.least_floor:
        return "–"
    name = f'<span class="floor-name">{escape(NAMES[word.least_floor])}</span>'
    return f'{name}<span class="between">{signed(word.least)}</span>'


def verdict(results: Results, *, kind: str = "latents", variant: str = "") -> Drawing:
    """The table of one tower with its words around it; of an experiment with several, that of a `variant`."""
    results = results.of(variant) if variant else results
    html, data, words = verdict_table(results, kind)
    number = "a number for its 95% interval, at " if seeds_of(results) > 1 else ""
    again = (
        "Codes encoded or learned again count by as much above codes dealt out as they are above themselves dealt out "
        "once more. "
        if THEMSELVES in html
        else ""
    )
    held_out = f" From depth 2 on rows are held out by {folds(results, kind)} folds. A dash: not defined there."
    return Drawing(
        kind="tbl",
        title=f"{variant or f'{kind.capitalize()} tower'}: {spelled([word.word for word in words])}",
        caption=(
            f"Means over {seeds(seeds_of(results))}. [Point at {number}a word for the reason.]{{.page-only}} Own codes "
            "are to be compared with the trained floors below them, fitted codes with the unlearned dictionaries "
            f"below them. {again}p is one-sided, the largest over all floors, seeds and examples; as one of all depths "
            "it is Holm's. A lead that would be found is found in four of five such experiments."
            + (held_out if kind == "directions" else "")
        ),
        alt=f"Table of verdicts by depth with the numbers behind them: {spelled([word.word for word in words])}.",
        data=data,
        html=html,
    )
