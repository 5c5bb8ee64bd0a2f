"""Every number over depth in one table: the towers beside their controls, means over seeds, held out."""

from __future__ import annotations

from html import escape

import pandas as pd

from analysis.drawing import Drawing
from analysis.results import Results

SHOWN = (
    ("variance_explained", "variance explained, own input"),
    ("host_variance_explained", "variance of the host explained"),
    ("host_accuracy", "host accuracy, spliced"),
    ("l0", "active latents (L0)"),
    ("live_share", "live latents"),
    ("copy_score", "copies"),
    ("selectivity", "selectivity"),
    ("exclusive_share", "one-class latents"),
    ("class_precision", "precision"),
    ("class_recall", "recall"),
    ("activation_mass", "activation mass (host units)"),
)
CONTROLS = (
    ("none", "trained host"),
    ("random_host", "random host"),
    ("permuted_labels", "permuted labels"),
    ("random_dictionary", "random dictionary"),
    ("pca", "PCA, same L0"),
)


def measures(results: Results) -> Drawing:
    """Rows are a measure under a control, columns the depths of both towers. A dash: not defined there."""
    depths = results.depths("latents")
    places = [("host", 0)] + [(kind, depth) for kind in ("latents", "directions") for depth in depths]
    body, data = [], []
    for measure, name in SHOWN:
        for control, label in CONTROLS:
            values = {place: _mean(results, measure, *place, control) for place in places}
            if all(value is None for value in values.values()):
                continue
            cells = "".join(f"<td>{'–' if v is None else f'{v:.2f}'}</td>" for v in values.values())
            body.append(f'<tr><th scope="row">{escape(name)}</th><td>{escape(label)}</td>{cells}</tr>')
            data += [
                {"measure": measure, "control": control, "kind": kind, "depth": depth, "mean": value}
                for (kind, depth), value in values.items()
                if value is not None
            ]
    top = (
        '<tr><th scope="col" rowspan="2">measure</th><th scope="col" rowspan="2">under</th>'
        '<th scope="col" rowspan="2">neurons</th>'
        f'<th scope="colgroup" colspan="{len(depths)}">latents tower</th>'
        f'<th scope="colgroup" colspan="{len(depths)}">directions tower</th></tr><tr>'
        + "".join(f'<th scope="col">{depth}</th>' for depth in depths * 2)
        + "</tr>"
    )
    seeds = results.runs["seed"].nunique()
    return Drawing(
        kind="tbl",
        title="Every measure beside its controls",
        caption=(
            f"Means over {seeds} seeds on held-out digits, by depth. In the directions tower variance explained is "
            "scored by folds from depth 2 on, and its L0 and copy score are defined on training rows only. A dash: "
            "not defined there."
        ),
        alt="Table of all measures over depth for both towers and their controls.",
        data=pd.DataFrame(data),
        html=(
            '<div class="table-scroll" tabindex="0" role="region" aria-label="Measures by depth">'
            '<table data-quarto-disable-processing="true" class="measures-table">'
            f"<thead>{top}</thead><tbody>{''.join(body)}</tbody></table></div>"
        ),
    )


def _mean(results: Results, measure: str, kind: str, depth: int, control: str) -> float | None:
    rows = results.values(measure, kind, "held_out", control)
    rows = rows[rows["depth"] == depth]
    return None if rows.empty else float(rows["value"].mean())
