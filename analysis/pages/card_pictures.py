"""Pictures inside of a chart, as a card can hold them: the converter fetches none, and leaves such out."""

from __future__ import annotations

import base64
import html
import io
import json
import re
from pathlib import Path
from urllib.parse import unquote

from PIL import Image

from analysis.figures import vega
from analysis.figures.svg import without_host
from analysis.site.inside import refusal
from analysis.site.whole import damage
from sae.errors import RenderError

_PICTURE = re.compile(r'(<image\b[^>]*?\s(?:xlink:)?href=")([^"]*)(")')
_REPORT = "report"


def svg_with_pictures(spec: str, root: Path) -> str:
    """A chart's SVG with the project's pictures in it; empty for a chart that shows no files, which needs no such help.

    Raises RenderError for a picture that is no whole file of the project.
    """
    if '"image"' not in spec:  # no mark is one
        return ""
    svg = vega.svg(json.loads(spec), "")
    if all(match[2].startswith("data:") for match in _PICTURE.finditer(svg)):
        return ""
    return _PICTURE.sub(lambda match: match[1] + _inline(html.unescape(match[2]), root) + match[3], svg)


def _inline(address: str, root: Path) -> str:
    """The picture itself in the place of its address."""
    if address.startswith("data:"):
        return address
    name = unquote(re.split("[?#]", without_host(address))[0]).lstrip("/")
    # one without a slash in front lies beside the page, and pages lie in two places
    found = next((one for one in (name, f"{_REPORT}/{name}") if not refusal(root, one) and (root / one).is_file()), "")
    if not found:
        raise RenderError(f"its chart shows the picture {address}, which is no file of the project that can be drawn")
    if why := damage(root / found):
        raise RenderError(f"its chart shows the picture {found}, which {why}")
    data, kind = (root / found).read_bytes(), "svg+xml"
    if not found.lower().endswith(".svg"):
        made, kind = io.BytesIO(), "png"
        Image.open(io.BytesIO(data)).convert("RGBA").save(made, "PNG")
        data = made.getvalue()
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
