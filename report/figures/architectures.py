"""Every architecture at one L0 on the same activations, beside what needs no SAE."""

from __future__ import annotations

import math
from html import escape

import pandas as pd

from analysis.figures.drawing import Drawing
from analysis.figures.words import seeds, seeds_of
from analysis.results.architectures import floors, numbers, over_seeds, seconds
from analysis.results.tables import OF_CLASSES, Results
from sae.errors import DataError

# measure, its head, how it is written
SHOWN = (
    ("l0", "L0", ".1f"),
    ("variance_explained", "variance explained", ".2f"),
    ("variance_explained_refit", "with fitted codes", ".2f"),
    ("live_share", "live, held out", ".2f"),
    ("selectivity", "selectivity", ".2f"),
    ("exclusive_share", "one-class latents", ".2f"),
    ("phi", "mean |φ|", ".3f"),
    ("shrinkage", "length", ".2f"),
    ("seconds", "seconds", ".1f"),
)


def architectures(results: Results) -> Drawing:
    """Rows are architectures by variance explained, then floors; cells are means over seeds with their range."""
    shown = [column for column in SHOWN if results.labelled or column[0] not in OF_CLASSES]
    read = {name: seconds(results) if name == "seconds" else numbers(results, name) for name, _, _ in shown}
    cells = {name: over_seeds(rows).set_index("what") for name, rows in read.items()}
    explained = cells["variance_explained_refit"]
    own = explained[~explained["floor"]].dropna(subset="mean").sort_values("mean", ascending=False)
    heads = "".join(f'<th scope="col">{head}</th>' for _, head, _ in shown)
    body = "".join(_row(cells, shown, name) for name in own.index)
    if own.empty:
        raise DataError(f"{results.experiment} has no architecture with variance explained by fitted codes at depth 1")
    gap = own["mean"].max() - own["mean"].min()
    title = (
        f"At one L0, {len(own)} dictionaries lie within {gap:.2f} in variance explained, with fitted codes"
        if len(own) > 1
        else f"One dictionary, {own.index[0]}, explains {own['mean'].iloc[0]:.2f} of the variance with fitted codes"
    )
    beside = [label for label in floors(results) if any(label in cell.index for cell in cells.values())]
    if beside:
        body += f'<tr class="group"><th scope="rowgroup" colspan="{len(shown) + 1}">for comparison</th></tr>'
        body += "".join(_row(cells, shown, label) for label in beside)
    return Drawing(
        kind="tbl",
        title=title,
        caption=(
            "One SAE each on the rows that depth 1 reads, aimed at the same number of active latents (L0); means over "
            f"{seeds(seeds_of(results))} and their range, held-out examples. *With fitted codes*: the "
            "dictionary alone, with codes by matching pursuit, which is how untrained dictionaries are scored. "
            "*Length*: of reconstructions, against what it should be; 1 means no shrinkage. Seconds of training on "
            "one core beside other work." + (" Selectivity and one-class latents: see the methods." * results.labelled)
        ),
        alt="Table of architectures with L0, variance explained, live latents, "
        f"{'selectivity, ' * results.labelled}seconds. {title}.",
        data=pd.concat([cell.reset_index().assign(measure=name) for name, cell in cells.items()]),
        html=(
            '<div class="table-scroll" tabindex="0" role="region" aria-label="Architectures at one L0">'
            '<table data-quarto-disable-processing="true" class="measures-table compared">'
            f'<thead><tr><th scope="col">architecture</th>{heads}</tr></thead><tbody>{body}</tbody></table></div>'
        ),
    )


def _row(cells: dict[str, pd.DataFrame], shown: list[tuple[str, str, str]], what: str) -> str:
    """One line of the table; a dash where there is no such number."""
    line = []
    for name, _, form in shown:
        found = cells[name].reindex([what])[["mean", "low", "high"]].to_numpy(dtype=float)[0]
        if math.isnan(found[0]):
            line.append("<td>–</td>")
            continue
        mean, low, high = (format(value, form) for value in found)
        between = f'<span class="between">{low}–{high}</span>' if low != high else ""
        line.append(f"<td>{mean}{between}</td>")
    return f'<tr><th scope="row">{escape(what)}</th>{"".join(line)}</tr>'
