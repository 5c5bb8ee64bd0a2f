"""Images of examples and pictures of latents, cut out of an experiment's sprite and sheets.

In a page an image is a span whose background is shifted to its cell; the sheet is named in theme.css. The few pictures
that a page shows of the much larger sheets stand in it as they are, so that it fetches no sheet.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
from PIL import Image

from analysis.results.schema import places
from analysis.results.tables import SHEETS, Results

QUALITY = 60
# Columns of a sprite of square images, as theme.css has it where a cell says nothing else.
USUAL = 50


def cells(sprite: dict[str, Any], examples: Sequence[int], drives: Sequence[float] | None = None) -> str:
    """Spans for the given example ids, in order. They are decoration: the caller says in words what they show.

    `drives` are activations as shares of the largest one: drawn as a bar under each image, and shown on hover. A cell
    of a sprite that has not USUAL columns of square images says how many (`--n`), and height over width (`--r`).
    """
    where = places(sprite)
    shape = "" if sprite["columns"] == USUAL else f";--n:{sprite['columns']}"
    shape += "" if sprite["height"] == sprite["width"] else f";--r:{sprite['height'] / sprite['width']:.4g}"
    parts = []
    for place, example in enumerate(examples):
        cell = where[int(example)]
        x, y = cell % sprite["columns"], cell // sprite["columns"]
        drive = "" if drives is None else f";--a:{drives[place]:.0%}"
        parts.append(f'<i style="--x:{x};--y:{y}{drive}{shape}"></i>')
    return "".join(parts)


def blocks(text: str, name: str) -> list[str]:
    """The cells of each block of images in a page's fragment that are cut out of the experiment `name`'s sprite."""
    if not name:
        return []
    block = rf'<(\w+) class="digits(?: [^"]*)? {re.escape(name)}(?: [^"]*)?"[^>]*>(.*?)</\1>'
    return [found[2] for found in re.finditer(block, text, re.S)]


class Cut:
    """The sprite and the sheets of an experiment, cut into images."""

    def __init__(self, results: Results) -> None:
        self.results, self.sprite = results, results.sprite
        self.sheets = results.sheets if results.pictures() else {}
        self.whole = np.asarray(Image.open(results.file("sprite.webp")).convert(mode(self.sprite)))
        self.opened: dict[str, np.ndarray] = {}
        self.number = places(self.sprite)

    def image(self, example: int) -> np.ndarray:
        """An example's image (height, width), or (height, width, 3) in colour."""
        return _cut(self.whole, self.number[example], self.sprite)

    def label(self, example: int) -> str:
        """The name of an example's class; empty without labels."""
        label = self.sprite["labels"][self.number[example]]
        return "" if label is None else str(self.sprite["class_names"][label])

    def has(self, name: str) -> bool:
        """Whether there is a sheet of that name."""
        return f"{SHEETS}/{name}.webp" in self.results.pictures()

    def sheet(self, name: str) -> np.ndarray:
        """A whole sheet of pictures, which is read once: to unpack it for each latent would take seconds."""
        if name not in self.opened:
            picture = Image.open(self.results.file(f"{SHEETS}/{name}.webp"))
            self.opened[name] = np.asarray(picture.convert(mode(self.sheets)))
        return self.opened[name]

    def cell(self, sheet: np.ndarray, latent: int) -> np.ndarray:
        """A latent's picture in a sheet."""
        return _cut(sheet, latent, self.sheets)


def mode(cut: dict[str, Any]) -> str:
    """What Pillow calls the images of a sprite or sheet; tables of older versions hold grey ones, and do not say so."""
    return "RGB" if cut.get("channels", 1) == 3 else "L"


def _cut(whole: np.ndarray, cell: int, shape: dict[str, int]) -> np.ndarray:
    top, left = cell // shape["columns"] * shape["height"], cell % shape["columns"] * shape["width"]
    return whole[top : top + shape["height"], left : left + shape["width"]]


def inline(picture: np.ndarray, alt: str, width: int) -> str:
    """A small picture as an `<img>` that needs no file."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "webp", quality=QUALITY, method=4)
    data = base64.b64encode(buffer.getvalue()).decode()
    return (
        f'<img class="picture" src="data:image/webp;base64,{data}" alt="{escape(alt)}" width="{width}" '
        f'height="{width * picture.shape[0] // picture.shape[1]}" loading="lazy">'
    )


def label_counts(sprite: dict[str, Any], examples: Sequence[int]) -> list[tuple[str, int]]:
    """How many of the examples each class has, most first; nothing without labels."""
    where = places(sprite)
    counts: dict[str, int] = {}
    for example in examples:
        label = sprite["labels"][where[int(example)]]
        if label is None:
            continue
        name = sprite["class_names"][label]
        counts[name] = counts.get(name, 0) + 1
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def spoken_counts(sprite: dict[str, Any], examples: Sequence[int]) -> str:
    """`9 of 9 are 7` or `5 of 9 are 3, 4 are 8`, or a sentence for no image at all."""
    counts = label_counts(sprite, examples)
    if not counts:
        return f"{len(examples)} held-out images" if len(examples) else "no held-out image drives it"
    (first, n), *rest = counts
    text = f"{n} of {len(examples)} are {first}"
    if rest:
        text += ", " + ", ".join(f"{count} {'is' if count == 1 else 'are'} {name}" for name, count in rest[:2])
    return escape(text)
