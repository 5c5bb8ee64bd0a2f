"""Image grids of the build (cells of a sprite, pictures, words) as one picture each; no browser is needed.

A grid's HTML says by class what stands where: rows with a head (`grid-row`), rows of a sample (`sample-row`), blocks of
rows (`lineage-block`). What these classes look like is in `report/assets/theme.css`; here it is drawn again.
"""

from __future__ import annotations

import base64
import io
import math
import re
from pathlib import Path

from PIL import Image, ImageDraw

from analysis.figures.image_sheets import USUAL
from analysis.figures.style import ROLES
from analysis.plan.paths import Paths
from analysis.site.lesswrong import canvas
from analysis.site.lesswrong.canvas import NORMAL, SCALE, Line, below, beside, doubled, font, framed, words
from analysis.site.lesswrong.markup import Element, flat, parse
from sae.errors import RenderError

GRIDS = ("depth-grid", "name-sample", "digits")
GAP, MARGIN, HEAD, WIDTH = 24, 16, 230, 1400
_PLACE = re.compile(r"--x:\s*(\d+);\s*--y:\s*(\d+)(?:;\s*--a:\s*([\d.]+)%)?")
_SHAPE = re.compile(r"--(n|r):\s*([\d.]+)")


def is_grid(element: Element) -> bool:
    """Whether an element is an image grid."""
    return any(element.has(name) for name in GRIDS)


def grid_of(html: str) -> Element | None:
    """The first image grid in a piece of HTML; None where there is none."""
    return next((element for element in parse(html).walk() if is_grid(element)), None)


def spoken(element: Element) -> str:
    """What a grid says for those who do not see it: the labels of its cells."""
    own = element.attributes.get("aria-label")
    labels = [
        child.attributes["aria-label"] for child in element.of_class("digits") if "aria-label" in child.attributes
    ]
    return own or "; ".join(labels)


class Sprites:
    """The sprites that grids show parts of, read when first asked for."""

    def __init__(self, root: Path) -> None:
        self.folder = Paths(root).built_assets / "explorer"
        self.read: dict[str, Image.Image] = {}

    def cell(self, name: str, x: int, y: int, columns: int = USUAL, ratio: float = 1.0) -> Image.Image:
        """One image, its pixels doubled; cells stand `columns` in a row, `ratio` times as high as they are wide."""
        if name not in self.read:
            path = self.folder / name / "sprite.webp"
            if not path.is_file():
                raise RenderError(f"there is no sprite of {name}: run `strata build`")
            with Image.open(path) as sprite:
                self.read[name] = sprite.convert("RGB")
        whole = self.read[name]
        width = whole.width // columns
        height = round(width * ratio)
        if (y + 1) * height > whole.height:
            raise RenderError(f"the sprite of {name} has no cell {x}, {y}: run `strata build`")
        return doubled(whole.crop((x * width, y * height, (x + 1) * width, (y + 1) * height)), SCALE)


def compose(element: Element, sprites: Sprites) -> Image.Image:
    """The grid as one picture with the words of its rows and columns."""
    rows = [digits(element, sprites)] if element.has("digits") else _rows(element, sprites, _head_width(element))
    return framed(below(rows, GAP + 8, ruled=True), MARGIN)


def digits(element: Element, sprites: Sprites) -> Image.Image:
    """A block of images: three in a row, or five in a line, with a bar under each where it says how strongly."""
    name = next((one for one in element.classes if one not in ("digits", "driven", "line")), "site")
    across, driven = (5 if element.has("line") else 3), element.has("driven")
    tiles = []
    for cell in element.all("i"):
        place = _PLACE.search(cell.attributes.get("style", ""))
        if not place:
            raise RenderError(f"a cell of an image grid without its place: {cell.attributes}")
        shape = dict(_SHAPE.findall(cell.attributes.get("style", "")))
        columns, ratio = int(shape.get("n", USUAL)), float(shape.get("r", 1))
        tile = sprites.cell(name, int(place[1]), int(place[2]), columns, ratio)
        if driven:
            bar = Image.new("RGB", (tile.width, 6 * SCALE), "white")
            share = float(place[3] or 0) / 100
            ImageDraw.Draw(bar).rectangle((0, SCALE, max(round(tile.width * share) - 1, 1), 4 * SCALE - 1), ROLES["c2"])
            tile = below([tile, bar], 0)
        tiles.append(tile)
    return below([beside(tiles[at : at + across], SCALE) for at in range(0, len(tiles), across)], SCALE)


