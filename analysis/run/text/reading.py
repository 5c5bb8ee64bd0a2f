"""A document's tokens read as text: where its words, sentences and quotations are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.run.text.contexts import Stretch
from analysis.run.text.word_lists import ABBREVIATIONS

Labels = NDArray[np.int8]
"""Of each token: 1 yes, 0 no, -1 not asked."""
YES, NO, NOT_ASKED = 1, 0, -1

_BYTE = re.compile(r"\\x[0-9a-f]{2}")
_WORD = re.compile(r"[^\W\d_]+|\d+(?:[.,]\d+)*")
_SENTENCE = re.compile(r"[.?!][\"”')\]]*\s+(?=[\"“(]?[^\W\d_])")
# A mark opens after a blank or bracket and before a letter, and closes the other way round: a lone one pairs with none.
_QUOTE = re.compile(r"(?<![^\s(\[-])[\"“](?=\S)[^\"“”]{1,600}(?<=\S)[\"”](?=[\s.,;:!?)\]-]|$)")


@dataclass(frozen=True)
class Word:
    """A run of letters, or a number."""

    text: str
    start: int
    """Character where it starts."""
    last: int
    """The token that ends it."""


@dataclass(frozen=True)
class Reading:
    """Tokens of a document from its first on. Bytes that make no character stand as blanks: they are in no word."""

    pieces: Sequence[str] = field(repr=False)
    """Text of each token."""
    facts: Mapping[str, Any]
    """What is known of the document."""
    length: int
    """Tokens of the whole document."""

    @cached_property
    def plain(self) -> list[str]:
        """The pieces, with blanks for bytes that make no character; each is as long as it was."""
        return [_BYTE.sub("    ", piece) for piece in self.pieces]

    @cached_property
    def text(self) -> str:
        """All of it."""
        return "".join(self.plain)

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """(tokens + 1,) the character where each token starts, and where the last ends."""
        return np.concatenate([[0], np.cumsum([len(piece) for piece in self.pieces])]).astype(np.int64)

    @cached_property
    def words(self) -> list[Word]:
        """The words, in order."""
        found = list(_WORD.finditer(self.text))
        last = self.tokens_at([one.end() - 1 for one in found])
        return [Word(one.group(), one.start(), token) for one, token in zip(found, last, strict=True)]

    @cached_property
    def sentences(self) -> list[int]:
        """The character where each sentence starts, blanks and marks before it left out; abbreviations end none."""
        found = [0]
        for match in _SENTENCE.finditer(self.text):
            before = re.search(r"[^\W\d_]*$", self.text[max(0, match.start() - 12) : match.start()])
            word = before.group() if before else ""
            short = self.text[match.start()] == "." and (word in ABBREVIATIONS or len(word) == 1)
            upper = re.match(r"[\"“(]?[A-ZÀ-Þ]", self.text[match.end() : match.end() + 2])
            if upper and not short:
                found.append(match.end())
        return found

    @cached_property
    def quotes(self) -> list[tuple[int, int]]:
        """Characters of each quotation, its marks left out; of at most 600."""
        return [(one.start() + 1, one.end() - 1) for one in _QUOTE.finditer(self.text)]

    def tokens_at(self, characters: Iterable[int]) -> list[int]:
        """The token that each character stands in."""
        places = np.fromiter(characters, np.int64)
        found: list[int] = (np.searchsorted(self.starts, places, "right") - 1).tolist()
        return found

    def blank(self, value: int = NOT_ASKED) -> Labels:
        """Labels that are all one value."""
        return np.full(len(self.pieces), value, np.int8)


def read(stretch: Stretch) -> Reading:
    """A document as contexts hold it."""
    return Reading(stretch.pieces, stretch.facts, stretch.length)
