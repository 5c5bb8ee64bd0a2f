"""What a page of language tells of each latent: where it fires, what it makes likelier, and which are worth a try.

All of it is computed with the model as it stands in the page's file, on texts that it was not trained on. `words` are
the tokens on which a latent is at least half as strong as it ever is, each with its share of them by activation;
`raises` those that become likelier, on average over places of the text, when it is held at `TURNED` times its largest
activation; `top` the contexts that drive it most, one a text. Offered first are latents that make words likelier which
are not among the most frequent ones, no two of them the same.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from numpy.typing import NDArray
from torch import Tensor

from analysis.run.web_tokens import text_of
from analysis.run.web_union import PageModel

BATCH = 16
"""Contexts at once."""
TURNED = 2.0
"""Times its largest activation that a latent is held at, on the page too until the reader chooses."""
WORDS, LIKELIER, TOP = 5, 10, 4
BEFORE, AFTER = 10, 4
"""Tokens of a context that are shown."""
LEAST_GAIN = 5e-4
MOST_SHARED = 0.1
"""A latent on more of all tokens than that is not offered."""
OFFERED = 8
TRIED = (8, 48)
"""Contexts and places on which `raises` are counted."""
WORD, COMMON = 4, 0.07
"""Letters from which on a token is a word worth offering, where it is not in that share of the most frequent ones."""
STRONG = 0.5
"""Of its largest activation, from which on a latent counts as strong."""


def described(
    model: PageModel, contexts: Int[Tensor, "contexts places"], tokens: dict[str, Any], names: list[str | None]
) -> dict[str, Any]:
    """`latents` in their order (name, words, raises, top, largest, density) and the numbers of those `offered`."""
    found = _fired(model, contexts)
    gains = _gains(model, contexts, found[3])
    flat = contexts.numpy()
    latents = []
    for latent, rows, values in _by_latent(found, len(found[3])):
        strong = values >= STRONG * values.max(initial=0)
        by_token = np.bincount(flat[rows[strong, 0], rows[strong, 1]], values[strong])
        words = [(int(token), float(by_token[token])) for token in np.argsort(-by_token)[:WORDS] if by_token[token] > 0]
        total = float(values[strong].sum())
        latents.append(
            {
                "name": names[latent] if names else None,
                "largest": round(float(found[3][latent]), 4),
                "density": round(len(values) / _rows(contexts), 7),
                "words": [[text_of([token], tokens), round(value / total, 3)] for token, value in words],
                "raises": _likelier(gains[latent], tokens),
                "top": _top(rows, values, flat, tokens),
            }
        )
    return {"latents": latents, "offered": _offered(latents, contexts)}


def _rows(contexts: Tensor) -> int:
    """Rows that an SAE may read."""
    return contexts.shape[0] * (contexts.shape[1] - 1)


def _fired(model: PageModel, contexts: Tensor) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Of every activation the latent, the row (context, place) and the value; and the largest value of each latent."""
    latent, row, value = [], [], []
    with torch.no_grad():
        for start in range(0, len(contexts), BATCH):
            rows = model.read(contexts[start : start + BATCH])
            codes = model.codes(rows) * model.read_by_sae(rows)[..., None]
            at = codes.nonzero().numpy()
            latent.append(at[:, 2])
            row.append(at[:, :2] + np.array([start, 0]))
            value.append(codes[codes > 0].numpy())
    largest = np.zeros(len(model.at["sae.bias"]), np.float32)
    np.maximum.at(largest, np.concatenate(latent), np.concatenate(value))
    return np.concatenate(latent), np.concatenate(row), np.concatenate(value), largest


def _by_latent(found: tuple[NDArray[Any], ...], latents: int) -> list[tuple[int, NDArray[Any], NDArray[Any]]]:
    """By latent its rows and values, the strongest first."""
    latent, row, value = found[:3]
    order = np.lexsort((-value, latent))
    edges = np.searchsorted(latent[order], np.arange(latents + 1))
    return [(n, row[order[a:b]], value[order[a:b]]) for n, (a, b) in enumerate(pairwise(edges))]


def _top(rows: NDArray[Any], values: NDArray[Any], flat: NDArray[Any], tokens: dict[str, Any]) -> list[list[Any]]:
    """Text before, token, text after, activation: of the contexts that drive a latent most."""
    found: dict[int, list[Any]] = {}
    special = {number for _, number in tokens["added"]}
    for (context, place), value in zip(rows.tolist(), values.tolist(), strict=True):
        if len(found) == TOP:
            break
        if context not in found:
            ids = flat[context].tolist()
            parts = (ids[max(0, place - BEFORE) : place], [ids[place]], ids[place + 1 : place + 1 + AFTER])
            plain = ([number for number in part if number not in special] for part in parts)
            found[context] = [*(text_of(part, tokens) for part in plain), round(value, 3)]
    return list(found.values())


def _gains(model: PageModel, contexts: Tensor, largest: NDArray[Any]) -> NDArray[Any]:
    """(latents, vocabulary): how much likelier each token becomes, on average, with a latent held high."""
    some = contexts[: TRIED[0], : TRIED[1]]
    with torch.no_grad():
        rows = model.read(some)
        near = model.read_by_sae(rows)
        before = model.go_on(rows)[near].softmax(-1).mean(0)
        gains = torch.zeros(len(largest), len(before))
        for latent, most in enumerate(largest.tolist()):
            if most > 0:
                after = model.go_on(model.clamped(rows, latent, TURNED * most))[near].softmax(-1).mean(0)
                gains[latent] = after - before
    return gains.numpy()


def _likelier(gain: NDArray[Any], tokens: dict[str, Any]) -> list[list[Any]]:
    """The tokens that gain most, each with its number and its gain in probability; none that cannot be seen whole."""
    order = ((int(token), text_of([int(token)], tokens)) for token in np.argsort(-gain) if gain[token] > LEAST_GAIN)
    whole = [(token, text) for token, text in order if "\ufffd" not in text and text.strip().isprintable()][:LIKELIER]
    return [[token, text, round(float(gain[token]), 4)] for token, text in whole]


def _offered(latents: list[dict[str, Any]], contexts: Tensor) -> list[int]:
    """The latents that make words likelier most, as far as they are no copies of each other."""
    numbers = np.bincount(contexts.numpy().ravel())
    common = set(np.argsort(-numbers)[: int(COMMON * len(numbers))].tolist())

    def words(latent: dict[str, Any]) -> list[tuple[str, float]]:
        usual = latent["density"] <= MOST_SHARED and len(latent["top"]) >= min(TOP, len(contexts))
        return [
            (word, gain) for token, word, gain in latent["raises"]
            if usual and token not in common and word.startswith(" ") and len(word.strip()) >= WORD
        ]  # fmt: skip

    found: list[int] = []
    taken: set[str] = set()
    for latent in sorted(range(len(latents)), key=lambda n: -sum(gain for _, gain in words(latents[n]))):
        likelier = {word for word, _ in words(latents[latent])[:3]}
        if likelier and not taken & likelier:
            found.append(latent)
            taken |= likelier
        if len(found) == OFFERED:
            break
    return found
