"""A table of measures over depth: one row a measure under a control, means over seeds, held out."""

from __future__ import annotations

import math
from html import escape

import pandas as pd

from analysis.results.tables import Results, mean_of

Measures = tuple[tuple[str, str], ...]
Controls = tuple[tuple[str, str, str], ...]
# measure, its name; directions towers have no L0 and copies on held-out rows: rows without a number are left out
SHOWN = (
    ("variance_explained", "variance explained, own input"),
    ("variance_explained_refit", "the same, codes refitted"),
    ("host_variance_explained", "variance of the network explained"),
    ("host_accuracy", "accuracy, spliced in"),
    ("l0", "active latents (L0)"),
    ("live_share", "live latents"),
    ("eligible_share", "fire on ten examples or more"),
    ("copy_score", "copies"),
    ("selectivity", "selectivity"),
    ("top_class_share", "top-class share"),
    ("exclusive_share", "one-class latents"),
    ("class_precision", "precision"),
    ("class_recall", "recall"),
    ("activation_mass", "activation mass, network units"),
)
# label, control, kind that stands in for the tower's own
UNDER = (
    ("trained network", "none", ""),
    ("random network", "random_host", ""),
    ("one SAE, trained", "none", "direct"),
    ("one SAE, random", "random_host", "direct"),
    ("shuffled labels", "permuted_labels", ""),
    ("stored rows", "stored_dictionary", ""),
    ("random mixtures", "matched_dictionary", ""),
    ("random directions", "random_dictionary", ""),
    ("PCA", "pca", ""),
)


def measure_rows(
    results: Results, kind: str, shown: Measures = SHOWN, under: Controls = UNDER
) -> tuple[str, pd.DataFrame]:
    """HTML and data of the panel of one tower; a dash where a measure is not defined."""
    depths = results.depths(kind)
    body, data = [], []
    for measure, name in shown:
        rows = []
        for label, control, other in under:
            if other and kind != "latents":
                continue
            places = [("host", 0), *((other or kind, depth) for depth in depths)]
            values = [mean(results, measure, *place, control) for place in places]
            if other:
                values[0] = None  # a single SAE is beside the tower; the neurons stand in the tower's own row
            if all(value is None for value in values):
                continue
            cells = "".join(f"<td>{'–' if v is None else f'{v:.2f}'}</td>" for v in values)
            rows.append((label, cells))
            data += [
                {"measure": measure, "under": label, "kind": place[0], "depth": place[1], "mean": value}
                for place, value in zip(places, values, strict=True)
                if value is not None
            ]
        if rows:
            body.append(f'<tr class="group"><th scope="rowgroup" colspan="{len(depths) + 2}">{escape(name)}</th></tr>')
            body += [f'<tr><th scope="row">{escape(label)}</th>{cells}</tr>' for label, cells in rows]
    heads = "".join(f'<th scope="col"><span class="word">depth </span>{depth}</th>' for depth in depths)
    html = (
        f'<div class="table-scroll" tabindex="0" role="region" aria-label="Measures of the {kind} tower by depth">'
        '<table data-quarto-disable-processing="true" class="measures-table">'
        '<thead><tr><th scope="col">measured on</th>'
        f'<th scope="col">neurons</th>{heads}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )
    return html, pd.DataFrame(data)


def mean(results: Results, measure: str, kind: str, depth: int, control: str) -> float | None:
    """Mean over seeds, held out; None where there is no number."""
    value = mean_of(results.numbers(measure, kind, depth, "held_out", control))
    return None if math.isnan(value) else value
