"""Sorts of tokens that exclude each other, where a question has more answers than two: the letter that a word begins
with, and what kind of word it is. Each sort is a pure function that numbers the tokens of a document, -1 where a token
is of none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.run.text.contexts import Stretch
from analysis.run.text.reading import NOT_ASKED, YES, Labels, Reading, read
from analysis.run.text.tasks import TASKS

LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORD_KINDS = ("number", "country", "past_tense", "plural", "adverb", "punctuation")
"""Names of the questions, a kind each."""


class Sorted(NamedTuple):
    """Tokens that are of a sort."""

    rows: NDArray[np.int64]
    """(tokens,) row ids."""
    sorts: NDArray[np.int64]
    """(tokens,) the number of each one's sort."""


def first_letter(text: Reading) -> Labels:
    """The number in the alphabet of the letter that a word of one token begins with; capitals are as small letters."""
    found = text.blank()
    first = text.tokens_at(word.start for word in text.words)
    for token, word in zip(first, text.words, strict=True):
        letter = LETTERS.find(word.text[0].lower())
        if token == word.last and letter >= 0:
            found[token] = letter
    return found


def word_kind(text: Reading) -> Labels:
    """The place in `WORD_KINDS` of the one question that is answered yes; of tokens with two such answers, none."""
    yes = np.stack([TASKS[name](text) == YES for name in WORD_KINDS])
    return np.where(yes.sum(0) == 1, yes.argmax(0), NOT_ASKED).astype(np.int8)


def sort_tokens(stretches: Iterable[Stretch], sort: Callable[[Reading], Labels]) -> Sorted:
    """The tokens of documents that are of a sort."""
    rows, sorts = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for stretch in stretches:
        found = sort(read(stretch))
        rows.append(stretch.rows[found >= 0])
        sorts.append(found[found >= 0].astype(np.int64))
    return Sorted(np.concatenate(rows), np.concatenate(sorts))
