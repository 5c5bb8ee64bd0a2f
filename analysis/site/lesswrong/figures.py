"""Figures of a post from the pictures of a page; what cannot be shown is a problem of the section."""

from __future__ import annotations

from PIL import Image

from analysis.site.lesswrong import pictures
from analysis.site.lesswrong.canvas import SCALE
from analysis.site.lesswrong.context import Context
from analysis.site.lesswrong.nodes import Figure, Inlines
from analysis.site.lesswrong.pictures import Panel

# A post's column of text, in pixels of the page; a figure's width is a share of it.
COLUMN = 680


def of_panel(panel: Panel, caption: Inlines, name: str, context: Context) -> Figure:
    """A figure of one picture, or with `--widgets` of one live chart."""
    src, image = context.pictures.publish(panel.image, name)
    widget = context.pictures.live(panel, name) if context.widgets and panel.spec is not None else ""
    return Figure(src, panel.alt, caption, _percent(image.width), widget, name)


def of_picture(src: str, alt: str, caption: Inlines, context: Context) -> Figure:
    """A picture that stands in the text."""
    image = picture(src, context)
    if image is None:
        return Figure(src, alt, caption, 60)
    return of_panel(Panel(image, alt), caption, "picture", context)


def picture(src: str, context: Context) -> Image.Image | None:
    """The picture behind an address of the page. One of another host is a problem: it would not be ours to show."""
    held = src.startswith("data:")
    path = None if held else context.addresses.local(src, context.path)
    if path is None and not held:
        foreign = "://" in src or src.startswith("//")
        why = "it lies outside the site" if foreign else "there is no such file"
        context.problems.append(f"the picture {src}: {why}; a post shows pictures of the site's own address")
        return None
    try:
        return pictures.read(src, path)
    # Pillow raises SyntaxError for a broken PNG
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        named, why = f"{src[:40]}..." if held else src, " ".join(str(error).split())
        context.problems.append(f"the picture {named} cannot be read ({why}); make it anew")
        return None


def _percent(width: int) -> int:
    """The share of the text's width at which a picture has two pixels for one of the page."""
    return min(100, max(40, round(width / SCALE / COLUMN * 20) * 5))
