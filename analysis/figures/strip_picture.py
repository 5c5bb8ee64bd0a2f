"""The picture of a strip of verdicts: boxes, a line with its band, zero, and grey lines with letters, named below."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from analysis.figures.strip_letters import KEY_LINE, key_lines, letters
from analysis.figures.svg_words import LEADING, picture, width_of, words, wrapped

COLOURS = {"structure": "c3", "copy": "c6", "collapse": "c2", "floor": "c5", "undecided": "muted"}
"""As words have them in tables (theme.css)."""
GAP, PAD, LEFT = 6, 8, 44
PLOT, FOOT, READ = 150, 22, 22
KEY_AT = 0
"""From where the names of the grey lines are written."""
ACROSS, ACROSS_PHONE = 6, 3
"""Boxes in a row, at most."""


@dataclass(frozen=True)
class Depth:
    """What is said of one depth."""

    depth: int
    word: str
    floor: str
    """The nearest floor's name; empty where none was measured."""
    mean: float
    """Distance to it, share of variance; NaN where it was not measured, as beyond where a tower stopped."""
    low: float
    high: float

    @staticmethod
    def domain(depths: Sequence[Depth]) -> tuple[float, float]:
        """From where to where the line's axis goes: zero and all intervals, with room for what lies around."""
        ends = [end for one in depths for end in (one.mean, one.low, one.high) if math.isfinite(end)]
        low, high = min([0.0, *ends]), max([0.0, *ends])
        room = 0.3 * (high - low) or 0.01
        return low - room / 2, high + room


def signed(value: float) -> str:
    """Three decimals with a sign, a true minus."""
    return f"{value:+.3f}".replace("-", "−")


def strip(
    depths: Sequence[Depth], floors: Mapping[str, Mapping[int, float]], width: float, *, phone: bool, of: str = ""
) -> str:
    """The picture, `width` units wide; `floors` are distances by the floor's name and depth. `of` tells strips apart
    that say the same."""
    across = min(len(depths), ACROSS_PHONE if phone else ACROSS)
    # where all boxes stand in one row each stands above its point
    start = LEFT if len(depths) <= across else 0
    boxes, foot = _boxes(depths, width - start, across)
    parts = [f'<g transform="translate({start:g} 0)">{boxes}</g>']
    top = foot + READ
    inside = {name: line for name, line in floors.items() if any(v < Depth.domain(depths)[1] for v in line.values())}
    parts += _plot(depths, inside, width, top, of)
    key = key_lines(list(inside), width - KEY_AT)
    parts += [line.drawn(KEY_AT, top + PLOT + FOOT + (row + 1) * KEY_LINE) for row, line in enumerate(key)]
    label = "; ".join(f"Depth {one.depth}: {one.word}" for one in depths)
    return picture(parts, width, top + PLOT + FOOT + len(key) * KEY_LINE + 4 * bool(key), label, phone)


def _boxes(depths: Sequence[Depth], width: float, across: int) -> tuple[str, float]:
    """The boxes, and where they end."""
    wide = (width - GAP * (across - 1)) / across
    small, word, y = 11.5, 15.0, 0.0
    while width_of("undecided", word, bold=True) > wide - PAD and word > small:
        word -= 0.5
    made = []
    for row in range(0, len(depths), across):
        here = depths[row : row + across]
        names = [wrapped(_from(one), wide - PAD, small) for one in here]
        high = 68 + max(map(len, names)) * small * LEADING
        for place, (one, lines) in enumerate(zip(here, names, strict=True)):
            x = place * (wide + GAP)
            colour = COLOURS[one.word]
            dashed = ' stroke-dasharray="4 3"' if one.word == "undecided" else ""
            distance = "–" if math.isnan(one.mean) else signed(one.mean)
            made.append(
                f'<rect x="{x + 1:g}" y="{y + 1:g}" width="{wide - 2:g}" height="{high:g}" rx="6" '
                f'fill="var(--{colour})" fill-opacity=".09" stroke="var(--{colour})" stroke-width="1.5"{dashed}></rect>'
                + words(f"depth {one.depth}", x + wide / 2, y + 17, small, fill="muted", anchor="middle")
                + words(one.word, x + wide / 2, y + 36, word, fill=_ink(colour), bold=True, anchor="middle")
                + words(distance, x + wide / 2, y + 56, 13, anchor="middle")
                + words(lines, x + wide / 2, y + 72, small, fill="muted", anchor="middle")
            )
        y += high + GAP + 2
    return "".join(made), y


def _from(one: Depth) -> str:
    return f"from {one.floor}" if one.floor else "no floor measured"


def _ink(colour: str) -> str:
    return "ink" if colour in ("c5", "muted") else colour


