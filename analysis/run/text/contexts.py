"""Texts cut into contexts of equal length, with where each came from. A token in its context is a row, whose id is
`context * places + place`."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.run.text.tokenisers import Tokeniser, escaped
from sae.errors import ConfigError

FEWEST, MOST = 2, 8_192
# Tokens that are shown before and after the one that is meant.
BEFORE, AFTER = 12, 6


class Stretch(NamedTuple):
    """What contexts hold of one document, from its first token on."""

    facts: Mapping[str, Any]
    """What is known of the document."""
    length: int
    """Tokens of the whole document, the tail that no context holds included."""
    pieces: list[str]
    """Text of each token, in order."""
    rows: NDArray[np.int64]
    """Row id of each token."""


@dataclass(frozen=True)
class Contexts:
    """Contexts of one tokeniser; each holds tokens of one document, those of a document follow one another."""

    tokeniser: str
    """Its name."""
    pieces: Sequence[str] = field(repr=False)
    """(vocabulary,) text of each token id, for display."""
    ids: NDArray[np.int32] = field(repr=False)
    """(contexts, places) token ids."""
    first: int
    """The place of the first token of the text: 1 where the token that starts a text stands at place 0."""
    document: NDArray[np.int32] = field(repr=False)
    """(contexts,) the number of the document."""
    lengths: NDArray[np.int64] = field(repr=False)
    """(documents,) tokens of each document."""
    facts: tuple[Mapping[str, Any], ...] = field(repr=False)
    """(documents,) what is known of each."""

    @property
    def places(self) -> int:
        """Tokens in a context."""
        return int(self.ids.shape[1])

    @property
    def left_out(self) -> int:
        """Tokens in no context: the ends of documents, shorter than one."""
        return int(self.lengths.sum()) - len(self.ids) * (self.places - self.first)

    def show(self, row: int) -> str:
        """HTML of a row: its token marked, up to 12 tokens before and 6 after it, and the document's facts as a title.

        Ends of lines and bytes that make no character are written as `\\n` and `\\xe2`.
        """
        context, place = divmod(int(row), self.places)
        shown = [html.escape(escaped(self.pieces[number])) for number in self.ids[context].tolist()]
        start, end = max(0, place - BEFORE), place + 1 + AFTER
        before, after = "".join(shown[start:place]), "".join(shown[place + 1 : end])
        told = ", ".join(str(value) for value in self.facts[self.document[context]].values() if value != "")
        title = f' title="{html.escape(told)}"' if told else ""
        cut = ("…" if start else "", "…" if end < self.places else "")
        return f'<span class="tokens"{title}>{cut[0]}{before}<mark>{shown[place]}</mark>{after}{cut[1]}</span>'

    def stretches(self, contexts: NDArray[np.bool_] | None = None) -> Iterator[Stretch]:
        """Each document of which `contexts` (a mask; all without one) hold some, as one run of tokens.

        Contexts of a document are all in the mask or none: it marks a split.
        """
        wanted = np.ones(len(self.ids), bool) if contexts is None else contexts
        for document in np.unique(self.document[wanted]).tolist():
            numbers = np.flatnonzero(self.document == document)
            rows = (numbers[:, None] * self.places + np.arange(self.first, self.places)).ravel()
            pieces = [self.pieces[one] for one in self.ids[numbers, self.first :].ravel().tolist()]
            yield Stretch(self.facts[document], int(self.lengths[document]), pieces, rows.astype(np.int64))


def checked_places(context: Any) -> int:
    """The option `context`. Raises ConfigError."""
    if isinstance(context, bool) or not isinstance(context, int) or not FEWEST <= context <= MOST:
        raise ConfigError(
            f"dataset_options.context = {context!r}: must be the tokens of a context, a whole number from {FEWEST} to "
            f"{MOST:,}, at most those that the host reads"
        )
    return context


def cut(texts: Sequence[str], facts: Sequence[Mapping[str, Any]], tokeniser: Tokeniser, places: int) -> Contexts:
    """Contexts of `places` tokens: the token that starts a text, where there is one, and the next tokens of a document.

    What is left of a document at its end, shorter than a context, is in none: nothing is padded, and no context holds
    two documents.
    """
    first = int(tokeniser.start is not None)
    step = places - first
    lengths, numbers, parts = [], [], []
    for number, text in enumerate(texts):
        ids = np.array(tokeniser.encode(text), np.int32)
        count = len(ids) // step
        part = np.full((count, places), tokeniser.start or 0, np.int32)
        part[:, first:] = ids[: count * step].reshape(count, step)
        lengths.append(len(ids))
        numbers.append(np.full(count, number, np.int32))
        parts.append(part)
    return Contexts(
        tokeniser.name,
        tokeniser.pieces,
        np.concatenate(parts) if parts else np.zeros((0, places), np.int32),
        first,
        np.concatenate(numbers) if numbers else np.zeros(0, np.int32),
        np.array(lengths, np.int64),
        tuple(facts),
    )
