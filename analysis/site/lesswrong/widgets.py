"""Live charts, and the pad on which one draws, inside a post: a frame of at most 8 KB whose scripts lie on the site.

A chart's spec is a script too, not a file to fetch: the frame has no origin of its own, so a host would have to allow
that. The pad's modules and networks can only be fetched; hosts of open files, GitHub Pages among them, allow it, and
with any other the frame shows the worked picture that it holds.
"""

from __future__ import annotations

import json
from html import escape
from typing import Any

from analysis.site.lesswrong.names import short_hash

MAX_BYTES, LEAST, LARGEST = 8 * 1024, 340, 700
RUNTIME = "report/assets/generated/vega.js"


def spec_file(name: str, spec: dict[str, Any]) -> tuple[str, str]:
    """The name and the text of the script that holds a chart's spec."""
    text = f"window.strataSpec={json.dumps(spec, separators=(',', ':'), sort_keys=True)};\n"
    return f"widgets/{name}-{short_hash(text)}.js", text


def document(base: str, file: str, alt: str) -> str:
    """The frame's document. It is as wide as the post lets it be, from 340 to 700 pixels, on white."""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Chart</title><style>'
        f"body{{margin:0 auto;min-width:{LEAST}px;max-width:{LARGEST}px;background:#fff}}"
        "#chart{display:block!important}svg{width:100%;height:auto}"
        f'</style><div id="chart" role="img" aria-label="{escape(alt)}"></div>'
        f'<script src="{base}/{RUNTIME}"></script><script src="{base}/lesswrong/{file}"></script>'
        '<script>strataEmbed("#chart",strataSpec,{actions:false,renderer:"svg",ast:true})</script></html>'
    )


def drawing(base: str, markup: str, alt: str) -> str:
    """The frame's document with a pad, from the page's own `markup` of it; `alt` says what its worked picture shows."""
    styles = "".join(
        f'<link rel="stylesheet" href="{base}/report/assets/{name}.css">' for name in ("theme", "draw/draw")
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Draw a digit</title>{styles}<style>'
        f"body{{margin:0 auto;min-width:{LEAST}px;max-width:{LARGEST}px}}</style>"
        f'<div role="group" aria-label="{escape(alt)}">{markup}</div>'
        f'<script type="module" src="{base}/report/assets/draw/page.js"></script></html>'
    )