def _head_width(element: Element) -> int:
    """As much as the longest line of a head takes, and no more than leaves room for the images."""
    said = [line for head in element.of_class("grid-head") for line in lines(head, NORMAL)]
    return min(HEAD, max((math.ceil(font(line.bold, line.size).getlength(line.text)) for line in said), default=HEAD))


def _rows(element: Element, sprites: Sprites, head: int) -> list[Image.Image]:
    made: list[Image.Image] = []
    for child in element.elements:
        if child.has("grid-row"):
            made.append(_grid_row(child, sprites, head))
        elif child.has("sample-head"):
            made.append(words([Line(flat(child.text()), bold=True, size=NORMAL)], WIDTH))
        elif child.has("sample-row"):
            made.append(_sample_row(child, sprites))
        else:
            made += _rows(child, sprites, head)
    return made


def _grid_row(row: Element, sprites: Sprites, width: int) -> Image.Image:
    heads = row.of_class("grid-head")
    head = words(lines(heads[0], NORMAL) if heads else [], width)
    steps, cells = row.of_class("latent-step"), row.of_class("grid-cells")
    if steps:
        block = digits(steps[0].of_class("digits")[0], sprites)
        said = [line for part in steps[0].of_class("latent-words") for line in lines(part, NORMAL)]
        return beside([head, block, words(said, WIDTH - width - block.width - 2 * GAP)], GAP)
    if not cells:  # a row that says that there is nothing to show
        said = [Line(flat(child.text())) for child in row.all("p")]
        return beside([head, words(said, WIDTH - width)], GAP)
    across = _cell_width(cells[0])
    made = [_cell(child, across, sprites) for child in cells[0].elements]
    return beside([head, *made] if heads else made, GAP)


def _cell_width(cells: Element) -> int:
    return (92 if cells.has("lineage") else 88) * SCALE


def _cell(cell: Element, width: int, sprites: Sprites) -> Image.Image:
    if cell.name == "b":  # the head of a column
        return words([Line(flat(cell.text()), bold=True, size=NORMAL)], width)
    parts = [digits(block, sprites) for block in cell.of_class("digits")]
    parts += [picture(image) for image in cell.all("img")]
    said = [line for caption in cell.all("figcaption", "p") for line in lines(caption)]
    parts.append(words(said, width))
    made = below(parts, 8)
    wide = Image.new("RGB", (width, made.height), "white")
    wide.paste(made, (0, 0))
    return wide


def _sample_row(row: Element, sprites: Sprites) -> Image.Image:
    said = [line for child in row.elements if child.name == "p" for line in lines(child, NORMAL)]
    blocks = [(digits(band.of_class("digits")[0], sprites), band) for band in row.of_class("band")]
    width = max((block.width for block, _ in blocks), default=0)  # bands stand in columns, full or not
    bands = []
    for block, band in blocks:
        under = [Line(flat(child.text()), muted=True) for child in band.elements if child.name == "span"]
        bands.append(below([block, words(under, max(width, 120))], 4))
    shown = beside(bands, GAP)
    return below([words(said, max(shown.width, 400)), shown], 10)


def picture(image: Element) -> Image.Image:
    """A picture that stands in the page as data, as large as there."""
    head, _, data = image.attributes.get("src", "").partition("base64,")
    if not head.startswith("data:image/"):
        raise RenderError(f"a picture in an image grid that is not in the page: {image.attributes.get('src', '')[:60]}")
    with Image.open(io.BytesIO(base64.b64decode(data))) as drawn:
        shown = int(image.attributes.get("width") or drawn.width)
        return doubled(canvas.on_white(drawn), max(1, round(shown * SCALE / drawn.width)))


def lines(element: Element, size: int = canvas.SMALL) -> list[Line]:
    """The words of an element, line by line; bold where all of a line is, muted where a gloss is."""
    made, row, bold, muted = list[Line](), "", True, True

    def flush() -> None:
        nonlocal row, bold, muted
        if row.strip():
            made.append(Line(flat(row), bold, muted and not bold, size))
        row, bold, muted = "", True, True

    for child in element.children:
        if isinstance(child, Element) and child.name in ("br", "p", "div"):
            flush()
            made += lines(child, size) if child.name != "br" else []
            continue
        text = child if isinstance(child, str) else child.text()
        row += text
        name = child.name if isinstance(child, Element) else ""
        if text.strip():
            bold, muted = bold and name == "b", muted and name == "span"
    flush()
    return made
