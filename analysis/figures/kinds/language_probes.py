"""Question by question: how well the best single latent answers what people know of a token, beside the best neuron."""

from __future__ import annotations

import pandas as pd

from analysis.figures.drawing import Drawing
from analysis.figures.html_table import framed
from analysis.figures.words import needed
from analysis.results.measure_names import OF_QUESTIONS
from analysis.results.tables import Results

NEEDS = "probe_loss"
"""A measure that only experiments with `[language]` have; without it there is nothing to draw."""
SHOWN = {
    "activations": "whole row",
    "none": "best latent",
    "neurons": "best neuron",
    "random_dictionary": "best random direction",
    "permuted_labels": "shuffled answers",
}
# Beyond this a question is one that nothing here answers: a coin has .693.
ANSWERED = 0.6
NOT_ONE = ("probe_loss_5",)


def language_probes(results: Results, *, variant: str = "") -> Drawing:
    """A row a question that the whole row answers, easiest first; the better of latent and neuron in bold."""
    seen = results.of(variant) if variant else results
    rows = seen.measures[
        seen.measures["measure"].astype(str).str.startswith(OF_QUESTIONS) & (seen.measures["kind"] == "latents")
    ]
    rows = rows[~rows["measure"].isin(NOT_ONE)]
    needed(rows, "the loss of probes, question by question", results)
    data = rows.assign(question=rows["measure"].astype(str).str.removeprefix(OF_QUESTIONS))
    means = data.pivot_table(index="question", columns="control", values="value", observed=True)
    means = means[[name for name in SHOWN if name in means]]
    answered = means[means["activations"] < ANSWERED].sort_values("activations")
    left = len(means) - len(answered)
    latents = int((answered["none"] < answered["neurons"]).sum())
    body = []
    for question, line in answered.iterrows():
        best = min(line["none"], line["neurons"])
        cells = [
            f"<td>{f'<b>{value:.2f}</b>' if name in ('none', 'neurons') and value == best else f'{value:.2f}'}</td>"
            for name, value in line.items()
        ]
        body.append(f'<tr><th scope="row">{str(question).replace("_", " ")}</th>{"".join(cells)}</tr>')
    title = (
        f"The best latent answers better than the best neuron on {latents} of {len(answered)} questions, and never as "
        "well as the whole row"
        if (answered["none"] >= answered["activations"]).all()
        else f"The best latent answers better than the best neuron on {latents} of {len(answered)} questions"
    )
    return Drawing(
        kind="tbl",
        title=title,
        caption=(
            "Cross-entropy of a logistic probe, nats, on tokens of held-out documents, half of them with either "
            "answer: a coin has 0.69, less is better. *Whole row*: a probe on all numbers of a row. The others have "
            "one number, chosen on training documents: a latent, a neuron, one of as many random directions; last, "
            "the latent that wins where the answers were shuffled. Means over seeds. Left out: "
            f"{left} questions that not even the whole row answers ({ANSWERED} or more), such as most decades."
        ),
        alt=f"Table of {len(answered)} questions and the loss of probes. {title}.",
        data=pd.DataFrame(data[["question", "control", "run", "value"]]),
        html=framed("Probe loss by question", ["question", *(SHOWN[str(name)] for name in answered)], body, "compared"),
    )
