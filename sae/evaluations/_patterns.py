"""Patterns of tokens with wildcards, kept as a trie that is read backwards from the token at which a latent fires."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Int
from torch import Tensor

Pattern = tuple[int | None, ...]
"""Tokens in the order of reading, the last being that at which the latent fires; None is any token."""


@dataclass
class Node:
    """A place in the trie; its children stand one token earlier in the text."""

    children: dict[int | None, Node] = field(default_factory=dict)
    ends: bool = False
    """Whether a pattern begins here."""


def trie(patterns: Iterable[Pattern]) -> Node:
    """The trie of patterns. One that another is the end of adds nothing, and is still kept."""
    root = Node()
    for pattern in patterns:
        node = root
        for token in reversed(pattern):
            node = node.children.setdefault(token, Node())
        node.ends = True
    return root


def matches(root: Node, contexts: Int[Tensor, "contexts places"]) -> Bool[Tensor, "contexts places"]:
    """Places at which some pattern ends. A pattern that would begin before its context does not match."""
    found = torch.zeros(contexts.shape, dtype=torch.bool, device="cpu")
    for context, tokens in enumerate(contexts.tolist()):
        for place in range(len(tokens)):
            found[context, place] = _ends_at(root, tokens, place)
    return found.to(contexts.device)


def _ends_at(root: Node, tokens: list[int], place: int) -> bool:
    waiting = [(root, place)]
    while waiting:
        node, at = waiting.pop()
        if node.ends:
            return True
        if at >= 0:
            for token in (tokens[at], None):
                if token in node.children:
                    waiting.append((node.children[token], at - 1))
    return False


def walk(root: Node) -> Iterator[Pattern]:
    """The patterns of a trie."""
    waiting: list[tuple[Node, Pattern]] = [(root, ())]
    while waiting:
        node, pattern = waiting.pop()
        if node.ends:
            yield pattern
        waiting.extend((child, (token, *pattern)) for token, child in node.children.items())
