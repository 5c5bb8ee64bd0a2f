"""How much one item says what another says: shared word stems and link targets, the rare ones weighing most.

Words come from the text without the words that say little (English stop words, and what every log is full of: run,
train, try), stemmed, so that "trained" meets "train". Two addresses of one paper are one target.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt
import snowballstemmer
from scipy import sparse

from analysis.logs.items import Item

_WORD = re.compile(r"[^\W_]+")
_CHUNK = 1024
_PAIRS = 50_000
Numbers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

MOST = 500
"""For one text so many others are given at most, the closest: a log of one line over and over has them all alike."""

COMMON = 500
"""A term of more texts than this brings no two together: it tells nothing, and its pairs could be a billion."""

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


@lru_cache(maxsize=100_000)
def stems(text: str) -> tuple[str, ...]:
    """The words of a text that count, stemmed, in their order."""
    return tuple(stem(word) for word in _WORD.findall(text.casefold()) if word not in STOP_WORDS)


def terms(item: Item) -> list[str]:
    """What an item is compared by: its stems and the targets of its links."""
    return [*stems(item.text), *(f"link {target(link)}" for link in item.links if "://" in link)]


May = Callable[[Numbers, Numbers], Mask]
"""Which of so many pairs of texts may be one, by their numbers: what is told apart anyhow need not be compared."""


def all_may(one: Numbers, other: Numbers) -> Mask:
    """Every pair."""
    return np.ones(len(one), dtype=np.bool_)


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
        self._spread = np.asarray(self._binary.sum(axis=0)).ravel()
        self._weights = np.log((1 + len(texts)) / (1 + self._spread)) + 1

    def cosines(self, rows: Sequence[int], least: float, may: May = all_may) -> Iterator[tuple[int, int, float]]:
        """Pairs (row, an earlier one of the rows) of texts whose weighted terms have a cosine of at least `least`, of
        those that `may` be pairs."""
        weighted = self._binary.multiply(self._weights).tocsr()
        lengths = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
        lengths[lengths == 0] = 1
        unit = sparse.diags_array(1 / lengths).dot(weighted).tocsr()
        chosen = np.asarray(rows, dtype=np.int64)
        # the rarest term that two texts share is in both heads, or they share too little
        heads = self._heads(unit, chosen, least, squared=True)
        candidates = _meeting(heads, heads, chosen, chosen, lambda one, other: (other < one) & may(one, other))
        yield from _close(unit, unit, candidates, least)

    def contained(
        self, rows: Sequence[int], columns: Sequence[int], least: float, may: May = all_may
    ) -> Iterator[tuple[int, int, float]]:
        """Pairs of which the column's text holds at least the share `least` of the row's weight, of those that `may`
        be pairs."""
        weighted = self._binary.multiply(self._weights).tocsr()
        whole = np.asarray(weighted.sum(axis=1)).ravel()
        whole[whole == 0] = 1
        shares = sparse.diags_array(1 / whole).dot(weighted).tocsr()
        chosen, others = np.asarray(rows, dtype=np.int64), np.asarray(columns, dtype=np.int64)
        heads = self._heads(shares, chosen, least, squared=False)
        candidates = _meeting(heads, self._binary[others], chosen, others, may)
        yield from _close(shares, self._binary, candidates, least)

    def _heads(self, matrix: sparse.csr_matrix, rows: Numbers, least: float, squared: bool) -> sparse.csr_matrix:
        """Of each row the rarest terms, so many that the others together cannot reach `least`."""
        chosen = matrix[rows]
        places = np.repeat(np.arange(len(rows)), np.diff(chosen.indptr))
        order = np.lexsort((chosen.indices, self._spread[chosen.indices], places))
        columns = chosen.indices[order]
        weights = chosen.data[order] ** 2 if squared else chosen.data[order]
        sums = np.cumsum(weights)
        ends = np.concatenate([[0.0], sums])[chosen.indptr[1:]]
        left = ends[places] - sums + weights  # of this term and all that are commoner
        kept = left >= (least**2 if squared else least) - 1e-9
        ones = np.ones(int(kept.sum()), dtype=np.int32)
        return sparse.csr_matrix((ones, (places[kept], columns[kept])), shape=chosen.shape)

    def shared(self, one: int, other: int) -> int:
        """How many terms two texts share."""
        return len(self._sets[one] & self._sets[other])


def _meeting(
    left: sparse.csr_matrix,
    right: sparse.csr_matrix,
    rows: Numbers,
    columns: Numbers,
    may: May,
) -> Iterator[tuple[Numbers, Numbers]]:
    """Pairs that share a term of `left`'s rows, some rows at a time; `rows` and `columns` number both sides' texts."""
    if not len(rows) or not len(columns) or not left.nnz:
        return
    known = np.asarray(right.astype(bool).sum(axis=0)).ravel()
    across = right.astype(np.int32).T.tocsr()
    left = left.astype(np.int32)  # a copy
    left.data *= known[left.indices] <= COMMON
    left.eliminate_zeros()
    for start in range(0, len(rows), _CHUNK):
        met = left[start : start + _CHUNK].dot(across).tocoo()
        one, other = rows[start + met.coords[0]], columns[met.coords[1]]
        kept = may(one, other)
        yield one[kept], other[kept]


def _close(
    left: sparse.csr_matrix, right: sparse.csr_matrix, candidates: Iterable[tuple[Numbers, Numbers]], least: float
) -> Iterator[tuple[int, int, float]]:
    """The pairs whose product is at least `least`, of each row those with the greatest, in order."""
    for one, other in candidates:
        values = np.empty(len(one))
        for start in range(0, len(one), _PAIRS):
            part = slice(start, start + _PAIRS)
            values[part] = np.asarray(left[one[part]].multiply(right[other[part]]).sum(axis=1)).ravel()
        near = values >= least
        one, other, values = one[near], other[near], values[near]
        order = np.lexsort((other, -values, one))
        one, other, values = one[order], other[order], values[order]
        ranks = np.arange(len(one)) - np.searchsorted(one, one)
        few = ranks < MOST
        again = np.lexsort((other[few], one[few]))
        yield from zip(one[few][again].tolist(), other[few][again].tolist(), values[few][again].tolist(), strict=True)
