"""One latent of depth 2 that is the sum of two different things, found by a rule that the caption prints."""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape

import pandas as pd

from analysis.figures.drawing import Drawing
from analysis.figures.explorer_links import latent_address
from analysis.figures.image_sheets import Cut, cells, inline, spoken_counts
from analysis.figures.words import RANDOM, has_random, needs_labels, tower_depths
from analysis.results import latents
from analysis.results.findings import counted
from analysis.results.tables import Results
from sae.errors import DataError

KIND, DEPTH, IMAGES, PICTURE, VIEW = latents.KIND, 2, 9, 84, "mean"


@dataclass(frozen=True)
class Sum:
    """A latent with the two largest parts of its direction."""

    latent: int
    parents: tuple[int, int]
    weights: tuple[float, float]

    @property
    def balance(self) -> float:
        """How alike the two weights are: 1 where they are equal."""
        large, small = (abs(weight) for weight in self.weights)
        return small / large if large else 0.0


def memorable_latent(results: Results, *, set_name: str = "") -> Drawing:
    """The parents' images with their signs, and what they give; first seed."""
    needs_labels(results)
    if DEPTH not in tower_depths(results, KIND):
        raise DataError(f"{results.experiment} has no depth {DEPTH}, whose latents are made of others")
    cut = Cut(results)
    found, named = sums(results)
    if not found:
        return _none(named)
    best = found[0]
    names = [_name(results, DEPTH - 1, parent) for parent in best.parents]
    own = _name(results, DEPTH, best.latent)
    signs = ["" if best.weights[0] > 0 else "−", "+" if best.weights[1] > 0 else "−"]
    body = [
        _cell(results, cut, DEPTH - 1, parent, sign, f"× {abs(weight):.2f}", set_name)
        for parent, weight, sign in zip(best.parents, best.weights, signs, strict=True)
    ]
    body.append(_cell(results, cut, DEPTH, best.latent, "=", "", set_name))
    there, blocks = "", "".join(body)
    if has_random(results):
        others, of = sums(results, RANDOM)
        there = f" On the random network they are {counted(len(others), of)}."
    share = sum(weight**2 for weight in best.weights)
    word = "plus" if best.weights[1] > 0 else "minus"
    mean = ", and below them the mean training image, weighted by how strongly it fires" if _has(cut) else ""
    return Drawing(
        title=f"A latent that is a sum: {names[0]} {word} {names[1]} give {own}",
        caption=(
            f"The {IMAGES} held-out images that drive each latent most{mean}. Chosen by a rule: of the latents of "
            f"depth {DEPTH} that have a name and fire on ten images or more, those whose parents (the two largest "
            "parts of the direction, which has length 1) have names without a class or an attribute in common; of "
            f"these the one whose two weights are most alike. They make {share:.0%} of the squared length here. "
            f"Such sums are {counted(len(found), named)} named latents.{there} First seed."
        ),
        alt=(
            f"Three blocks of images: {names[0]} (weight {best.weights[0]:.2f}) {word} {names[1]} "
            f"(weight {abs(best.weights[1]):.2f}) give {own}."
        ),
        data=pd.DataFrame(
            [{"latent": one.latent, "parent": parent, "weight": weight, "name": _name(results, DEPTH - 1, parent)}
             for one in found for parent, weight in zip(one.parents, one.weights, strict=True)]
        ),
        html=f'<div class="depth-grid sum"><div class="grid-row"><div class="grid-cells">{blocks}</div></div></div>',
    )  # fmt: skip


def _none(named: int) -> Drawing:
    """Where the rule finds nothing: that is a finding, too, as in a run too short to name much."""
    title = f"No latent of depth {DEPTH} is the sum of two different things"
    return Drawing(
        title=title,
        caption=(
            f"Asked was for latents of depth {DEPTH} that have a name and fire on ten images or more, and whose two "
            "largest parts have names without a class or an attribute in common. Of the first seed's latents "
            f"{named} have a name and fire as often."
        ),
        alt=f"{title}: there are no images to show.",
        data=pd.DataFrame([{"named": named, "sums": 0}]),
        html='<div class="depth-grid sum"><div class="grid-row"><p>None was found.</p></div></div>',
    )


def sums(results: Results, control: str = "none") -> tuple[list[Sum], int]:
    """The latents that the rule allows, with the most alike weights first, and of how many named ones."""
    numbers = latents.wide(results, KIND, DEPTH, control)
    often = set(numbers.index[numbers["eligible_share"] == 1]) if "eligible_share" in numbers else set()
    own, below = (latents.names(results, KIND, depth, control) for depth in (DEPTH, DEPTH - 1))
    links = latents.of(results, "links", KIND, DEPTH, control)
    links = links[links["weight"].notna() & (links["weight"] != 0)]
    found, named = [], 0
    for latent, parts in links.groupby("latent"):
        number = int(str(latent))
        if number not in often or not bool(own["named"][number]):
            continue
        named += 1
        first = parts.reindex(parts["weight"].abs().sort_values(ascending=False, kind="stable").index).head(2)
        parents = [int(parent) for parent in first["below"]]
        if len(parents) == 2 and differ(*(below.loc[[parent]].iloc[0] for parent in parents)):
            one, other = (float(weight) for weight in first["weight"])
            found.append(Sum(number, (parents[0], parents[1]), (one, other)))
    return sorted(found, key=lambda one: (-one.balance, one.latent)), named


def differ(one: pd.Series, other: pd.Series) -> bool:
    """Whether two latents have names of classes, and none in common, nor an attribute."""
    if not (one["named"] and other["named"]):
        return False
    classes = [set(str(row["classes"]).split()) for row in (one, other)]
    attributes = [{condition[0] for condition in json.loads(str(row["conditions"]))} for row in (one, other)]
    return all(classes) and not classes[0] & classes[1] and not attributes[0] & attributes[1]


def _name(results: Results, depth: int, latent: int) -> str:
    return str(latents.names(results, KIND, depth)["name"][latent])


def _has(cut: Cut) -> bool:
    return all(cut.has(f"{VIEW}-{KIND}-{depth}-none") for depth in (DEPTH - 1, DEPTH))


def _cell(results: Results, cut: Cut, depth: int, latent: int, sign: str, weight: str, set_name: str) -> str:
    examples = latents.strongest(results, KIND, depth, "none", latent, IMAGES)["example"].tolist()
    says = f"depth {depth}, latent {latent}: {spoken_counts(results.sprite, examples)}"
    name = _name(results, depth, latent)
    mean = ""
    if _has(cut):
        picture = cut.cell(cut.sheet(f"{VIEW}-{KIND}-{depth}-none"), latent)
        mean = inline(picture, f"mean image of latent {latent} of depth {depth}", PICTURE)
    shown = f"{sign} {name} {weight}".strip()
    link = f'<a href="{latent_address(depth, latent, set_name)}">latent {latent}</a> of depth {depth}'
    return (
        f'<figure class="grid-cell" data-sign="{sign}" data-enlarge="{escape(says)}"><div class="digits'
        f'{f" {set_name}" if set_name else ""}" role="img" aria-label="{escape(says)}">'
        f"{cells(results.sprite, examples)}</div>{mean}<figcaption><b>{escape(shown)}</b><br>"
        f"{link}</figcaption></figure>"
    )
