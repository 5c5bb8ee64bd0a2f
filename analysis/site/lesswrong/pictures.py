"""Pictures as PNG files that a post can show: white ground, at least 640 pixels wide, charts at twice their size."""

from __future__ import annotations

import base64
import io
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

from PIL import Image, UnidentifiedImageError

from analysis.figures import vega
from analysis.figures.style import ROLES
from analysis.site.lesswrong import widgets
from analysis.site.lesswrong.canvas import NORMAL, SCALE, Line, below, beside, doubled, framed, on_white, words
from analysis.site.lesswrong.grids import Sprites
from analysis.site.lesswrong.markup import Element, written
from analysis.site.lesswrong.names import short_hash, slug_of

MIN_WIDTH, MAX_BYTES = 640, 10_000_000


@dataclass(frozen=True)
class Panel:
    """A picture on its way into a figure."""

    image: Image.Image
    alt: str = ""
    spec: dict[str, Any] | None = None
    """A chart's spec: a live widget can be made of it."""
    label: str = ""


class Pictures:
    """Makes pictures and keeps the files of an export, by name. A picture that changes changes its name."""

    def __init__(self, root: Path, base: str) -> None:
        self.root, self.base = root, base
        self.sprites = Sprites(root)
        self.files: dict[str, bytes] = {}
        self._charts: dict[str, bytes] = {}

    def live(self, panel: Panel, name: str) -> str:
        """Keep a chart's spec as a file; gives the document of the frame that shows it."""
        assert panel.spec is not None, f"{name} is no chart"
        file, text = widgets.spec_file(slug_of(name), panel.spec)
        self.files[file] = text.encode()
        return widgets.document(self.base, file, panel.alt)

    def publish(self, image: Image.Image, name: str) -> tuple[str, Image.Image]:
        """Keep a picture as a file; gives its address, and the picture as it is kept."""
        image = on_white(image)
        if image.width < MIN_WIDTH:
            image = doubled(image, math.ceil(MIN_WIDTH / image.width))
        data = io.BytesIO()
        image.save(data, "png", optimize=True)
        file = f"img/{slug_of(name)}-{short_hash(data.getvalue())}.png"
        self.files[file] = data.getvalue()
        return f"{self.base}/lesswrong/{file}", image

    def svg(self, element: Element) -> Image.Image:
        """An inline SVG, its theme colours those of the light theme."""
        text = written(element)
        for role, colour in ROLES.items():
            text = text.replace(f"var(--{role})", colour)
        if "xmlns=" not in text:
            text = text.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
        # the converter multiplies a colour by its opacity where nothing is behind it, which would make it grey
        ground = '<rect x="-100%" y="-100%" width="300%" height="300%" fill="white"/>'
        return _rendered(re.sub(r"<svg\b[^>]*>", lambda tag: tag[0] + ground, text, count=1))

    def spec(self, text: str) -> dict[str, Any]:
        """A chart's spec as it stands in a page."""
        spec: dict[str, Any] = json.loads(text)
        return spec

    def chart(self, spec: dict[str, Any]) -> Image.Image:
        """A chart on white, at twice its size or larger."""
        key = json.dumps(spec, sort_keys=True)
        if key not in self._charts:
            shown = spec | {"background": "white", "padding": 8}
            data = vega.png(shown, "", SCALE, None)
            width = Image.open(io.BytesIO(data)).width
            if width < MIN_WIDTH:
                data = vega.png(shown, "", SCALE * MIN_WIDTH / width, None)
            self._charts[key] = data
        return on_white(Image.open(io.BytesIO(self._charts[key])))

    def joined(self, panels: Sequence[Panel], columns: int) -> Panel:
        """Several pictures as one, `columns` in a row, each with its letter."""
        columns = min(columns, len(panels))
        width = max(panel.image.width for panel in panels)
        cells = []
        for panel in panels:
            # a small picture grows by whole pixels, up to the width of the largest
            image = doubled(on_white(panel.image), max(1, width // panel.image.width))
            label = [words([Line(panel.label, bold=True, size=NORMAL)], image.width)] if panel.label else []
            cells.append(below([*label, image], 8))
        rows = [beside(cells[at : at + columns], 32) for at in range(0, len(cells), columns)]
        alt = "; ".join(panel.alt for panel in panels if panel.alt)
        return Panel(framed(below(rows, 32), 16), alt)

    def blank(self) -> Image.Image:
        """In the place of a picture that could not be made; the export fails anyway."""
        return Image.new("RGB", (MIN_WIDTH, 10), "white")


def read(src: str, path: Path | None) -> Image.Image:
    """The picture in an address that holds its data, or in the file at `path`.

    Raises OSError, ValueError, SyntaxError (Pillow's for a broken PNG), DecompressionBombError or RenderError.
    """
    if path is None:
        return _data(src)
    return _rendered(path.read_text(encoding="utf-8")) if path.suffix == ".svg" else _drawn(path.read_bytes())


def _rendered(svg: str) -> Image.Image:
    return on_white(Image.open(io.BytesIO(vega.svg_png(svg, "an SVG", SCALE))))


def _data(src: str) -> Image.Image:
    head, _, data = src.partition(",")
    content = base64.b64decode(data) if head.endswith(";base64") else unquote_to_bytes(data)
    if "svg" in head:
        return _rendered(content.decode())
    return _drawn(content)


def _drawn(content: bytes) -> Image.Image:
    try:
        with Image.open(io.BytesIO(content)) as image:
            return on_white(image)
    except UnidentifiedImageError:  # would name an object in memory
        raise ValueError("it is no picture of a known format") from None
