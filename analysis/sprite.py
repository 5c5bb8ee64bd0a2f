"""Cells of the sprite as HTML: a span whose background is shifted to the image. The sheet is named in theme.css."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any


def cells(sprite: dict[str, Any], examples: Sequence[int]) -> str:
    """Spans for the given example ids, in order. They are decoration: the caller says in words what they show."""
    where = {example: cell for cell, example in enumerate(sprite["ids"])}
    parts = []
    for example in examples:
        cell = where[int(example)]
        x, y = cell % sprite["columns"], cell // sprite["columns"]
        parts.append(f'<i style="--x:{x};--y:{y}"></i>')
    return "".join(parts)


def label_counts(sprite: dict[str, Any], examples: Sequence[int]) -> list[tuple[str, int]]:
    """How many of the examples each class has, most first."""
    label = dict(zip(sprite["ids"], sprite["labels"], strict=True))
    counts: dict[str, int] = {}
    for example in examples:
        name = sprite["class_names"][label[int(example)]]
        counts[name] = counts.get(name, 0) + 1
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def spoken_counts(sprite: dict[str, Any], examples: Sequence[int]) -> str:
    """`9 of 9 are 7` or `5 of 9 are 3, 4 are 8`, or a sentence for no image at all."""
    counts = label_counts(sprite, examples)
    if not counts:
        return "no held-out image drives it"
    (first, n), *rest = counts
    text = f"{n} of {len(examples)} are {first}"
    if rest:
        text += ", " + ", ".join(f"{count} {'is' if count == 1 else 'are'} {name}" for name, count in rest[:2])
    return escape(text)
