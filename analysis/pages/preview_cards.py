"""Pictures that links to the pages show: a chart or a grid of images under the sentence that it found.

A page's front matter, or `_quarto.yml` for all pages without one, asks for a card by the name of such a figure:

    image: assets/generated/card-margin_by_depth.png

Drawn when the figure has changed. 1200 by 630 pixels, which is what the places ask for that show such pictures.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFont

from analysis.figures import vega
from analysis.figures.draw import Artefact, library_versions
from analysis.figures.style import ROLES
from analysis.pages.card_pictures import svg_with_pictures
from analysis.plan.code_version import code_version
from analysis.plan.paths import Paths
from analysis.site.lesswrong.grids import Sprites, compose, grid_of
from analysis.site.lesswrong.markup import Element
from analysis.site.project import CONFIG
from analysis.system.stamps import Stamp, key_of
from sae.errors import RenderError

WIDTH, HEIGHT, MARGIN = 1200, 630, 56
HEADLINE, SMALLEST, NAME = 40, 26, 24
"""Sizes of type in pixels: of the finding, how small it may get, of the site's name."""
MOST_LINES = 3
_WANTED = re.compile(r"^\s*image: *\S*?card-([a-z0-9_]+)\.png *$", re.M)
_SPEC = re.compile(r'class="chart-spec">(.*?)</script>', re.S)


def write_cards(pages: list[Path], drawn: list[Artefact], site: str, paths: Paths) -> None:
    """Write every card that the settings or a page ask for. Raises RenderError for one of no chart and no grid."""
    figures = {artefact.name: artefact for artefact in drawn}
    for source in [paths.root / CONFIG, *pages]:
        for name in _WANTED.findall(source.read_text(encoding="utf-8")):
            shown = (paths.generated / f"{name}.md").read_text(encoding="utf-8") if name in figures else ""
            spec, grid = _SPEC.search(shown), grid_of(shown)
            if spec is None and grid is None:
                raise RenderError(
                    f"image: card-{name}.png: there is no chart and no grid of images {name!r}", paths.relative(source)
                )
            try:
                _write(figures[name], spec[1] if spec else "", grid, site, paths)
            except RenderError as error:
                raise RenderError(f"image: card-{name}.png: {error}", paths.relative(source)) from error


def _write(figure: Artefact, spec: str, grid: Element | None, site: str, paths: Paths) -> None:
    target = paths.built_assets / f"card-{figure.name}.png"
    svg = svg_with_pictures(spec, paths.root) if spec else ""
    picture = compose(grid, Sprites(paths.root)) if grid is not None and not spec else None
    seen = spec or hashlib.sha256(picture.tobytes() if picture else b"").hexdigest()
    key = key_of(figure.title, seen, svg, site, library_versions(), code_version("analysis.pages.preview_cards"))
    stamp = Stamp(paths.build / "cards" / f"{figure.name}.json", key, paths.root)
    if stamp.current() is None:
        stamp.forget()
        target.write_bytes(card(figure.title, picture or chart_picture(spec, svg), site))
        stamp.write([target])


def chart_picture(spec: str, svg: str = "") -> Image.Image:
    """A chart, three times as large as in the page. `svg` is the chart where it is drawn."""
    drawn = vega.svg_png(svg, "its chart", 3) if svg else vega.png(json.loads(spec), "", 3, [])
    return Image.open(io.BytesIO(drawn))


def card(finding: str, shown: Image.Image, site: str) -> bytes:
    """A PNG: the finding, the figure below it, the site's name in the corner."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), ROLES["paper"])
    draw = ImageDraw.Draw(picture)
    lines, font = wrapped(finding, WIDTH - 2 * MARGIN)
    leading = round(font.size * 1.25)
    for number, line in enumerate(lines):
        draw.text((MARGIN, MARGIN - 8 + number * leading), line, ROLES["ink"], font)
    top = MARGIN + len(lines) * leading + 14
    room = (WIDTH - 2 * MARGIN, HEIGHT - top - MARGIN // 2)
    figure = shown.convert("RGBA")
    figure.thumbnail(room)
    picture.paste(figure, (MARGIN, top), figure)
    name = _font(NAME)
    draw.text((WIDTH - MARGIN, HEIGHT - MARGIN // 2), site, ROLES["muted"], name, anchor="rs")
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()


def wrapped(text: str, width: int) -> tuple[list[str], ImageFont.FreeTypeFont]:
    """The text in at most three lines, as large as it then can be; what is too long even so ends in dots."""
    for size in range(HEADLINE, SMALLEST - 1, -2):
        font, lines = _font(size), [""]
        for word in text.split():
            longer = f"{lines[-1]} {word}".strip()
            if font.getlength(longer) <= width:
                lines[-1] = longer
            else:
                lines.append(word)
        if len(lines) <= MOST_LINES:
            return lines, font
    last = lines[MOST_LINES - 1].split()
    while font.getlength(" ".join(last) + " …") > width:
        last.pop()
    return [*lines[: MOST_LINES - 1], " ".join(last) + " …"], font


def _font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with Matplotlib: the same on every machine."""
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans-Bold.ttf"), size)
