"""Data sets of text: documents become contexts of tokens, and whole documents are held out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.plan.data_source import NOT_HERE
from analysis.run.datasets._dataset import Dataset
from analysis.run.datasets._documents import Document
from analysis.run.datasets._files import wanted
from analysis.run.text import tokenisers
from analysis.run.text.contexts import cut
from analysis.run.text.tokenisers import Tokeniser
from sae.errors import DataError

PLACES = 128
UNION = "union"


def with_tokeniser(files: str, name: Any) -> str:
    """The fingerprint of texts as a tokeniser's tokens; `files` is that of the texts."""
    own = tokenisers.held(_checked(name))
    return NOT_HERE if own is None or files == NOT_HERE else f"{files}-{own}"


def named(name: Any) -> Tokeniser:
    """The tokeniser that the option names. Raises ConfigError, and what `tokenisers.tokeniser` raises."""
    return tokenisers.tokeniser(_checked(name))


def _checked(name: Any) -> str:
    wanted("tokeniser", name, str, "the name of a tokeniser, or the folder of one, as text")
    return str(name)


def text_dataset(
    name: str, documents: Sequence[Document], held_out: NDArray[np.bool_], how: str, own: Tokeniser, places: int
) -> Dataset:
    """Contexts of `places` tokens of documents. `held_out`: (documents,); `how` says in words how they were parted.

    Raises DataError where no context is left on one side.
    """
    texts = cut([one.text for one in documents], [one.facts for one in documents], own, places)
    marks = held_out[texts.document]
    for side, there in (("train on", (~marks).any()), ("hold out", marks.any())):
        if not there:
            longest = texts.lengths[held_out if side == "hold out" else ~held_out]
            most = max(longest.tolist(), default=0)
            raise DataError(
                f"{name}: no context of {places} tokens to {side}: the longest of {len(longest)} documents there has "
                f"{most:,} tokens; give a smaller `context`, or longer documents"
            )
    total = int(texts.lengths.sum())
    short = int((texts.lengths < places - texts.first).sum())
    ends = f"{texts.left_out:,} of {total:,} tokens are left out, at ends of documents that fill no context"
    ends += f" ({short} documents are shorter than one)" if short else ""
    split = f"{int(held_out.sum())} of {len(documents)} documents, {how}; {ends}"
    return Dataset(name, texts.ids, None, marks, show=texts.show, split=split, text=texts)
