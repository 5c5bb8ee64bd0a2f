"""How much one item says what another says: shared word stems and link targets, the rare ones weighing most.

Words come from the text without the words that say little (English stop words, and what every log is full of: run,
train, try), stemmed, so that "trained" meets "train". Two addresses of one paper are one target.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
import snowballstemmer
from scipy import sparse

from analysis.logs.items import Item

_WORD = re.compile(r"[^\W_]+")
_CHUNK = 128

MOST = 500
"""For one text so many others are given at most, the closest: a log of one line over and over has them all alike."""

COMPARED = 40_000
"""Of more items in all only the newest are compared; what is equal is one thing all the same."""
STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
    a about above after again against all almost alone along already also although always am among an and another any
    anyone anything are around as at away back be because been before being below between both but by can cannot could
    did do does doing done down during each either else enough even ever every everything few first for from further
    had has have having he her here him his how however i if in indeed instead into is it its itself just last least
    less like made make many may maybe me might mine more most mostly much must my myself neither never next no nobody
    none nor not nothing now of off often on once one only onto or other others our out over own per perhaps please
    quite rather really s same say seem seemed seems several she should since so some somehow someone something still
    such t than that the their them themselves then there therefore these they thing things this those though through
    thus to together too toward under until up upon us very via was we well were what whatever when where whether which
    while who whole whom whose why will with within without would yet you your

    run runs ran running train trained training trains try tried trying use used using making get got set look looked
    looking start started want need stuff
""",
    )
)
"""Words that say little: the small ones, and what is done to a thing in every log."""
_GENERIC_WORDS = """
    fix fixed bug bugs issue issues problem problems error add added write writing written implement make plot
    plots plotted figure figures test tests tested code script function file files data dataset model models
    experiment experiments result results analysis check compare learn read paper update clean new old better
    different more loss layer layers step steps value values number numbers work works version
"""
_STEMMER = snowballstemmer.stemmer("english")
_PAPER = re.compile(r"arxiv\.org/(?:abs|pdf|html)/(\d{4}\.\d{4,5})")
# A long word of letters and digits in an address is an id: the same post under another title.
_ID = re.compile(r"(?=[A-Za-z0-9]*\d)(?=[A-Za-z0-9]*[A-Za-z])[A-Za-z0-9]{14,}")


@cache
def stem(word: str) -> str:
    """The stem of a word in lower case."""
    return str(_STEMMER.stemWord(word))


GENERIC = frozenset(stem(word) for word in _GENERIC_WORDS.split())
"""Stems that tell nothing of what a step is about: "fix the bug" is closed by no other fixed bug."""


def target(link: str) -> str:
    """What an address leads to, so that two addresses of one thing are equal."""
    if paper := _PAPER.search(link):
        return f"arxiv:{paper.group(1)}"
    if identifier := _ID.search(link.partition("?")[0]):
        return f"id:{identifier.group()}"
    return re.sub(r"^(?:https?:)?//(?:www\.)?", "", link.split("#")[0]).rstrip("/").casefold()


def stems(text: str) -> list[str]:
    """The words of a text that count, stemmed, in their order."""
    return [stem(word) for word in _WORD.findall(text.casefold()) if word not in STOP_WORDS]


def terms(item: Item) -> list[str]:
    """What an item is compared by: its stems and the targets of its links."""
    return stems(item.text) + [f"link {target(link)}" for link in item.links if "://" in link]


class Likeness:
    """Texts as weighted terms. A term's weight is its inverse document frequency over all texts given."""

    def __init__(self, texts: Sequence[Sequence[str]]) -> None:
        self._sets = [frozenset(text) for text in texts]
        numbers: dict[str, int] = {}
        # in the order of the text: sets have another one in every process
        columns = [[numbers.setdefault(term, len(numbers)) for term in dict.fromkeys(text)] for text in texts]
        starts = np.cumsum([0, *(len(row) for row in columns)])
        flat = np.array([column for row in columns for column in row], dtype=np.int32)
        self._binary = sparse.csr_matrix((np.ones(len(flat)), flat, starts), shape=(len(texts), len(numbers)))
        spread = np.asarray(self._binary.sum(axis=0)).ravel()
        self._weights = np.log((1 + len(texts)) / (1 + spread)) + 1

    def cosines(self, rows: Sequence[int], least: float) -> Iterator[tuple[int, int, float]]:
        """Pairs (row, an earlier one of the rows) of texts whose weighted terms have a cosine of at least `least`."""
        weighted = self._binary.multiply(self._weights).tocsr()
        lengths = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
        lengths[lengths == 0] = 1
        unit = sparse.diags_array(1 / lengths).dot(weighted).tocsr()
        yield from _pairs(unit, unit, rows, rows, least, earlier=True)

    def contained(self, rows: Sequence[int], columns: Sequence[int], least: float) -> Iterator[tuple[int, int, float]]:
        """Pairs of which the column's text holds at least the share `least` of the row's weight."""
        weighted = self._binary.multiply(self._weights).tocsr()
        whole = np.asarray(weighted.sum(axis=1)).ravel()
        whole[whole == 0] = 1
        yield from _pairs(sparse.diags_array(1 / whole).dot(weighted).tocsr(), self._binary, rows, columns, least)

    def shared(self, one: int, other: int) -> int:
        """How many terms two texts share."""
        return len(self._sets[one] & self._sets[other])


def _pairs(
    left: sparse.csr_matrix,
    right: sparse.csr_matrix,
    rows: Sequence[int],
    columns: Sequence[int],
    least: float,
    earlier: bool = False,
) -> Iterator[tuple[int, int, float]]:
    if not rows or not columns or not left.shape[1]:
        return
    across = right[list(columns)].T.tocsr()
    numbers = np.asarray(columns)
    for start in range(0, len(rows), _CHUNK):
        chunk = list(rows[start : start + _CHUNK])
        found = left[chunk].dot(across).tocsr()
        for place, row in enumerate(chunk):
            span = slice(found.indptr[place], found.indptr[place + 1])
            near = found.data[span] >= least
            values, others = found.data[span][near], numbers[found.indices[span][near]]
            if earlier:
                values, others = values[others < row], others[others < row]
            if len(values) > MOST:
                closest = np.sort(np.lexsort((others, -values))[:MOST])
                values, others = values[closest], others[closest]
            for column, value in zip(others.tolist(), values.tolist(), strict=True):
                yield row, column, value
