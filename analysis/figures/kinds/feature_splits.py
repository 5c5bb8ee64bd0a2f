"""A few latents of the smallest SAE, each with those of larger ones that it splits into, and where they are on."""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import Any

import pandas as pd

from analysis.figures.drawing import Drawing
from analysis.figures.html_table import framed, group
from analysis.results.kept_file import KeptFile
from analysis.results.webs import STRENGTHS, Node, Web, in_quotes, short
from sae.errors import DataError

FROM_FILE = "data/language/web.json"
HEADS = ("latent", "on for", "cosine", "firing", "where it is on")


def feature_splits(file: KeptFile, *, families: int = 3, most: int = 5) -> Drawing:
    """The families that split into most latents: of each its root, and `most` latents of every larger SAE."""
    web = Web.of(file)
    splits = {root: web.splits(root) for root in web.roots}
    order = sorted(splits, key=lambda root: -sum(map(len, splits[root].values())))[:families]
    order = [root for root in order if any(splits[root].values())]
    if not order:
        raise DataError(f"{file.name}: no latent of the smallest SAE has an edge beyond random ones")
    body: list[str] = []
    for root in order:
        into = " and ".join(f"{len(found)} of the {short(size)} SAE" for size, found in splits[root].items() if found)
        body += [group(f"{web.nodes[root].said} goes on as {into}", len(HEADS)), _row(web, root)]
        for size, found in splits[root].items():
            body += [_row(web, at) for at in found[:most]]
            if len(found) > most:
                rest = f"{len(found) - most} more of {short(size)}"
                body.append(f'<tr><th scope="row">{rest}</th>{"<td></td>" * (len(HEADS) - 1)}</tr>')
    least = " and ".join(
        f"{what} above {web.quantile(by)[1]:.2f}" for by, what in (("cosine", "cosine"), ("coactivation", "firing"))
    )
    first = order[0]
    title = f"{web.nodes[first].said} becomes {_listed(web, splits[first])}"
    return Drawing(
        kind="tbl",
        title=title,
        caption=(
            "Latents of larger SAEs below the latent of the smallest one that they come from: the share of tokens that "
            "each is on for, the cosine of its direction with that of the nearest latent one size below, the "
            f"correlation of their firing, and a place where it is on. All have {least}, as "
            f"{web.quantile('cosine')[0]:.0%} of random edges have not. The families that split most, not a sample."
        ),
        alt="Table of latents and what they go on as in larger SAEs. "
        + " ".join(f"{web.nodes[root].said} becomes {_listed(web, splits[root])}." for root in order),
        data=pd.DataFrame(
            [
                _data(web, root, at)
                for root in order
                for at in (root, *(at for found in splits[root].values() for at in found))
            ]
        ),
        html=framed("Latents and what they split into", HEADS, body, "splits-table"),
    )


def _listed(web: Web, splits: dict[int, list[int]]) -> str:
    """What a latent becomes at the first larger size at which it comes apart, or else at the last one."""
    there = {size: found for size, found in splits.items() if found}
    size = next((size for size, found in there.items() if len(found) > 1), list(there)[-1])
    counts = Counter(in_quotes(web.nodes[at].called) for at in there[size])
    names = [name if count == 1 else f"{count} latents {name}" for name, count in counts.items()]
    text = names[0] if len(names) == 1 else f"{', '.join(names[:3][:-1])} and {names[:3][-1]}"
    return f"{text}{f' and {len(names) - 3} more' if len(names) > 3 else ''} in the {short(size)} SAE"


def _row(web: Web, at: int) -> str:
    node, edge = web.nodes[at], web.parents.get(at)
    strengths = [f"{edge.strength(by):.2f}" if edge else "" for by in STRENGTHS]
    return (
        f'<tr><th scope="row">{short(node.size)} latent {node.latent}<br><small>{escape(node.called)}</small></th>'
        f"<td>{node.density:.2%}</td>{''.join(f'<td>{text}</td>' for text in strengths)}"
        f'<td class="splits-where">{_where(node)}</td></tr>'
    )


def _where(node: Node) -> str:
    """A place in the text where it is on, the token marked; or else its words."""
    if not node.examples:
        return escape(", ".join(word.strip() for word in node.words[:5]))
    before, token, behind = node.examples[0]
    return f"{escape(before)}<mark>{escape(token)}</mark>{escape(behind)}"


def _data(web: Web, root: int, at: int) -> dict[str, Any]:
    node, edge = web.nodes[at], web.parents.get(at)
    return {
        "family": web.nodes[root].said, "size": node.size, "latent": node.latent, "name": node.name,
        "density": node.density, "words": " ".join(node.words),
        **{by: edge.strength(by) if edge and at != root else float("nan") for by in STRENGTHS},
    }  # fmt: skip
