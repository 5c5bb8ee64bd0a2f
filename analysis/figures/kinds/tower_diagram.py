"""A diagram of the towers of an experiment: what each depth reads, how many latents it has, and how many are on."""

from __future__ import annotations

import math

import pandas as pd

from analysis.figures.drawing import Drawing, mean_or_nan
from analysis.figures.tower_picture import Layer, towers
from analysis.figures.words import has_random, one_variant
from analysis.plan.config import KINDS
from analysis.results.tables import Results
from sae.errors import DataError

NAMES = {"latents": "tower on latents", "directions": "tower on directions"}


def tower_diagram(results: Results) -> Drawing:
    """Counts are those of the tables: the width of each SAE, and how many of its latents are on in a row of what it was
    trained on, mean over seeds."""
    one_variant(results)
    stacks = {kind: stack for kind in KINDS if (stack := _stack(results, kind))}
    if not stacks:
        raise DataError(f"{results.experiment} has no tower to draw")
    counted = results.values("live_share", "host", "train")["n"]
    network = Layer(0, int(counted.max()) if len(counted) else 0, mean_or_nan(results, "l0", "host", 0, split="train"))
    shared = next(iter(stacks.values()))[0]
    above = {NAMES[kind]: stack[1:] for kind, stack in stacks.items()}
    tall = {NAMES[kind]: len(stack) for kind, stack in stacks.items() if len(stack) > 1}
    if len(tall) > 1 and len(set(tall.values())) == 1:
        named = f"{' and '.join(f'a {name}' for name in tall)}, {max(tall.values())} depths each"
    else:
        named = " and ".join(f"a {name} of {depths} depths" for name, depths in tall.items())
    title = f"One SAE on the network, and on it {named}" if tall else "One SAE on the network, and nothing on it yet"
    layers = [("the network", network), ("SAE on the network", shared)]
    layers += [(name, layer) for name, stack in above.items() for layer in stack]
    data = pd.DataFrame([{"what": name, "depth": one.depth, "width": one.width, "on": one.on} for name, one in layers])
    pictures = "".join(towers(network, shared, above, width, phone=width < 400) for width in (640, 350))
    bars = "A bar is as long as there are neurons or latents, and filled as far as they are on at once, on average"
    twin = (
        "All of it was built once more on a random network: the same one, never trained." if has_random(results) else ""
    )
    return Drawing(
        title=title,
        caption=(
            f"{bars} over rows and seeds. Depth 1 describes the network's activations. "
            + ("On latents: each depth describes the activations of the latents below it. " if _tall(above, 0) else "")
            + ("On directions: it describes the directions that latents below it add. " if _tall(above, 1) else "")
            + twin
        ).strip(),
        alt="Diagram, from below: " + "; ".join(f"{name}, {one.said(spell=True)}" for name, one in layers) + ".",
        data=data,
        html=f'<div class="towers">{pictures}</div>',
    )


def _tall(above: dict[str, list[Layer]], which: int) -> bool:
    """Whether there is a tower of that kind with more than the depth that all share."""
    return bool(above.get([*NAMES.values()][which]))


def _stack(results: Results, kind: str) -> list[Layer]:
    rows = results.trained(kind)
    widths = rows.groupby("depth")["width"].max()
    return [
        Layer(int(str(depth)), int(width), mean_or_nan(results, "l0", kind, int(str(depth)), split="train"))
        for depth, width in widths.items()
        if not math.isnan(width)
    ]
