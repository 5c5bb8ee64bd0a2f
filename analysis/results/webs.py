"""A web of features over SAEs of several sizes on the same activations, as `data/language/web.json` holds it.

    {"host": "SmolLM2-135M", "hook": "blocks.19.hook_resid_post", "sizes": [1024, 4096, 16384],
     "nodes": [{"size": 1024, "latent": 17, "name": "years", "density": 0.012, "words": [" 1862", " 1917"],
                "examples": [["in the year ", "1862", ", when"]]}, ...],
     "edges": [{"from": 0, "to": 12, "cosine": 0.83, "coactivation": 0.61}, ...],
     "nulls": {"cosine": [{"quantile": 0.99, "value": 0.31}], "coactivation": [{"quantile": 0.99, "value": 0.08}]}}

`from` and `to` are places in `nodes`, `to` in a larger SAE. `density` is the share of tokens a latent fires on;
`cosine` that of the two decoder directions; `coactivation` the correlation (phi) of their being on over held-out
tokens. `name` may be empty, `examples` (before, token, behind) left out. Nulls are quantiles of the same numbers of
edges that know nothing of each other; `sae.evaluations.feature_splitting` gives both for two sizes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from analysis.results.kept_file import KeptFile
from sae.errors import DataError

STRENGTHS = {"cosine": "cosine of directions", "coactivation": "correlation of firing"}
MOST = 300
"""Nodes that a page can hold."""
PARTS = ("sizes", "nodes", "edges", "nulls")


@dataclass(frozen=True)
class Node:
    """A latent of one of the SAEs."""

    size: int
    latent: int
    name: str
    """What it is called; empty where it has no name."""
    density: float
    words: tuple[str, ...]
    """What it fires on most, strongest first."""
    examples: tuple[tuple[str, str, str], ...] = ()

    @property
    def called(self) -> str:
        """Its name, or its words, or that it has neither."""
        return self.name or ", ".join(word.strip() for word in self.words[:3]) or "unnamed"

    @property
    def said(self) -> str:
        """`1k latent 17 “years”`."""
        return f"{short(self.size)} latent {self.latent} {in_quotes(self.called)}"


def in_quotes(name: str) -> str:
    """A name between quotation marks, which the name of a word has already and a number needs not."""
    return name if name.startswith("“") or re.fullmatch(r"[Ll]atent \d+", name) else f"“{name}”"


@dataclass(frozen=True)
class Edge:
    """From a latent of one SAE to one of a larger SAE; `start` and `end` are places among the nodes."""

    start: int
    end: int
    cosine: float
    coactivation: float

    def strength(self, by: str) -> float:
        """One of its two numbers."""
        return float(getattr(self, by))


@dataclass(frozen=True)
class Web:
    """Latents in the order of the file, and edges."""

    sizes: tuple[int, ...]
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    nulls: dict[str, dict[float, float]]
    """By strength: quantile of random edges to value."""
    host: str = ""
    hook: str = ""
    parents: dict[int, Edge] = field(init=False, repr=False, compare=False)
    """The edge with the largest cosine into each node that has one, from the next smaller size."""

    def __post_init__(self) -> None:
        found: dict[int, Edge] = {}
        for edge in self.edges:
            near = self.sizes.index(self.nodes[edge.end].size) - self.sizes.index(self.nodes[edge.start].size) == 1
            if near and (edge.end not in found or edge.cosine > found[edge.end].cosine):
                found[edge.end] = edge
        object.__setattr__(self, "parents", found)

    @classmethod
    def of(cls, file: KeptFile) -> Web:
        """Checked. Raises DataError, with the item, for what is no web."""
        found = file.json(*PARTS)
        sizes = tuple(found["sizes"])
        if not 2 <= len(sizes) <= 4 or list(sizes) != sorted(set(sizes)) or not all(_whole(size) for size in sizes):
            raise DataError(f"{file.name}: sizes are {list(sizes)}, must be two to four whole numbers, smallest first")
        nodes = tuple(_node(item, sizes, f"{file.name}: node {at}") for at, item in enumerate(found["nodes"]))
        if not nodes or len(nodes) > MOST:
            raise DataError(f"{file.name}: {len(nodes)} nodes, must be 1 to {MOST}: choose fewer families")
        if len({(node.size, node.latent) for node in nodes}) < len(nodes):
            raise DataError(f"{file.name}: a latent stands among the nodes twice")
        edges = tuple(_edge(item, nodes, f"{file.name}: edge {at}") for at, item in enumerate(found["edges"]))
        nulls = {by: _null(found["nulls"], by, file.name) for by in STRENGTHS}
        return cls(sizes, nodes, edges, nulls, str(found.get("host", "")), str(found.get("hook", "")))

    @cached_property
    def roots(self) -> list[int]:
        """The latents of the smallest SAE."""
        return [at for at, node in enumerate(self.nodes) if node.size == self.sizes[0]]

    def children(self, at: int) -> list[int]:
        """What has its largest cosine with a node, the largest first."""
        own = [edge for edge in self.parents.values() if edge.start == at]
        return [edge.end for edge in sorted(own, key=lambda edge: -edge.cosine)]

    def family(self, root: int) -> Iterator[int]:
        """A node and all that descends from it, depth first."""
        yield root
        for child in self.children(root):
            yield from self.family(child)

    def quantile(self, by: str) -> tuple[float, float]:
        """The largest quantile of the null that is known, and its value."""
        return max(self.nulls[by].items())

    def beyond(self, edge: Edge) -> bool:
        """Whether both strengths of an edge exceed the quantiles of the nulls."""
        return all(edge.strength(by) > self.quantile(by)[1] for by in STRENGTHS)

    def splits(self, root: int) -> dict[int, list[int]]:
        """By larger size the descendants of a node, every edge up to which is beyond the nulls."""
        found: dict[int, list[int]] = {size: [] for size in self.sizes[1:]}
        level = [root]
        while level := [child for at in level for child in self.children(at) if self.beyond(self.parents[child])]:
            for child in level:
                found[self.nodes[child].size].append(child)
        return found


def short(size: int) -> str:
    """`1k`, `16k`, `768`."""
    return f"{size // 1024}k" if size % 1024 == 0 else f"{size / 1000:g}k" if size >= 10_000 else str(size)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _node(item: Any, sizes: tuple[int, ...], where: str) -> Node:
    try:
        examples = tuple((str(a), str(b), str(c)) for a, b, c in item.get("examples", []))
        node = Node(
            item["size"], item["latent"], str(item["name"] or ""), float(item["density"]),
            tuple(str(word) for word in item["words"]), examples,
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(
            f"{where}: {type(error).__name__}: {error}; must have size, latent, name, density, words, and examples of "
            "three parts or none"
        ) from None
    if node.size not in sizes or not _whole(node.latent) or not 0 <= node.density <= 1:
        raise DataError(
            f"{where}: size {node.size}, latent {node.latent}, density {node.density}; the sizes are {list(sizes)}, a "
            "latent is a whole number, a density lies in 0..1"
        )
    return node


def _edge(item: Any, nodes: tuple[Node, ...], where: str) -> Edge:
    try:
        edge = Edge(item["from"], item["to"], float(item["cosine"]), float(item["coactivation"]))
        smaller = nodes[edge.start].size < nodes[edge.end].size and min(edge.start, edge.end) >= 0
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise DataError(
            f"{where}: {type(error).__name__}: {error}; must have from and to, places among {len(nodes)} nodes, cosine "
            "and coactivation"
        ) from None
    if not smaller or not all(-1.001 <= edge.strength(by) <= 1.001 for by in STRENGTHS):
        raise DataError(
            f"{where}: from {item['from']} to {item['to']}, cosine {edge.cosine}, coactivation {edge.coactivation}; an "
            "edge leads to a larger SAE, its strengths lie in -1..1"
        )
    return edge


def _null(nulls: Any, by: str, name: str) -> dict[float, float]:
    try:
        found = {float(item["quantile"]): float(item["value"]) for item in nulls[by]}
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{name}: nulls of {by}: {type(error).__name__}: {error}; must be a list of quantile and value"
        ) from None
    if not found or not all(0 < quantile < 1 and math.isfinite(value) for quantile, value in found.items()):
        raise DataError(f"{name}: nulls of {by} are {found}, must be quantiles in 0..1 with numbers, one at least")
    return found
