"""Lineages: for each class one latent of the last depth, and below it always the part with the largest weight."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape

import pandas as pd

from analysis.figures.drawing import Drawing, spoken
from analysis.figures.explorer_links import latent_address
from analysis.figures.image_sheets import Cut, cells, inline, spoken_counts
from analysis.figures.words import needs_labels
from analysis.results import latents
from analysis.results.latent_names import named
from analysis.results.tables import Results
from sae.errors import DataError

# In a cell three images and the made one are seen, all of them once it is enlarged: theme.css.
IMAGES, ACROSS, PICTURE, SEEN = 9, 10, 42, 3
# A direction has length 1: a part with this weight has seven tenths of it, one with the second half of it.
ALMOST, MOSTLY = 0.85, 0.71
# The sheet of pictures whose cell stands beside the images.
VIEW = "optimised"


@dataclass(frozen=True)
class Step:
    """One latent of a lineage."""

    kind: str
    depth: int
    control: str
    latent: int
    how: str
    """How it was found from the one above, for the caption of its cell."""


def best(results: Results, kind: str, depth: int, class_number: int, control: str = "none") -> Step | None:
    """The latent with the largest F1 for a class, if it passes shuffled labels."""
    wide = latents.wide(results, kind, depth, control)
    if "f1" not in wide or "class_q" not in wide:
        return None
    own = wide[(wide["detector_class"] == class_number) & (wide["class_q"] <= latents.SIGNIFICANT)]
    if own.empty:
        return None
    latent = int(str(own["f1"].idxmax()))
    return Step(kind, depth, control, latent, f"F1 {own['f1'].max():.2f}")


def lineage(results: Results, class_number: int) -> list[Step | None]:
    """From the last depth down to a neuron; None in the place of what is not there."""
    depths = [depth for _, depth in latents.places(results)[1:]]
    steps: list[Step | None] = [best(results, latents.KIND, depths[-1], class_number)]
    for depth in reversed(depths[:-1]):
        above = steps[-1]
        made = latents.parts(results, depth + 1).get(above.latent) if above else None
        steps.append(None if made is None else _below(made, "below", depth, latents.KIND, "weight"))
    last = steps[-1]
    related = latents.relations(results, latents.KIND, depths[0]).get(last.latent) if last else None
    active = None if related is None else related[related["relation"] == "coactive"]
    found = active is not None and len(active)
    steps.append(_below(active.astype({"other": int}), "other", 0, "host", "value") if found else None)  # type: ignore[union-attr]  # `found` says that it is there
    return steps


def _below(rows: pd.DataFrame, column: str, depth: int, kind: str, value: str) -> Step:
    top = rows.iloc[0]
    word = "weight" if value == "weight" else "correlation"
    return Step(kind, depth, "none", int(top[column]), f"{word} {top[value]:.2f}")


def lineages(results: Results, *, noun: str = "images", set_name: str = "") -> Drawing:
    """A block for every ten classes; in it a row a depth, deepest first, and last the random network's best latent."""
    needs_labels(results)
    names = results.sprite["class_names"]
    depths = [depth for _, depth in latents.places(results)[1:]]
    if not depths:
        raise DataError(f"{results.experiment} has no latents tower whose latents were looked at in its first seed")
    columns = {number: lineage(results, number) for number in range(len(names))}
    last = depths[-1]
    rows = [(f"Depth {d}", "" if d > 1 else "SAE on the network") for d in reversed(depths)]
    rows += [("Neurons", "the network's own")]
    untrained = not latents.names(results, latents.KIND, last, "random_host").empty
    if untrained:
        rows += [(f"Depth {last}, random", "the same tower on a random network")]
    cut, body, data = Cut(results), [], []
    for start in range(0, len(names), ACROSS):
        block = list(range(start, min(start + ACROSS, len(names))))
        heads = "".join(f"<b>{escape(names[number])}</b>" for number in block)
        body.append(
            '<div class="lineage-block" tabindex="0" role="region" '
            f'aria-label="Lineages of {escape(", ".join(names[number] for number in block))}">'
            f'<div class="grid-row lineage-heads"><div class="grid-head"><span>best detector of</span></div>'
            f'<div class="grid-cells lineage">{heads}</div></div>'
        )
        for place, (name, gloss) in enumerate(rows):
            figures = []
            for number in block:
                random = place == len(depths) + 1
                step = best(results, latents.KIND, last, number, "random_host") if random else columns[number][place]
                figures.append(cell(results, cut, step, names[number], noun, set_name))
                if step:
                    data.append({"class": names[number], "row": name, "latent": step.latent, "found_by": step.how})
            body.append(
                f'<div class="grid-row"><div class="grid-head"><b>{escape(name)}</b><br><span>{gloss}</span></div>'
                f'<div class="grid-cells lineage">{"".join(figures)}</div></div>'
            )
        body.append("</div>")
    whole = [number for number, steps in columns.items() if all(steps)]
    through = "the only depth" if len(depths) == 1 else f"all {len(depths)} depths"
    found = f"{len(whole)} of {len(names)} classes have a lineage through {through}"
    return Drawing(
        title=title(results, last) or found,
        caption=(
            f"A column is a lineage: at the top the latent of depth {last} that best detects a class, by F1 on the "
            "very images that are shown (so it is a little lucky); under it always the part of it with the largest "
            "weight, at the bottom the neuron whose activation goes with the latent of depth 1. "
            + ("The last row is the best detector of the same class on a random network. " if untrained else "")
            + f"In each cell the {SEEN} held-out {noun} that drive the latent most, with a bar for how strongly"
            + (", and in the frame the image optimised for it" if results.pictures() else "")
            + f"; press a cell, and it shows {IMAGES} of them, larger. "
            + (
                f"*Weight*: of 1; from {ALMOST:g} on it is almost the whole latent, from {MOSTLY:g} on most of it. "
                if last > 1
                else ""
            )
            + "*Unnamed*: no rule predicts well enough when it fires; behind the colon the classes that its activation "
            "falls on. [Press a cell to enlarge it.]{.page-only} First seed."
        ),
        alt=f"Grid of images: {found}.",
        data=pd.DataFrame(data) if data else pd.DataFrame({"class": names, "row": "none", "latent": -1}),
        html=f'<div class="depth-grid">{"".join(body)}</div>',
    )


