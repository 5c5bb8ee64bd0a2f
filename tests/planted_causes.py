"""A prompt whose prediction hangs on latents that are known: the first most, others less and less, some against."""

from __future__ import annotations

import json
from typing import Any

from analysis.results.kept_file import KeptFile

PROMPT = ["The", "people", "of", "the", "United", "States", "and", "of", "their", "neighbours", "in", "the", "north"]
NAMES = (
    "war and peace",
    "countries",
    "",
    "the ends of phrases",
    "long ago",
    "a name that is much too long for its box",
)


def planted(tokens: int = 10, latents: int = 6, rank: float | None = 0.9, foil: str = " work") -> dict[str, Any]:
    """`latents` nodes with attributions 2, 1, -2/3, ..., each from two tokens; ablation takes nine tenths of that."""
    words = [(" " if at else "") + PROMPT[at % len(PROMPT)] for at in range(tokens)]
    nodes, edges = [], []
    for number in range(latents):
        value = 2 / (number + 1) * (-1 if number % 3 == 2 else 1)
        nodes.append({
            "place": (number * 3 + 1) % tokens, "latent": 100 + number, "name": NAMES[number % len(NAMES)],
            "value": 3.0, "attribution": value, "effect": 0.9 * value, "random": 0.01 * (number + 1),
        })  # fmt: skip
        for token in {number % tokens, (number * 3 + 1) % tokens}:
            edges.append({"token": token, "node": number, "attribution": 0.5 / (number + 1), "effect": 0.4})
    return {
        "host": "a planted model", "hook": "middle", "sae": "8", "tokens": words, "target": " peace", "foil": foil,
        "difference": 4.0, "nodes": nodes, "edges": edges, "of_nodes": 2.5, "of_rest": 1.0, "rank_correlation": rank,
    }  # fmt: skip


def file(content: Any) -> KeptFile:
    """As a figure gets it."""
    return KeptFile("data/language/attribution.json", json.dumps(content).encode())
