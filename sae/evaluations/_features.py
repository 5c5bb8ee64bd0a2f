"""Numbers that stand for rows: codes of an SAE, or dense columns (neurons, PCA, a random dictionary), read alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sae.errors import InputError
from sae.evaluations._given import numbers
from sae.given import check_codes
from sae.records import Codes

Features = Codes | Float[Tensor, "rows n"]
# Values other than 0 that are held at once, with a dozen columns beside them: about 200 MB.
ENTRIES = 2**21


@dataclass(frozen=True)
class Entries:
    """The values other than 0 of some neighbouring latents."""

    first: int
    n: int
    """Latents first .. first + n - 1."""
    rows: Int[Tensor, " entries"]
    latents: Int[Tensor, " entries"]
    """Counted from `first`."""
    values: Float[Tensor, " entries"]

    def sums(self, column: Float[Tensor, " entries"]) -> Float[Tensor, " n"]:
        """The sum of a column over the entries of each latent."""
        return torch.zeros(self.n, dtype=column.dtype, device=column.device).index_add_(0, self.latents, column)


def features(what: str, given: Any) -> Features:
    """`given` as it is, one leading dimension. Raises InputError and NumericError as `numbers` and `check_codes` do."""
    if isinstance(given, Codes):
        check_codes(given)
        if given.values.ndim != 2:
            raise InputError(f"{what} have shape {tuple(given.values.shape)}, expected (rows, k): codes.flat()")
        return given
    return numbers(what, given, "rows", "n")


def width(given: Features) -> int:
    """How many latents (or columns) there are."""
    return given.n_latents if isinstance(given, Codes) else given.shape[1]


def columns(given: Features, latents: Int[Tensor, " some"]) -> Float[Tensor, "rows some"]:
    """The dense columns of a few latents, in float64."""
    if not isinstance(given, Codes):
        return given[:, latents].double()
    found = [torch.where(given.indices == int(latent), given.values, 0.0).sum(1) for latent in latents]
    return torch.stack(found, 1).double() if found else given.values.new_zeros(len(given), 0).double()


def blocks(given: Features, most: int = ENTRIES) -> Iterator[Entries]:
    """All latents, some at a time, so that no more than about `most` values are held with each other.

    One latent has as many values as there are rows at most; it is never divided.
    """
    if isinstance(given, Codes):
        rows, column = (given.values != 0).nonzero(as_tuple=True)
        latents, values = given.indices[rows, column], given.values[rows, column].double()
        latents, order = latents.sort(stable=True)
        rows, values = rows[order], values[order]
        ends = torch.bincount(latents, minlength=given.n_latents).cumsum(0)
        first, start = 0, 0
        while first < given.n_latents:
            last = max(first + 1, int(torch.searchsorted(ends, start + most, right=True)))
            part = slice(start, int(ends[last - 1]))
            yield Entries(first, last - first, rows[part], latents[part] - first, values[part])
            first, start = last, part.stop
    else:
        at_once = max(1, most // max(1, len(given)))
        for first in range(0, given.shape[1], at_once):
            dense = given[:, first : first + at_once].double()
            rows, latents = (dense != 0).nonzero(as_tuple=True)
            yield Entries(first, dense.shape[1], rows, latents, dense[rows, latents])


def means(given: Features, some: Tensor) -> Float[Tensor, " n"]:
    """The mean of each latent over the rows that `some` (bools) marks, zeros included."""
    count = max(1, int(some.sum()))
    return torch.cat([part.sums(torch.where(some[part.rows], part.values, 0.0)) for part in blocks(given)]) / count
