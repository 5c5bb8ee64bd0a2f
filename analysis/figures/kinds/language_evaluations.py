"""The SAEs on a language model by what their copies cost it, each beside what the same k numbers are worth."""

from __future__ import annotations

from analysis.figures.drawing import Drawing
from analysis.figures.language_lines import Column, lines
from analysis.figures.words import needed
from analysis.results.tables import Results

NEEDS = "delta_loss"
"""A measure that only experiments with `[language]` have; without it there is nothing to draw."""
COLUMNS = (
    Column("l0", "L0", ".0f"),
    Column("live_share", "live", ".2f"),
    Column("normalised_mse", "normalised MSE", ".3f"),
    Column("delta_loss", "Δ loss", ".3f"),
    Column("delta_kl", "KL", ".3f"),
    Column("recovered_mean", "recovered", ".2f"),
    Column("compute_share", "compute left", ".2f"),
)
MEANS = {
    "normalised_mse": "*Normalised MSE*: squared error over variance about the mean.",
    "delta_loss": "*Δ loss*: how many nats a token the model loses with reconstructions in place of its activations.",
    "delta_kl": "*KL*: how far its predictions move.",
    "recovered_mean": "*Recovered*: the share of what mean-ablation loses that does not get lost.",
    "compute_share": "*Compute left*: the share of the model's training compute at which its own loss was as high.",
}


def language_evaluations(results: Results) -> Drawing:
    """A row an SAE, behind them what needs no SAE and the random network's; cells are means over seeds."""
    found = lines(results, COLUMNS)
    needed(found.data().query("measure == @NEEDS"), "the loss with an SAE spliced in", results)
    costs = {line.name: line.mean(NEEDS) for line in found.own if line.values[NEEDS]}
    best = min(costs, key=lambda name: costs[name])
    title = f"{best[:1].upper()}{best[1:]} costs the model least: {costs[best]:.2f} nats a token"
    controls = {line.name: line.mean(NEEDS) for line in found.controls if line.values[NEEDS]}
    if controls:
        nearest = min(controls, key=lambda name: controls[name])
        title += f"; of what needs no SAE {nearest} come nearest, at {controls[nearest]:.2f}"
    first = next(iter(costs.values()))
    rivals = sum(value <= first for value in controls.values())
    return Drawing(
        kind="tbl",
        title=title,
        caption=" ".join(
            [
                "Held-out tokens; means over seeds with their range.",
                *(MEANS[column.measure] for column in found.columns if column.measure in MEANS),
                "More is better where a share is recovered or compute is left; else less.",
            ]
        ),
        alt=f"Table of SAEs on a language model with {len(found.columns)} evaluations, and controls. {title}."
        + (f" {rivals} of the controls do as well as the first SAE." if rivals else ""),
        data=found.data(),
        html=found.html(f"Evaluations of SAEs, {results.experiment}"),
    )