def _plot(
    depths: Sequence[Depth], floors: Mapping[str, Mapping[int, float]], width: float, top: float, of: str
) -> list[str]:
    size = 12.0
    low, high = Depth.domain(depths)
    wide = (width - LEFT) / len(depths)

    def x(depth: int) -> float:
        return LEFT + (depth - depths[0].depth + 0.5) * wide

    def y(value: float) -> float:
        return top + PLOT * (high - value) / (high - low)

    # of all that is drawn: a page may have several strips, and an id stands once
    clip = "strip-" + hashlib.sha256(repr((of, width, depths, floors)).encode()).hexdigest()[:8]
    box = f'x="{LEFT}" y="{top:g}" width="{width - LEFT:g}" height="{PLOT}"'
    parts = [f'<clipPath id="{clip}"><rect {box}></rect></clipPath>']
    for tick in _ticks(low, high):
        parts.append(
            f'<line x1="{LEFT}" x2="{width:g}" y1="{y(tick):.1f}" y2="{y(tick):.1f}" '
            f'stroke="var(--{"ink" if tick == 0 else "line"})" stroke-width="{1.4 if tick == 0 else 1}"></line>'
            + words(
                f"{tick:+g}".replace("-", "−") if tick else "0", LEFT - 6, y(tick) + 4, size, fill="muted", anchor="end"
            )
        )
    marks = letters(floors, x, y, (low, high))
    parts += [
        _floor(name, line, x, y, clip, top, mark.drawn())
        for (name, line), mark in zip(floors.items(), marks, strict=True)
    ]
    known = [one for one in depths if math.isfinite(one.mean)]
    for run in _runs([one for one in known if math.isfinite(one.low)]):
        edge = [(x(one.depth), y(one.high)) for one in run] + [(x(one.depth), y(one.low)) for one in reversed(run)]
        parts.append(f'<path d="{_path(edge)}Z" fill="var(--c1)" fill-opacity=".18" pointer-events="none"></path>')
    for run in _runs(known):
        line = [(x(one.depth), y(one.mean)) for one in run]
        parts.append(
            f'<path d="{_path(line)}" fill="none" stroke="var(--c1)" stroke-width="2.4" pointer-events="none"></path>'
        )
    for one in known:
        at = f'cx="{x(one.depth):.1f}" cy="{y(one.mean):.1f}"'
        parts.append(
            f'<circle {at} r="4.5" fill="var(--{COLOURS[one.word]})" stroke="var(--paper)" stroke-width="1.5"></circle>'
        )
    parts += [
        words(str(one.depth), x(one.depth), top + PLOT + 16, size, fill="muted", anchor="middle") for one in depths
    ]
    parts.append(words("depth", 0, top + PLOT + 16, size, fill="muted"))
    parts.append(
        words("distance to the nearest floor, share of variance", 0, top - 8, size, fill="muted", names="strip-axis")
    )
    return parts


def _floor(
    name: str, line: Mapping[int, float], x: Callable[[int], float], y: Callable[[float], float], clip: str, top: float,
    letter: str,
) -> str:  # fmt: skip
    """A grey line with its letter, which says its name and numbers when it is pointed at or has the focus."""
    known = {depth: value for depth, value in sorted(line.items()) if math.isfinite(value)}
    path = _path([(x(depth), y(value)) for depth, value in known.items()])
    if len(known) == 1:  # a line of one point is not drawn
        path += "h.01"
    said = f"{name}: " + ", ".join(f"{signed(value)} at depth {depth}" for depth, value in known.items())
    shown = words(f"from {name}", 0, top - 8, 12, bold=True)
    return (
        f'<g class="strip-floor" tabindex="0" role="img" aria-label="{escape(said)}"><g clip-path="url(#{clip})">'
        f'<path d="{path}" fill="none" stroke="transparent" stroke-width="8" pointer-events="stroke"></path>'
        f'<path class="seen" d="{path}" fill="none" stroke="var(--c5)" stroke-opacity=".55" stroke-width="1.3" '
        f'stroke-linecap="round"></path></g>{letter}<g class="strip-name" visibility="hidden">{shown}</g></g>'
    )


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _runs(depths: Sequence[Depth]) -> list[list[Depth]]:
    """Neighbours together: over a depth without a number no line is drawn."""
    runs: list[list[Depth]] = []
    for one in depths:
        if runs and runs[-1][-1].depth == one.depth - 1:
            runs[-1].append(one)
        else:
            runs.append([one])
    return runs


def _ticks(low: float, high: float) -> list[float]:
    """Four to eight round numbers, zero among them."""
    rough = (high - low) / 5
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * times for times in (1, 2, 5, 10) if unit * times >= rough)
    return [round(step * at, 10) for at in range(math.ceil(low / step), math.floor(high / step) + 1)]
