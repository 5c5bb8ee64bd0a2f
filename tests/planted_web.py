"""A web of features whose families are known: every latent of the smallest SAE splits into a given number."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

from analysis.results.kept_file import KeptFile

NAMES = (
    "years",
    "money",
    "countries",
    "presidents",
    "war",
    "negation",
    "quotation marks",
    "a very long name of a latent",
)


def planted(
    sizes: Sequence[int] = (1024, 4096, 16384), families: int = 3, into: int = 2, wrong: int = 2, seed: int = 0
) -> dict[str, Any]:
    """`families` latents of the smallest SAE, each of which splits into `into` latents at every step, with cosines of
    .7 to .95; `wrong` further edges into latents of other families, with cosines below .25, as random ones have."""
    draw = random.Random(seed)
    nodes: list[dict[str, Any]] = []
    edges: list[dict[str, Any]] = []
    taken = {size: draw.sample(range(size), families * into ** len(sizes)) for size in sizes}

    def add(step: int, family: int, name: str, parent: int | None) -> None:
        size, at = sizes[step], len(nodes)
        words = [f" {name}{number}" for number in range(3)]
        nodes.append({
            "size": size, "latent": taken[size].pop(), "name": name, "density": 0.05 / (step + 1) ** 2, "words": words,
            "examples": [["before the ", words[0].strip(), " and behind"]], "family": family,
        })  # fmt: skip
        if parent is not None:
            cosine = draw.uniform(0.7, 0.95)
            edges.append({"from": parent, "to": at, "cosine": cosine, "coactivation": cosine - 0.2})
        if step + 1 < len(sizes):
            for number in range(into):
                add(step + 1, family, f"{name} {'abcdefgh'[number]}", at)

    for family in range(families):
        add(0, family, NAMES[family % len(NAMES)], None)
    step = {size: number for number, size in enumerate(sizes)}
    others = [
        (a, b) for a, one in enumerate(nodes) for b, two in enumerate(nodes)
        if one["family"] != two["family"] and step[two["size"]] == step[one["size"]] + 1
    ]  # fmt: skip
    for a, b in draw.sample(others, min(wrong, len(others))):
        cosine = draw.uniform(0.1, 0.25)
        edges.append({"from": a, "to": b, "cosine": cosine, "coactivation": cosine / 2})
    null = [{"quantile": 0.95, "value": 0.2}, {"quantile": 0.99, "value": 0.3}]
    return {
        "host": "a planted model", "hook": "middle", "sizes": list(sizes), "nodes": nodes, "edges": edges,
        "nulls": {"cosine": null, "coactivation": [{"quantile": 0.99, "value": 0.15}]},
    }  # fmt: skip


def file(content: Any) -> KeptFile:
    """As a figure gets it."""
    return KeptFile("data/language/web.json", json.dumps(content).encode())
