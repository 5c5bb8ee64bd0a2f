"""Captions of the one post: the first sentence of each, and its links. The whole ones stand on the site."""

from __future__ import annotations

import re
from typing import Any

Ast = dict[str, Any]
_ENDS = re.compile(r"[.!?][)”’\"']?$")
_LABEL = re.compile(r"[^\W\d_]+\xa0[\d.]+:$")


def shortened(tree: Any) -> Any:
    """The tree with every caption of a figure or table cut after its first sentence."""
    if isinstance(tree, list):
        return [shortened(value) for value in tree]
    if not isinstance(tree, dict):
        return tree
    if tree.get("t") in ("Para", "Plain") and _is_caption(tree["c"]):
        return tree | {"c": _cut(tree["c"])}
    return {key: shortened(value) for key, value in tree.items()}


def _is_caption(inlines: list[Ast]) -> bool:
    return bool(inlines) and inlines[0]["t"] == "RawInline" and inlines[0]["c"][1].startswith("<figcaption")


def _cut(inlines: list[Ast]) -> list[Ast]:
    end = next((at for at, one in enumerate(inlines) if _ends(inlines, at, one)), len(inlines) - 1)
    links = _links_from(inlines)
    return inlines if links <= end + 1 else [*inlines[: end + 1], {"t": "Space"}, *inlines[links:]]


def _ends(inlines: list[Ast], at: int, one: Ast) -> bool:
    """Whether a sentence ends here: a full stop with a space behind it, which is no label's and no abbreviation's."""
    after = inlines[at + 1 : at + 3]
    if one["t"] != "Str" or not _ENDS.search(one["c"]) or _LABEL.fullmatch(one["c"]) or len(after) < 2:
        return False
    begins = after[1]["c"][:1] if after[1]["t"] == "Str" else "X"
    return after[0]["t"] in ("Space", "SoftBreak") and not begins.islower()


def _links_from(inlines: list[Ast]) -> int:
    """Where the row of links at a caption's end begins: data, code and runs; else where the caption ends."""
    at = len(inlines)
    while at and (inlines[at - 1]["t"] == "RawInline" or inlines[at - 1].get("c") == "."):
        at -= 1
    while at and (inlines[at - 1]["t"] in ("Link", "Space", "SoftBreak") or inlines[at - 1].get("c") == ","):
        at -= 1
    while at < len(inlines) and inlines[at]["t"] in ("Space", "SoftBreak"):
        at += 1
    return at
