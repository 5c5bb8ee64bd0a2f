"""One row a depth, columns are latents, each cell the held-out images that drive a latent most."""

from __future__ import annotations

import pandas as pd

from analysis.figures.drawing import Drawing, mean_or_nan, spoken
from analysis.figures.explorer_links import latent_address
from analysis.figures.image_sheets import cells, spoken_counts
from analysis.figures.words import (
    RANDOM,
    has_random,
    judged,
    needs_labels,
    no_random,
    opened,
    seeds,
    seeds_of,
    tower_depths,
    versus,
)  # fmt: skip
from analysis.results.findings import UNDECIDED, Comparison, by_run, compare
from analysis.results.latents import evenly, strongest
from analysis.results.tables import Results

COLUMNS = 6
IMAGES = 9
GLOSSES = {1: "SAE on the network", 2: "SAE on the latents of depth 1", 3: "SAE on depth 2"}


def rows_of(results: Results) -> list[tuple[str, int, str, str, str]]:
    """Kind, depth, control, name and gloss of each row: neurons, every depth, and the last one on a random host."""
    depths = tower_depths(results, "latents")
    rows = [("host", 0, "none", "Neurons", "the network's own, for comparison")]
    rows += [("latents", d, "none", f"Depth {d}", GLOSSES.get(d, f"SAE on depth {d - 1}")) for d in depths]
    last = max(depths)
    if has_random(results):
        rows.append(("latents", last, RANDOM, f"Depth {last}, random", "the same tower on a random network"))
    return rows


def depth_grid(results: Results) -> Drawing:
    """Grid of the latents tower, first seed. The latents are not picked by eye: see `evenly`."""
    needs_labels(results)
    body, data = [], []
    last = max(tower_depths(results, "latents"))

    for kind, depth, control, name, gloss in rows_of(results):
        chosen = evenly(results, kind, depth, control, COLUMNS)
        if chosen.empty:
            body.append(
                f'<div class="grid-row"><div class="grid-head"><b>{name}</b></div>'
                "<p>No latent fires ten times or more here.</p></div>"
            )
            continue
        figures = []
        for rank, row in chosen.iterrows():
            top = strongest(results, kind, depth, control, int(row["latent"]), IMAGES)
            examples = top["example"].tolist()
            word = "neuron" if kind == "host" else "latent"
            says = f"{name}, {word} {int(row['latent'])}: {spoken_counts(results.sprite, examples)}"
            label = f"{word} {int(row['latent'])}"
            if control == "none":  # the explorer shows no single latents of the random network beside them
                label = f'<a href="{latent_address(depth, int(row["latent"]))}">{label}</a>'
            figures.append(
                f'<figure class="grid-cell" data-enlarge="{says}"><div class="digits" role="img" aria-label="{says}">'
                f"{cells(results.sprite, examples)}</div>"
                f"<figcaption>{label}<br><b>{row['share']:.0%}</b></figcaption></figure>"
            )
            data.append(top.assign(column=int(str(rank)), top_class_share=row["share"]))
        body.append(
            f'<div class="grid-row"><div class="grid-head"><b>{name}</b><br><span>{gloss}</span></div>'
            f'<div class="grid-cells">{"".join(figures)}</div></div>'
        )
    title, compared = _finding(results, last)
    return Drawing(
        title=title,
        caption=(
            f"Each cell shows the {IMAGES} held-out images that drive one latent most, strongest first. The columns "
            f"are not picked by eye: of the latents of a row that fire on ten held-out images or more, {COLUMNS} are "
            "taken at even steps from the least to the most class-selective. The percentage is the share of a latent's "
            "whole activation that falls on its strongest class: it can be low where the top images all agree, because "
            "top images hide the rest of the range. [Press a cell to enlarge it; its number leads to the "
            "explorer.]{.page-only} Cells are of the first seed, the numbers of the title means over "
            f"{seeds(seeds_of(results))}.{no_random(results)}{judged(*compared)}"
        ),
        alt=(f"Grid of images, {len(body)} rows by {COLUMNS} columns: neurons, then a row for each depth. {title}."),
        data=pd.concat(data).reset_index(drop=True) if data else pd.DataFrame(),
        html=f'<div class="depth-grid">{"".join(body)}</div>',
    )


def _finding(results: Results, last: int) -> tuple[str, list[Comparison]]:
    """Whether the strongest class takes more of a latent's activation at the last depth: than of a neuron's, and than
    at depth 1 where there are no neurons; beside the random network."""
    measure, kind = "top_class_share", "latents"

    def purity(kind: str, depth: int, control: str = "none") -> str:
        return spoken(mean_or_nan(results, measure, kind, depth, control), percent=True)

    own = by_run(results, measure, kind, last)
    neurons = compare(own, by_run(results, measure, "host", 0))
    random, untrained = by_run(results, measure, kind, last, RANDOM), by_run(results, measure, "host", 0, RANDOM)
    there, beside = compare(random, untrained), compare(own, random)
    if purity(kind, last) == "undefined":
        return f"No latent of depth {last} fires often enough to say which class it prefers", []
    said = f"takes {purity(kind, last)} of a latent's activation at depth {last}" + versus(
        beside, f"on the random network ({purity(kind, last, RANDOM)})"
    )
    if not neurons:
        return f"The strongest class {said}", [beside]
    who = "latents" if last == 1 else "deeper latents"
    lead = neurons.choose(
        higher=f"{opened(who)} are purer", lower=f"{opened(who)} are less pure",
        equal=f"{opened(who)} are about as pure as neurons",
        undecided=f"Whether {who} are purer than neurons is undecided",
    )  # fmt: skip
    too = ", and on a random network too" if neurons.word == there.word and neurons.word != UNDECIDED else ""
    return (
        f"{lead}{too}: their strongest class {said}, {purity('host', 0)} of a neuron's",
        [neurons, there, beside],
    )
