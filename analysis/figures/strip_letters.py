"""Letters at the ends of the grey lines of a strip of verdicts, and the key below that names them.

Names at the ends would need a third of a page's width, and all of a phone's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from string import ascii_lowercase

from analysis.figures.svg_words import width_of

SIZE, KEY_LINE = 12.0, 17.0
ASIDE, APART = 9.0, 12.0
"""How far a letter stands from its line's end, and from another letter."""
BETWEEN = 16.0
"""Two names of the key."""


@dataclass(frozen=True)
class Letter:
    """A letter beside the place where its line ends or leaves the picture, moved up or down where others stand."""

    text: str
    end: tuple[float, float]
    y: float

    def drawn(self) -> str:
        """On a ground of its own, so that lines behind it do not cross it."""
        x, y = self.end
        return (
            f'<path d="M{x:.1f} {y:.1f}L{x + ASIDE - 3:.1f} {self.y:.1f}" stroke="var(--c5)" stroke-opacity=".55" '
            f'stroke-width="1" pointer-events="none"></path><text x="{x + ASIDE:.1f}" y="{self.y + 4:.1f}" '
            f'font-size="{SIZE:g}" font-weight="600" fill="var(--ink)" stroke="var(--paper)" stroke-width="3" '
            f'paint-order="stroke">{self.text}</text>'
        )


def letters(
    lines: Mapping[str, Mapping[int, float]], x: Callable[[int], float], y: Callable[[float], float],
    domain: tuple[float, float],
) -> list[Letter]:  # fmt: skip
    """One for each line, by depth and value; `domain` is what the picture shows. Where lines end at one depth the
    letters keep their order, and stand apart."""
    low, high = domain
    ends = []
    for line in lines.values():
        seen = [depth for depth, value in line.items() if low <= value <= high] or [*line]
        depth = max(seen)
        ends.append((depth, y(min(max(line[depth], low), high))))
    placed = [height for _, height in ends]
    for here in {depth for depth, _ in ends}:
        order = sorted((number for number, end in enumerate(ends) if end[0] == here), key=lambda n: ends[n][1])
        for number, height in zip(order, _spread([ends[n][1] for n in order], y(high), y(low)), strict=True):
            placed[number] = height
    return [
        Letter(ascii_lowercase[number % 26], (x(depth), height), placed[number])
        for number, (depth, height) in enumerate(ends)
    ]


def _spread(heights: Sequence[float], top: float, bottom: float) -> list[float]:
    """Heights in their order, APART or more from each other, none above `top`; nor below `bottom` while they fit."""
    found: list[float] = []
    for height in heights:
        found.append(max(height, found[-1] + APART if found else top))
    least = bottom
    for number in reversed(range(len(found))):
        found[number] = max(min(found[number], least), top + number * APART)
        least = found[number] - APART
    return found


@dataclass(frozen=True)
class KeyLine:
    """Letters with the names of their lines, as many as fit beside each other."""

    named: tuple[tuple[str, str], ...]

    def drawn(self, x: float, y: float) -> str:
        """With its foot at `y`."""
        spans = "".join(
            f'<tspan dx="{BETWEEN if number else 0:g}" fill="var(--ink)" font-weight="600">{letter}</tspan>'
            f'<tspan dx="5">{escape(name)}</tspan>'
            for number, (letter, name) in enumerate(self.named)
        )
        return f'<text class="strip-key" x="{x:g}" y="{y:g}" font-size="{SIZE:g}" fill="var(--muted)">{spans}</text>'


def key_lines(names: Sequence[str], width: float) -> list[KeyLine]:
    """The key of lines in the order in which `letters` were given, within a width."""
    rows: list[list[tuple[str, str]]] = []
    used = 0.0
    for number, name in enumerate(names):
        wide = BETWEEN + width_of(f"m {name}", SIZE)
        if not rows or used + wide > width:
            rows.append([])
            used = 0.0
        rows[-1].append((ascii_lowercase[number % 26], name))
        used += wide
    return [KeyLine(tuple(row)) for row in rows]
