"""Questions that text answers of its own tokens, for sparse probing: each a pure function that labels the tokens of a
document 1, 0, or -1 where it is not asked.

A question about words is asked at the last token of a word, where a model that reads from left to right has seen all of
it. Word kinds are told by endings and lists, so that labels are right for most words, not for all. Whoever probes draws
as many tokens of either answer as wanted, from training and from held-out documents.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.run.text.contexts import Stretch
from analysis.run.text.reading import NO, YES, Labels, Reading, Word, read
from analysis.run.text.word_lists import COUNTRIES, DOUBTFUL, IRREGULAR_PAST, NO_ADVERB, NO_PAST, NO_PLURAL

Task = Callable[[Reading], Labels]
SHORTEST = 4
"""Letters of a word whose ending tells what it is."""
_COUNTRY = re.compile(rf"\b(?:{'|'.join(sorted(COUNTRIES, key=len, reverse=True))})\b")
_MARKS = re.compile(r"\s*[^\w\s]+\s*")
DECADES = tuple(range(1900, 2020, 10))


class Answered(NamedTuple):
    """The tokens of which a question was asked."""

    rows: NDArray[np.int64]
    """(tokens,) row ids."""
    labels: NDArray[np.bool_]
    """(tokens,) the answers."""


def capitalised(text: Reading) -> Labels:
    """The word begins with a capital (no word that starts a sentence is asked)."""
    return _of_words(text, lambda word: word.text[0].isupper(), lambda word: word.text[0].isalpha(), inside=True)


def number(text: Reading) -> Labels:
    """The word is a number in digits."""
    return _of_words(text, lambda word: word.text[0].isdigit())


def money(text: Reading) -> Labels:
    """The number is an amount in dollars (numbers alone are asked)."""
    whole = text.text
    return _of_words(text, lambda word: whole[max(0, word.start - 1)] == "$", lambda word: word.text[0].isdigit())


def country(text: Reading) -> Labels:
    """The capitalised word ends the name of a country (the United States, names of states, and words that start a
    sentence are not asked)."""
    ends = {match.end(): match.group() for match in _COUNTRY.finditer(text.text)}
    unsure = {"United", "States", *DOUBTFUL}
    return _of_words(
        text,
        lambda word: word.start + len(word.text) in ends,
        lambda word: word.text[0].isupper() and word.text not in unsure,
        inside=True,
    )


def past_tense(text: Reading) -> Labels:
    """The word in small letters ends in -ed, or is a common irregular past."""
    return _of_words(
        text,
        lambda word: word.text in IRREGULAR_PAST or (word.text.endswith("ed") and word.text not in NO_PAST),
        _small,
    )


def plural(text: Reading) -> Labels:
    """The word in small letters ends in -s as plurals do (verbs in the third person do, too)."""
    return _of_words(text, lambda word: _is_plural(word.text), _small)


def adverb(text: Reading) -> Labels:
    """The word in small letters ends in -ly."""
    return _of_words(text, lambda word: word.text.endswith("ly") and word.text not in NO_ADVERB, _small)


def in_quote(text: Reading) -> Labels:
    """The token stands in a quotation between quotation marks."""
    labels = text.blank(NO)
    for start, end in text.quotes:
        first, last = text.tokens_at([start, end - 1])
        labels[first : last + 1] = YES
    return labels


def punctuation(text: Reading) -> Labels:
    """The token holds marks alone."""
    return _each(text, [bool(_MARKS.fullmatch(piece)) for piece in text.plain])


def first_of_sentence(text: Reading) -> Labels:
    """The token is the first of a sentence."""
    labels = text.blank(NO)
    whole = text.text
    # a token that holds a blank before it starts one place earlier, and is the one that the letter stands in
    labels[text.tokens_at(start for start in text.sentences if start < len(whole))] = YES
    return labels


def first_tenth(text: Reading) -> Labels:
    """The token stands in the first tenth of its document."""
    return _each(text, (np.arange(len(text.pieces)) < text.length / 10).tolist())


def word_goes_on(text: Reading) -> Labels:
    """The token ends within a word, whose letters or digits the next token goes on with (tokens that end in none, and
    the last, are not asked)."""
    labels = text.blank()
    for token, (piece, after) in enumerate(pairwise(text.plain)):
        if piece[-1:].isalnum():
            labels[token] = after[:1].isalnum()
    return labels


def comma_next(text: Reading) -> Labels:
    """The next token begins with a comma (the last is not asked)."""
    labels = text.blank()
    labels[:-1] = [piece.startswith(",") for piece in text.pieces[1:]]
    return labels


def after_1900(text: Reading) -> Labels:
    """The document is of 1900 or later (those without a year are not asked)."""
    year = text.facts.get("year")
    return text.blank() if not isinstance(year, int) else text.blank(int(year >= DECADES[0]))


def republican(text: Reading) -> Labels:
    """The president is a Republican (asked of Republicans and Democrats)."""
    answer = {"Republican": YES, "Democratic": NO}.get(str(text.facts.get("party")))
    return text.blank() if answer is None else text.blank(answer)


def of_decade(start: int) -> Task:
    """The question whether the document is of the decade that starts with `start` (asked from 1900 on)."""

    def decade(text: Reading) -> Labels:
        year = text.facts.get("year")
        asked = isinstance(year, int) and year >= DECADES[0]
        return text.blank(int(start <= int(str(year)) < start + 10)) if asked else text.blank()

    decade.__name__ = f"decade_{start}s"
    decade.__doc__ = f"The document is of the {start}s (those before 1900 are not asked)."
    return decade


TASKS: dict[str, Task] = {
    task.__name__: task
    for task in (
        capitalised, number, money, country, past_tense, plural, adverb, in_quote, punctuation, first_of_sentence,
        first_tenth, word_goes_on, comma_next, after_1900, republican, *map(of_decade, DECADES),
    )
}  # fmt: skip
"""Every question by its name."""


def answers(stretches: Iterable[Stretch], names: Iterable[str] = tuple(TASKS)) -> dict[str, Answered]:
    """What each question of `names` says of the tokens of documents; those of which it is not asked are left out."""
    wanted = list(names)
    rows: dict[str, list[NDArray[np.int64]]] = {name: [] for name in wanted}
    labels: dict[str, list[NDArray[np.bool_]]] = {name: [] for name in wanted}
    for stretch in stretches:
        text = read(stretch)
        for name in wanted:
            found = TASKS[name](text)
            rows[name].append(stretch.rows[found >= 0])
            labels[name].append(found[found >= 0] == YES)
    none, nothing = np.zeros(0, np.int64), np.zeros(0, bool)
    return {name: Answered(np.concatenate([none, *rows[name]]), np.concatenate([nothing, *labels[name]]))
            for name in wanted}  # fmt: skip


def _of_words(
    text: Reading,
    answer: Callable[[Word], bool],
    asked: Callable[[Word], bool] = lambda word: True,
    *,
    inside: bool = False,
) -> Labels:
    """Labels of the last tokens of the words that are asked; `inside`: no word that starts a sentence is."""
    labels = text.blank()
    first = {_letter(text, start) for start in text.sentences} if inside else set()
    for word in text.words:
        if asked(word) and word.start not in first:
            labels[word.last] = answer(word)
    return labels


def _letter(text: Reading, start: int) -> int:
    """The first letter or digit of a sentence, behind blanks and marks."""
    found = re.compile(r"\w").search(text.text, start)
    return found.start() if found else start


def _each(text: Reading, answer: list[bool]) -> Labels:
    return np.array(answer, np.int8)


def _small(word: Word) -> bool:
    return len(word.text) >= SHORTEST and word.text.islower()


def _is_plural(word: str) -> bool:
    return word.endswith("s") and not word.endswith(("ss", "us", "is", "ous")) and word not in NO_PLURAL