def title(results: Results, last: int) -> str:
    """How much of a latent is its largest part; empty where that is not known, as at depth 1."""
    own, random = (largest_part(results, last, control) for control in ("none", "random_host"))
    if math.isnan(own):
        return ""
    is_what = "almost one latent" if own >= ALMOST else "mostly one latent" if own >= MOSTLY else "a mix of latents"
    there = "" if math.isnan(random) else f", on a random network {spoken(random)}"
    return f"The median live latent of depth {last} is {is_what} of the depth below: weight {spoken(own)} of 1{there}"


def largest_part(results: Results, depth: int, control: str = "none") -> float:
    """Median over live latents of the largest weight; directions of dead latents are those of the start.

    NaN where no latent fires or is made of others.
    """
    numbers = latents.wide(results, latents.KIND, depth, control)
    made = latents.of(results, "links", latents.KIND, depth, control)
    if "firing_rate" not in numbers or made.empty:
        return math.nan
    live = made["latent"].isin(numbers.index[numbers["firing_rate"] > 0])
    return float(made[live].groupby("latent")["weight"].max().median())


def called(results: Results, step: Step) -> str:
    """The latent's name; for one that has none also the classes that its activation falls on."""
    row = latents.names(results, step.kind, step.depth, step.control).loc[step.latent]
    if row["named"]:
        return str(row["name"])
    numbers = latents.wide(results, step.kind, step.depth, step.control).loc[[step.latent]].iloc[0]
    shares = numbers[numbers.index.str.startswith("class_share_")]
    shares.index = shares.index.str.removeprefix("class_share_").astype(int)
    return f"{row['name']}: {named(shares.dropna(), results.sprite['class_names'])}"


def cell(results: Results, cut: Cut, step: Step | None, wanted: str, noun: str, set_name: str) -> str:
    """One latent: its images with their activation, its picture, its name, the way to the explorer."""
    if step is None:
        return f'<figure class="grid-cell empty"><p>no detector of {escape(wanted)} here</p></figure>'
    bands = latents.images(results, step.kind, step.depth, step.control).get(step.latent)
    word = "neuron" if step.kind == "host" else "latent"
    label = f"{word} {step.latent}"
    if bands is None or 0 not in bands:
        return f'<figure class="grid-cell empty"><p>{label}: silent on held-out {noun}</p></figure>'
    top = bands[0].head(IMAGES)
    drives = (top["activation"] / top["activation"].max()).tolist()
    examples = top["example"].tolist()
    name = called(results, step)
    says = f"depth {step.depth}, {label}: {spoken_counts(results.sprite, examples)}"
    view, picture = f"{VIEW}-{step.kind}-{step.depth}-{step.control}", ""
    if cut.has(view):
        optimised = cut.cell(cut.sheet(view), step.latent)
        picture = inline(optimised, f"image optimised for {label} of depth {step.depth}", PICTURE)
    address = latent_address(step.depth, step.latent, set_name)
    link = label if step.control != "none" else f'<a href="{address}">{label}</a>'
    sprite = results.sprite
    tall = "" if sprite["height"] == sprite["width"] else f' style="--r:{sprite["height"] / sprite["width"]:.4g}"'
    return (
        f'<figure class="grid-cell" data-enlarge="{escape(says)}"{tall}>'
        f'<div class="digits driven{f" {set_name}" if set_name else ""}" role="img" aria-label="{says}">'
        f"{cells(results.sprite, examples, drives)}</div>{picture}"
        f"<figcaption>{link}<br><b>{escape(name)}</b><br>{step.how}</figcaption></figure>"
    )
