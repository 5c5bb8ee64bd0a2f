"""Live charts inside a post: a frame of at most 8 KB whose scripts lie on the site.

The spec is a script too, not a file to fetch: the frame has no origin of its own, so a host would have to allow that.
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
