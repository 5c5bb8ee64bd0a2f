"""Small pieces of SVG that are written by hand: words on several lines, and the picture around them.

A picture that has words is drawn twice, for a wide page and for a phone: one that shrinks has words nobody can read.
Colours are the theme's variables, so that it follows the reader's theme; a post gets the wide one, in light colours.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from analysis.figures.style import FONT

# The mean width of a letter, as a share of its size: of sans serif faces, rather too wide than too narrow.
LETTER, BOLD = 0.56, 0.62
LEADING = 1.3
PHONE = "for-phones"
"""The class of a picture that stands in for another one on a phone."""


def width_of(text: str, size: float, bold: bool = False) -> float:
    """About how wide a text is."""
    return len(text) * size * (BOLD if bold else LETTER)


def wrapped(text: str, width: float, size: float, bold: bool = False) -> list[str]:
    """The text in lines of about that width; a word that is wider stands by itself."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and width_of(longer, size, bold) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def words(
    lines: str | Sequence[str], x: float, y: float, size: float = 13, *, fill: str = "ink", bold: bool = False,
    anchor: str = "start", names: str = "",
) -> str:  # fmt: skip
    """Lines under one another, the first with its foot at `y`; `names` are classes."""
    given = [lines] if isinstance(lines, str) else lines
    look = f'font-size="{size:g}" fill="var(--{fill})"' + (' font-weight="600"' if bold else "")
    look += f' text-anchor="{anchor}"' if anchor != "start" else ""
    look += f' class="{names}"' if names else ""
    spans = "".join(
        f'<tspan x="{x:g}" y="{y + number * size * LEADING:g}">{escape(line)}</tspan>'
        for number, line in enumerate(given)
    )
    return f"<text {look}>{spans}</text>"


def picture(parts: Sequence[str], width: float, height: float, label: str, phone: bool) -> str:
    """The whole, as wide as the page lets it be and no wider than twelve tenths of `width`."""
    names = PHONE if phone else "for-pages"
    return (
        f'<svg class="{names}" viewBox="0 0 {width:g} {height:g}" role="group" aria-label="{escape(label)}" '
        f'font-family="{escape(FONT)}" style="max-width:{1.2 * width:g}px">{"".join(parts)}</svg>'
    )
