"""Which latents of a prompt a prediction hangs on, as `data/language/attribution.json` holds it.

    {"host": "SmolLM2-135M", "hook": "blocks.19.hook_resid_post", "sae": "4k", "tokens": ["The", " United"],
     "target": " States", "foil": " Kingdom", "difference": 3.2,
     "nodes": [{"place": 1, "latent": 17, "name": "countries", "value": 4.1, "attribution": 0.8, "effect": 0.7,
                "random": 0.02}],
     "edges": [{"token": 1, "node": 0, "attribution": 0.5, "effect": 0.4}],
     "of_nodes": 2.4, "of_rest": 0.9, "rank_correlation": 0.93}

What `sae.evaluations.attribution` finds, with words: `difference` is the logit of the target minus that of the foil at
the last place (an empty foil: minus the mean logit). A node is a latent at a place; its attribution is what gradient
times activation gives it, its effect what ablation takes away, `random` what a random direction as long takes away. An
edge is a token's part in a node, before its activation function. `rank_correlation` (null: too few nodes to rank) is
Spearman's, of attribution and effect.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from analysis.results.kept_file import KeptFile
from sae.errors import DataError

PARTS = ("tokens", "target", "difference", "nodes", "edges", "of_nodes", "of_rest", "rank_correlation")
NODE = ("place", "latent", "name", "value", "attribution", "effect", "random")
EDGE = ("token", "node", "attribution", "effect")


@dataclass(frozen=True)
class Cause:
    """A latent at a place of the prompt."""

    place: int
    latent: int
    name: str
    value: float
    attribution: float
    effect: float
    random: float

    @property
    def called(self) -> str:
        """Its name, or its number where it has none."""
        return self.name or f"latent {self.latent}"


@dataclass(frozen=True)
class Part:
    """A token's part in a cause; `node` is the cause's place in the list."""

    token: int
    node: int
    attribution: float
    effect: float


@dataclass(frozen=True)
class Traced:
    """A prompt and what its prediction hangs on; causes from the largest attribution down, whichever its sign."""

    tokens: tuple[str, ...]
    target: str
    foil: str
    difference: float
    nodes: tuple[Cause, ...]
    edges: tuple[Part, ...]
    of_nodes: float
    of_rest: float
    rank_correlation: float | None
    where: str
    """Which SAE on what, as far as the file says."""

    @classmethod
    def of(cls, file: KeptFile) -> Traced:
        """Checked. Raises DataError, with the item, for something else."""
        found = file.json(*PARTS)
        tokens = tuple(str(token) for token in found["tokens"])
        nodes = [
            Cause(
                _place(item, "place", len(tokens), where), _place(item, "latent", None, where), str(item["name"] or ""),
                *(_number(item, key, where) for key in NODE[3:]),
            )
            for item, where in _items(found["nodes"], NODE, f"{file.name}: node")
        ]  # fmt: skip
        edges = [
            Part(
                _place(item, "token", len(tokens), where), _place(item, "node", len(nodes), where),
                *(_number(item, key, where) for key in EDGE[2:]),
            )
            for item, where in _items(found["edges"], EDGE, f"{file.name}: edge")
        ]  # fmt: skip
        if not tokens or not nodes:
            raise DataError(f"{file.name}: {len(tokens)} tokens and {len(nodes)} nodes, must be one of each at least")
        order = sorted(range(len(nodes)), key=lambda at: -abs(nodes[at].attribution))
        rank = None if found["rank_correlation"] is None else _number(found, "rank_correlation", file.name)
        return cls(
            tokens, str(found["target"]), str(found.get("foil") or ""), _number(found, "difference", file.name),
            tuple(nodes[at] for at in order),
            tuple(Part(edge.token, order.index(edge.node), edge.attribution, edge.effect) for edge in edges),
            _number(found, "of_nodes", file.name), _number(found, "of_rest", file.name), rank,
            " ".join(str(found[key]) for key in ("sae", "hook", "host") if found.get(key)),
        )  # fmt: skip

    def parts(self, node: int) -> list[Part]:
        """The tokens that a cause comes from, the largest part first."""
        return sorted((edge for edge in self.edges if edge.node == node), key=lambda edge: -abs(edge.attribution))


def _items(found: Any, keys: tuple[str, ...], what: str) -> list[tuple[dict[str, Any], str]]:
    items = []
    for at, item in enumerate(found):
        if not isinstance(item, dict) or (missing := [key for key in keys if key not in item]):
            lacks = missing[0] if isinstance(item, dict) else "a name"
            raise DataError(f"{what} {at}: {lacks} is not there; must have {', '.join(keys)}")
        items.append((item, f"{what} {at}"))
    return items


def _place(item: dict[str, Any], key: str, below: int | None, where: str) -> int:
    value = item[key]
    if not isinstance(value, int) or isinstance(value, bool) or value < 0 or (below is not None and value >= below):
        raise DataError(f"{where}: {key} is {value!r}, must be a whole number{f' below {below}' if below else ''}")
    return value


def _number(item: dict[str, Any], key: str, where: str) -> float:
    value = item[key]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise DataError(f"{where}: {key} is {value!r}, must be a number")
    return float(value)
