"""The picture of towers: bars as long as layers are wide, filled as far as they are on, and arrows of what is read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.figures.svg_words import LEADING, picture, words, wrapped

READS = {"tower on latents": "reads the activations", "tower on directions": "reads the directions"}
BAR, TEXT, GAP, SIZE = 16, 20, 22, 13.0
LEAST = 2
"""What is on is drawn so wide at least."""


@dataclass(frozen=True)
class Layer:
    """One box of the diagram."""

    depth: int
    """0: the network."""
    width: int
    """Neurons or latents; 0 where that is not known."""
    on: float
    """How many are on at once, mean; NaN where that was not measured."""

    def said(self, spell: bool = False) -> str:
        """`512 latents, 16 on`; spelled out also which depth."""
        what = "neurons" if self.depth == 0 else "latents"
        what = what.removesuffix("s") if self.width == 1 else what
        parts = [f"depth {self.depth}"] if spell and self.depth else []
        parts += [f"{self.width:,} {what}"] if self.width else []
        parts += [f"{_count(self.on)} on"] if math.isfinite(self.on) else []
        return ", ".join(parts) or "the network"


def towers(
    network: Layer, shared: Layer, above: Mapping[str, Sequence[Layer]], width: float, *, phone: bool
) -> str:  # fmt: skip
    """The picture, `width` units wide: the network at the bottom, the SAE that all share, a column for each tower."""
    above = {name: stack for name, stack in above.items() if stack}
    layers = [network, shared, *(layer for stack in above.values() for layer in stack)]
    column = width / max(len(above), 1)
    scale = min(column - 24, 280) / max(*(layer.width for layer in layers), 1)
    tall = max((len(stack) for stack in above.values()), default=0)
    step, first = BAR + TEXT + GAP, 46
    # from above: heads, towers, a longer arrow, the shared SAE, an arrow, the network
    top = 22 if above else 0
    base = top + tall * step + (first - GAP if above else 0)
    parts = []
    for place, (name, stack) in enumerate(above.items()):
        x = column * (place + 0.5)
        parts.append(words(name, x, 14, SIZE + 1, bold=True, anchor="middle"))
        for at, layer in enumerate(stack):
            y = base - (first - GAP) - (at + 1) * step
            parts += _bar(layer, x, y, scale, "c1")
            foot = y + BAR + TEXT
            if at:
                parts.append(_arrow(x, foot + GAP - 3, x, foot + 4))
            else:
                start = width / 2 + (0 if len(above) == 1 else (-26 if place == 0 else 26))
                parts.append(_arrow(start, base - 4, x, foot + 4))
                parts.append(_said(READS[name], x, start, foot, column, phone))
    parts += _bar(shared, width / 2, base, scale, "c3", "depth 1 of both" if len(above) > 1 else "depth 1")
    foot = base + BAR + TEXT
    parts.append(_arrow(width / 2, foot + 30, width / 2, foot + 4))
    parts.append(words("reads the activations", width / 2 + 10, foot + 21, 12, fill="muted"))
    parts += _bar(network, width / 2, foot + 34, scale, "c5", "the network")
    return picture(parts, width, foot + 34 + BAR + TEXT, "Diagram of the towers, from below", phone)


def _bar(layer: Layer, x: float, y: float, scale: float, colour: str, name: str = "") -> list[str]:
    """A layer around `x`, with its words under it; what is on is filled, from the left."""
    long = max(layer.width * scale, LEAST)
    on = min(max(layer.on * scale, LEAST), long) if math.isfinite(layer.on) else 0.0
    at = f'x="{x - long / 2:.1f}" y="{y:.1f}" height="{BAR}"'
    parts = [
        f'<rect {at} width="{long:.1f}" rx="2" fill="var(--{colour})" fill-opacity=".18"></rect>',
        f'<rect {at} width="{on:.1f}" rx="1" fill="var(--{colour})"></rect>',
    ]
    lead = name or f"depth {layer.depth}"
    lead = f"{lead}: " if layer.said() != lead else ""
    parts.append(words(f"{lead}{layer.said()}", x, y + BAR + 14, SIZE - (0 if name else 0.5), anchor="middle"))
    return parts


def _arrow(x: float, y: float, to_x: float, to_y: float) -> str:
    """A line upwards, round a corner where it leads to one side, with its head."""
    side = "" if x == to_x else f"V{y - 10:.1f}H{to_x:.1f}"
    head = f"M{to_x - 4.5:.1f} {to_y + 6:.1f}L{to_x:.1f} {to_y:.1f}L{to_x + 4.5:.1f} {to_y + 6:.1f}Z"
    return (
        f'<path d="M{x:.1f} {y:.1f}{side}V{to_y + 4:.1f}" stroke="var(--muted)" stroke-width="1.5" fill="none"></path>'
        f'<path d="{head}" fill="var(--muted)"></path>'
    )


def _said(text: str, x: float, start: float, foot: float, column: float, phone: bool) -> str:
    """What an arrow says: on its outer side, where there is room."""
    size = 12.0
    lines = wrapped(text, column / 2 - 12, size) if phone else [text]
    left = start > x
    y = foot + 18 - (len(lines) - 1) * size * LEADING / 2
    return words(lines, x - 8 if left else x + 8, y, size, fill="muted", anchor="end" if left else "start")


def _count(value: float) -> str:
    """`16`, `about 106`, `about 3.9`."""
    whole = round(value)
    if abs(value - whole) < 0.02:
        return str(whole)
    return f"about {value:.0f}" if value >= 10 else f"about {value:.1f}"
