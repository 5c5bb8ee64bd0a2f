"""Pictures put together out of pictures and words, at twice the size of the page: small helpers on Pillow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFont

from analysis.figures.style import ROLES

# Everything is drawn in device pixels, two to one pixel of the page.
SCALE = 2
SMALL, NORMAL = 23, 25


@dataclass(frozen=True)
class Line:
    """A line of words in a picture; wrapped where it is too long."""

    text: str
    bold: bool = False
    muted: bool = False
    size: int = SMALL


@cache
def font(bold: bool, size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with Matplotlib: the same words on every machine."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name, size)


def wrapped(line: Line, width: int) -> list[str]:
    """The words of a line on as many lines as they need in `width` pixels."""
    face = font(line.bold, line.size)
    rows, row = [], ""
    for word in line.text.replace("× ", "×\xa0").split(" "):  # a sign stays with its number
        longer = f"{row} {word}".strip()
        if row and face.getlength(longer) > width:
            rows.append(row)
            longer = word
        row = longer
    return [*rows, row] if row else rows


def words(lines: Sequence[Line], width: int) -> Image.Image:
    """Lines under one another, `width` pixels wide."""
    rows = [(line, text) for line in lines for text in wrapped(line, width)]
    height = sum(_leading(line) for line, _ in rows)
    made = Image.new("RGB", (width, max(height, 1)), "white")
    pen, y = ImageDraw.Draw(made), 0
    for line, text in rows:
        pen.text((0, y), text, ROLES["muted" if line.muted else "ink"], font(line.bold, line.size))
        y += _leading(line)
    return made


def _leading(line: Line) -> int:
    return round(line.size * 1.32)


def beside(pictures: Sequence[Image.Image], gap: int) -> Image.Image:
    """Pictures in a row, aligned at the top."""
    width = sum(picture.width for picture in pictures) + gap * max(len(pictures) - 1, 0)
    made = Image.new("RGB", (max(width, 1), max((p.height for p in pictures), default=1)), "white")
    x = 0
    for picture in pictures:
        made.paste(picture, (x, 0))
        x += picture.width + gap
    return made


def below(pictures: Sequence[Image.Image], gap: int, ruled: bool = False) -> Image.Image:
    """Pictures in a column, aligned at the left; `ruled` draws a line in each gap."""
    height = sum(picture.height for picture in pictures) + gap * max(len(pictures) - 1, 0)
    made = Image.new("RGB", (max((p.width for p in pictures), default=1), max(height, 1)), "white")
    pen, y = ImageDraw.Draw(made), 0
    for place, picture in enumerate(pictures):
        if ruled and place:
            pen.line((0, y - gap // 2, made.width, y - gap // 2), ROLES["line"], SCALE)
        made.paste(picture, (0, y))
        y += picture.height + gap
    return made


def framed(picture: Image.Image, margin: int) -> Image.Image:
    """A picture with a white margin."""
    made = Image.new("RGB", (picture.width + 2 * margin, picture.height + 2 * margin), "white")
    made.paste(picture, (margin, margin))
    return made


def on_white(picture: Image.Image) -> Image.Image:
    """A picture without transparency."""
    if picture.mode in ("RGBA", "LA", "P", "PA"):
        whole = picture.convert("RGBA")
        ground = Image.new("RGBA", whole.size, "white")
        return Image.alpha_composite(ground, whole).convert("RGB")
    return picture.convert("RGB")


def doubled(picture: Image.Image, times: int) -> Image.Image:
    """Every pixel as a square of `times` by `times`."""
    return picture.resize((picture.width * times, picture.height * times), Image.Resampling.NEAREST)
