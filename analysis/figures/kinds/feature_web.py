"""Feature splitting: latents of SAEs of several sizes in columns, lines from a latent to those that it splits into.

Drawn from `data/language/web.json` (`analysis/results/webs.py` says what it holds). Without scripts the picture shows
what is stronger than random edges; a page that loads `report/assets/web.js` has a slider over the threshold, and what a
latent fires on when it is pointed at.
"""

from __future__ import annotations

import json
import statistics

import pandas as pd

from analysis.figures.drawing import Drawing
from analysis.figures.web_picture import PAGE, PHONE, said, shown, web_picture
from analysis.results.kept_file import KeptFile
from analysis.results.webs import STRENGTHS, Web, short
from sae.errors import DataError

FROM_FILE = "data/language/web.json"


def feature_web(file: KeptFile, *, by: str = "cosine", rows: int = 48) -> Drawing:
    """The families that split into most latents, as many as stand in `rows` rows; `by` is the strength of lines,
    cosine or coactivation."""
    web = Web.of(file)
    if by not in STRENGTHS:
        raise DataError(f"by={by}: must be one of {', '.join(STRENGTHS)}")
    quantile, least = web.quantile(by)
    splits = {root: web.splits(root) for root in web.roots}
    if not splits:
        raise DataError(f"{file.name}: no latent of the smallest SAE ({web.sizes[0]}) stands among the nodes")
    order = sorted(splits, key=lambda root: -sum(map(len, splits[root].values())))
    roots = shown(web, order, rows)
    alt = _alt(web, roots, splits)
    pictures = "".join(web_picture(web, roots, by, least, look, alt) for look in (PAGE, PHONE))
    left = len(order) - len(roots)
    return Drawing(
        title=_title(web, roots, splits),
        caption=(
            f"Each column is an SAE on the same activations{_where(web)}, each line the {STRENGTHS[by]} of two "
            f"latents, the wider the stronger; drawn is what is stronger than {quantile:.0%} of random edges "
            f"({least:.2f}). Solid lines lead from the latent that is nearest by direction, dashed ones from another. "
            "The title counts what is beyond random edges in both direction and firing. A circle is the larger the "
            "more tokens its latent is on for. These families were chosen because they split clearly: they "
            "show what splitting looks like, not how common it is."
            + (f" {left} more {'family stands' if left == 1 else 'families stand'} in the data." if left else "")
        ),
        alt=alt,
        data=_table(web),
        html=f'<div class="web" data-by="{by}">{pictures}{_script(web)}</div>',
    )


def _where(web: Web) -> str:
    return f" ({web.hook} of {web.host})" if web.host and web.hook else ""


def _title(web: Web, roots: list[int], splits: dict[int, dict[int, list[int]]]) -> str:
    counts = {size: sum(len(splits[root][size]) for root in roots) for size in web.sizes[1:]}
    apart = sum(any(len(found) > 1 for found in splits[root].values()) for root in roots)
    what = "latent" if len(roots) == 1 else "latents"
    if not any(counts.values()):
        return (
            f"None of {len(roots)} {what} of the {short(web.sizes[0])} SAE goes on in a larger one, beyond random edges"
        )
    into = " and ".join(f"{count} of the {short(size)} SAE" for size, count in counts.items())
    return f"{len(roots)} {what} of the {short(web.sizes[0])} SAE, of which {apart} split, go on as {into}"


def _alt(web: Web, roots: list[int], splits: dict[int, dict[int, list[int]]]) -> str:
    columns = ", ".join(short(size) for size in web.sizes)
    told = []
    for root in roots[:4]:
        parts = [
            f"{len(found)} of the {short(size)} SAE ({', '.join(web.nodes[at].called for at in found[:4])}"
            + (", …)" if len(found) > 4 else ")")
            for size, found in splits[root].items()
            if found
        ]
        told.append(f"{web.nodes[root].said} " + (f"goes on as {' and '.join(parts)}" if parts else "has no child"))
    more = f"; and {len(roots) - 4} more" if len(roots) > 4 else ""
    cosines = [edge.cosine for edge in web.parents.values()]
    middle = (
        f" The median cosine with the nearest smaller latent is {statistics.median(cosines):.2f}." if cosines else ""
    )
    return f"Web of latents, a column for each SAE ({columns}). {'; '.join(told)}{more}.{middle}"


def _table(web: Web) -> pd.DataFrame:
    """An edge a row, with both latents; then latents without one."""
    columns = ("size", "latent", "name", "density")
    rows = [
        {f"{end}_{name}": getattr(web.nodes[at], name) for end, at in (("from", edge.start), ("to", edge.end))
         for name in columns} | {by: edge.strength(by) for by in STRENGTHS}
        for edge in web.edges
    ]  # fmt: skip
    joined = {at for edge in web.edges for at in (edge.start, edge.end)}
    alone = [
        {f"from_{name}": getattr(node, name) for name in columns}
        for at, node in enumerate(web.nodes)
        if at not in joined
    ]
    return pd.DataFrame(rows + alone)


def _script(web: Web) -> str:
    """What the slider needs beside the picture: names of strengths, and the nulls."""
    data = {
        "sizes": [short(size) for size in web.sizes],
        "nodes": [[web.sizes.index(node.size), said(node)] for node in web.nodes],
        "by": {
            by: {"says": says, "quantile": web.quantile(by)[0], "value": web.quantile(by)[1]}
            for by, says in STRENGTHS.items()
        },
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return f'<script type="application/json" class="web-data">{text}</script>'
