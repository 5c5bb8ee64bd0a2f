"""Pictures as PNG files that a post can show: white ground, at least 640 pixels wide, charts at twice their size."""

from __future__ import annotations

import base64
import io
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import vl_convert
from PIL import Image, UnidentifiedImageError

from analysis.figures.style import ROLES
from analysis.site.lesswrong import widgets
from analysis.site.lesswrong.canvas import NORMAL, SCALE, Line, below, beside, doubled, framed, on_white, words
from analysis.site.lesswrong.context import Context, short_hash
from analysis.site.lesswrong.fragments import Panel
from analysis.site.lesswrong.grids import Sprites
from analysis.site.lesswrong.markup import Element, written
from analysis.site.lesswrong.nodes import Figure, Inlines
from analysis.site.lesswrong.sections import slug_of
from sae.errors import RenderError

MIN_WIDTH, MAX_BYTES = 640, 10_000_000
# A post's column of text, in pixels of the page; a figure's width is a share of it.
COLUMN = 680


class Pictures:
    """Makes pictures and keeps the files of an export, by name. A picture that changes changes its name."""

    def __init__(self, root: Path, base: str) -> None:
        self.root, self.base = root, base
        self.sprites = Sprites(root)
        self.files: dict[str, bytes] = {}
        self._charts: dict[str, bytes] = {}

    def panel(self, context: Context, panel: Panel, caption: Inlines, name: str) -> Figure:
        """A figure of one picture, or with `--widgets` of one live chart."""
        src, image = self.publish(panel.image, name)
        figure = Figure(src, panel.alt, caption, _percent(image.width), "", name)
        if context.widgets and panel.spec is not None:
            file, text = widgets.spec_file(slug_of(name), panel.spec)
            self.files[file] = text.encode()
            figure = replace(figure, widget=widgets.document(self.base, file, panel.alt))
        return figure

    def figure(self, context: Context, src: str, alt: str, caption: Inlines) -> Figure:
        """A picture that stands in the text."""
        image = self.open(context, src)
        if image is None:
            return Figure(src, alt, caption, 60)
        return self.panel(context, Panel(image, alt), caption, "picture")

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

    def open(self, context: Context, src: str) -> Image.Image | None:
        """The picture behind an address of the page. One of another host is a problem: it would not be ours to show."""
        if src.startswith("data:"):
            return self._read(context, f"{src[:40]}...", lambda: _data(src))
        path = context.addresses.local(src, context.path)
        if path is None:
            foreign = "://" in src or src.startswith("//")
            why = "it lies outside the site" if foreign else "there is no such file"
            context.problems.append(f"the picture {src}: {why}; a post shows pictures of the site's own address")
            return None
        if path.suffix == ".svg":
            return self._read(context, src, lambda: _rendered(path.read_text(encoding="utf-8")))
        return self._read(context, src, lambda: _drawn(path.read_bytes()))

    def _read(self, context: Context, src: str, read: Callable[[], Image.Image]) -> Image.Image | None:
        """The picture; one that is cut off or damaged is a problem."""
        try:
            return read()
        # Pillow raises SyntaxError for a broken PNG
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            context.problems.append(f"the picture {src} cannot be read ({' '.join(str(error).split())}); make it anew")
            return None

    def svg(self, element: Element) -> Image.Image:
        """An inline SVG, its theme colours those of the light theme."""
        text = written(element)
        for role, colour in ROLES.items():
            text = text.replace(f"var(--{role})", colour)
        if "xmlns=" not in text:
            text = text.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
        return _rendered(text)

    def spec(self, text: str) -> dict[str, Any]:
        """A chart's spec as it stands in a page."""
        spec: dict[str, Any] = json.loads(text)
        return spec

    def chart(self, spec: dict[str, Any]) -> Image.Image:
        """A chart on white, at twice its size or larger."""
        key = json.dumps(spec, sort_keys=True)
        if key not in self._charts:
            shown = spec | {"background": "white", "padding": 8}
            data = vl_convert.vegalite_to_png(shown, scale=SCALE)
            width = Image.open(io.BytesIO(data)).width
            if width < MIN_WIDTH:
                data = vl_convert.vegalite_to_png(shown, scale=SCALE * MIN_WIDTH / width)
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


def _percent(width: int) -> int:
    """The share of the text's width at which a picture has two pixels for one of the page."""
    return min(100, max(40, round(width / SCALE / COLUMN * 20) * 5))


def _rendered(svg: str) -> Image.Image:
    try:
        data = vl_convert.svg_to_png(svg, scale=SCALE)
    except ValueError as error:
        raise RenderError(f"an SVG that cannot be drawn: {error}") from None
    return on_white(Image.open(io.BytesIO(data)))


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
