"""The SAEs on a language model by the evaluations of the top-k paper, each beside what the same k numbers are worth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd

from analysis.figures.drawing import Drawing
from analysis.figures.html_table import framed, group
from analysis.figures.words import needed
from analysis.results.tables import Results

NEEDS = "delta_loss"
"""A measure that only experiments with `[language]` have; without it there is nothing to draw."""
KIND = "latents"
# measure, its head, how it is written, whether less is better
SHOWN = (
    ("l0", "L0", ".0f"),
    ("live_share", "live", ".2f"),
    ("normalised_mse", "normalised MSE", ".3f"),
    ("delta_loss", "Δ loss", ".3f"),
    ("delta_kl", "KL", ".3f"),
    ("recovered_mean", "recovered", ".2f"),
    ("compute_share", "compute left", ".2f"),
    ("probe_loss", "probe loss", ".3f"),
    ("pattern_f1", "pattern F1", ".2f"),
    ("ablation_sparsity", "effects", ".3f"),
)
MEANS = {
    "normalised_mse": "*Normalised MSE*: squared error over variance about the mean.",
    "delta_loss": "*Δ loss*: how many nats a token the model loses with reconstructions in place of its activations.",
    "delta_kl": "*KL*: how far its predictions move.",
    "recovered_mean": "*Recovered*: the share of what mean-ablation loses that does not get lost.",
    "compute_share": "*Compute left*: the share of the model's training compute at which its own loss was as high.",
    "probe_loss": "*Probe loss*: of the best single latent at telling a property of the token, mean over tasks, nats.",
    "pattern_f1": "*Pattern F1*: how well patterns of tokens foretell when a latent fires.",
    "ablation_sparsity": "*Effects*: the share of the next logits that taking a latent away changes.",
}
CONTROLS = {
    "pca": "principal components",
    "neurons": "neurons",
    "random_dictionary": "random directions",
    "matched_dictionary": "random mixtures",
    "single_tokens": "tokens without context",
    "random_direction": "random direction as long",
}


@dataclass(frozen=True)
class Line:
    """A row of the table: what it is called, and its numbers over seeds."""

    name: str
    values: dict[str, list[float]]

    def cell(self, measure: str, form: str) -> str:
        """Mean with the range over seeds; a dash where there is no number."""
        found = [value for value in self.values[measure] if not math.isnan(value)]
        if not found:
            return "<td>–</td>"
        low, high = format(min(found), form), format(max(found), form)
        between = f'<span class="between">{low}–{high}</span>' if low != high else ""
        return f"<td>{format(float(np.mean(found)), form)}{between}</td>"


def language_evaluations(results: Results) -> Drawing:
    """A row an SAE, behind them the random network's and what needs no SAE; cells are means over seeds."""
    own = [_line(results, variant, "none", variant or "the SAE") for variant in results.variants]
    there = [measure for measure, _, _ in SHOWN if any(line.values[measure] for line in own)]
    shown = [column for column in SHOWN if column[0] in there]
    losses = pd.DataFrame(
        [(line.name, value) for line in own for value in line.values[NEEDS]], columns=["sae", "value"]
    )
    needed(losses, "the loss with an SAE spliced in", results)
    first = results.variants[0]
    others = [_line(results, first, control, name) for control, name in CONTROLS.items()]
    others += [_line(results, variant, "random_host", f"{variant}, random network") for variant in results.variants]
    beside = [line for line in others if any(line.values[measure] for measure in there)]
    by_name = losses.groupby("sae", sort=False)["value"].mean()
    best = str(by_name.idxmin())
    least = float(by_name.min())
    title = f"{best} costs the model least: {least:.2f} nats a token"
    controls = [
        (line.name, float(np.mean(line.values["delta_loss"])))
        for line in beside
        if line.name in CONTROLS.values() and line.values[NEEDS]
    ]
    rivals = [name for name, value in controls if value <= by_name[own[0].name]]
    if controls:
        nearest = min(controls, key=lambda pair: pair[1])
        title += f"; of what needs no SAE {nearest[0]} come nearest, at {nearest[1]:.2f}"
    body = [_row(line, shown) for line in own]
    if beside:
        body += [
            group("for comparison, at the k of the first", len(shown) + 1),
            *(_row(line, shown) for line in beside),
        ]
    data = [
        (line.name, measure, value) for line in [*own, *beside] for measure in there for value in line.values[measure]
    ]
    return Drawing(
        kind="tbl",
        title=title,
        caption=" ".join(
            [
                "Held-out tokens; means over seeds with their range.",
                *(MEANS[name] for name in there if name in MEANS),
                "More is better where a share is recovered, compute is left, or a pattern foretells; else less.",
            ]
        ),
        alt=f"Table of SAEs on a language model with {len(shown)} evaluations, and controls. {title}."
        + (f" {len(rivals)} of the controls do as well as the first SAE." if rivals else ""),
        data=pd.DataFrame(data, columns=["what", "measure", "value"]),
        html=framed(
            f"Evaluations of SAEs, {results.experiment}",
            ["SAE", *(escape(head) for _, head, _ in shown)],
            body,
            "compared",
        ),
    )


def _line(results: Results, variant: str, control: str, name: str) -> Line:
    seen = results.of(variant)
    values = {}
    for measure, _, _ in SHOWN:
        found = seen.numbers(measure, KIND, 1, control=control) if measure in seen.measured else np.empty(0)
        values[measure] = [float(value) for value in found]
    return Line(name, values)


def _row(line: Line, shown: list[tuple[str, str, str]]) -> str:
    cells = "".join(line.cell(measure, form) for measure, _, form in shown)
    return f'<tr><th scope="row">{escape(line.name)}</th>{cells}</tr>'
