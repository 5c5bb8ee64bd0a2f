"""Floors: what a measure reaches without any structure having been learned.

Each floor answers one objection. *Memorising*: M latents can store M of N rows verbatim. *Random dictionary*: any
set of unit directions explains something once codes are fitted to it, and one with the rows' own covariance more.
*PCA*: a linear basis of the same L0 (printed
beside the others; it is a baseline, not a floor). *Trained nulls*: an SAE given the same budget also learns something
from rows whose structure was destroyed; `gaussian_rows` keep means and covariance only, `permuted_coordinates` keep
each coordinate's distribution only. (A frozen random decoder is a `Trainee` of `sae.train`.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sae.ambient import reading
from sae.records import Codes
from sae.rows import width_of

# Entries of an array that are worked on at once. Up to `WHOLE` (128 MB in float32, of which a worker holds several) in
# one piece, as rows of a usual size always were; what is larger in pieces of `PART`, beside which it counts alone.
WHOLE, PART = 2**25, 2**22
SAME = 0.9999
"""Rows with a |cosine| above this are one direction."""

# Rows whose largest entry lies between these are taken as they are; squares of others may leave float32.
USUAL = (2.0**-20, 2.0**20)


def usual_scale(rows: Float[Tensor, "rows d_in"]) -> float:
    """What to multiply rows with so that lengths can be taken in float32: 1 for rows of a usual scale, else a power of
    two, with which no digit is lost."""
    largest = float(rows.abs().max()) if rows.numel() else 0.0
    return 1.0 if largest == 0 or USUAL[0] <= largest <= USUAL[1] else 2.0 ** -math.frexp(largest)[1]


def times(rows: Float[Tensor, "rows d_in"], scale: float) -> Float[Tensor, "rows d_in"]:
    """Rows times a scale that float32 perhaps does not hold; the same ones where it is 1."""
    return rows if scale == 1.0 else (rows.double() * scale).to(rows.dtype)


def memorising_bound(n_latents: int, n_rows: int) -> float:
    """Variance explained in-sample that storing rows verbatim can reach on pure noise: n_latents / n_rows."""
    return min(1.0, n_latents / n_rows)


@reading()
def random_directions(n_latents: int, d_in: int, generator: torch.Generator) -> Float[Tensor, "n_latents d_in"]:
    """Isotropic random unit rows."""
    rows = torch.randn(n_latents, d_in, generator=generator, dtype=torch.float32, device="cpu")
    unit: Tensor = rows / rows.norm(dim=1, keepdim=True)
    return unit


@dataclass(frozen=True)
class Gaussian:
    """The normal distribution that has the mean and the covariance of some rows, and nothing else of them."""

    mean: Float[Tensor, " d_in"]
    spread: Float[Tensor, "d_in d_in"]
    """A root of the covariance: standard normal rows times this, transposed, have it."""

    @classmethod
    @reading()
    def fit(cls, rows: Float[Tensor, "rows d_in"] | Codes) -> Gaussian:
        """Of rows, part by part; in several parts the last digits of the covariance may be others than in one."""
        pieces, n, width = parts(rows), len(rows), width_of(rows)
        if len(pieces) == 1:
            mean = dense_part(rows).mean(0)
        else:
            total = torch.zeros(width, dtype=torch.float64, device="cpu")
            for part in pieces:
                total += dense_part(rows, part).double().sum(0)
            mean = (total / n).to(dense_part(rows, slice(0, 1)).dtype)
        products = torch.zeros(width, width, dtype=torch.float64, device="cpu")
        for part in pieces:
            centred = (dense_part(rows, part) - mean).double()
            products += centred.T @ centred
        values, vectors = torch.linalg.eigh(products / max(1, n))
        # rounding leaves eigenvalues of rows that do not fill their space a little below 0
        return cls(mean, vectors * values.clamp(min=0).sqrt())

    @reading()
    def draw(self, n: int, generator: torch.Generator) -> Float[Tensor, "drawn d_in"]:
        """`n` draws from it, in the type of the mean."""
        width, turn = len(self.mean), self.spread.T.to(self.mean.dtype)
        drawn = torch.empty(n, width, dtype=self.mean.dtype, device="cpu")
        for part in row_parts(n, width):
            size = (part.stop - part.start, width)
            drawn[part] = torch.randn(size, generator=generator, dtype=torch.float32, device="cpu") @ turn + self.mean
        return drawn


def gaussian_rows(
    rows: Float[Tensor, "rows d_in"] | Codes, n: int, generator: torch.Generator
) -> Float[Tensor, "drawn d_in"]:
    """`n` draws from the normal distribution that has the mean and the covariance of `rows`, and nothing else."""
    return Gaussian.fit(rows).draw(n, generator)


def permuted_coordinates(rows: Float[Tensor, "rows d_in"], generator: torch.Generator) -> Float[Tensor, "rows d_in"]:
    """Each coordinate shuffled over the rows on its own: its values stay, what goes with what is gone.

    The null for sparse codes, whose zeros no Gaussian has. Shuffling whole rows would change nothing.
    """
    chance = torch.rand(rows.shape, generator=generator, dtype=torch.float32, device="cpu")
    shuffled = torch.empty_like(rows)
    for columns in row_parts(rows.shape[1], len(rows)):
        shuffled[:, columns] = rows[:, columns].gather(0, chance[:, columns].argsort(0))
    return shuffled


def permuted_codes(codes: Codes, generator: torch.Generator) -> Codes:
    """`permuted_coordinates` of codes, as codes: the same ones, without ever holding all of them dense."""
    n, width = len(codes), codes.n_latents
    if len(parts(codes)) == 1:
        return Codes.from_active(permuted_coordinates(codes.dense(), generator))
    chance = torch.rand(n, width, generator=generator, dtype=torch.float32, device="cpu")
    row, entry = (codes.values > 0).nonzero().unbind(1)
    column, value = codes.indices[row, entry], codes.values[row, entry]
    places: list[Tensor] = []
    values: list[Tensor] = []
    for columns in row_parts(width, n):
        here = (column >= columns.start) & (column < columns.stop)
        block = torch.zeros(n, columns.stop - columns.start, dtype=value.dtype, device="cpu")
        block[row[here], column[here] - columns.start] = value[here]
        block = block.gather(0, chance[:, columns].argsort(0))
        found = block.nonzero()
        values.append(block[found[:, 0], found[:, 1]])
        places.append(found + torch.tensor([0, columns.start], dtype=torch.int64, device="cpu"))
    del chance
    place, value = torch.cat(places), torch.cat(values)
    busiest = int(torch.bincount(place[:, 0], minlength=n).max())
    kept = []
    for part in parts(codes):
        here = (place[:, 0] >= part.start) & (place[:, 0] < part.stop)
        full = torch.zeros(part.stop - part.start, width, dtype=value.dtype, device="cpu")
        full[place[here, 0] - part.start, place[here, 1]] = value[here]
        kept.append(full.topk(max(1, busiest), dim=1, sorted=False))  # as `Codes.from_active` does
    return Codes(torch.cat([top.values for top in kept]), torch.cat([top.indices for top in kept]), width)


def parts(rows: Float[Tensor, "rows d_in"] | Codes, width: int = 0) -> list[slice]:
    """Rows in parts that can be held dense, at least `width` wide, a few times; one part for all that are not many."""
    return row_parts(len(rows), max(width, width_of(rows)))


def row_parts(n: int, width: int) -> list[slice]:
    """`n` rows of `width` entries in one part, or, of more than `WHOLE` entries, in parts of at most `PART`.

    Random numbers drawn part by part are the same as drawn at once, since torch draws normal ones sixteen at a time.
    """
    if n * width <= WHOLE:
        return [slice(0, n)]
    step = max(16, PART // max(1, width) // 16 * 16)
    return [slice(start, min(start + step, n)) for start in range(0, n, step)]


def dense_part(rows: Float[Tensor, "rows d_in"] | Codes, part: slice = slice(None)) -> Float[Tensor, "part d_in"]:
    """Some of the rows, with a column for every coordinate."""
    if isinstance(rows, Codes):
        return rows.part(part).dense()
    return rows[part]


@reading()
def fit_on_support(
    rows: Float[Tensor, "batch d_in"],
    directions: Float[Tensor, "n_latents d_in"],
    support: Int[Tensor, "batch k"],
) -> Float[Tensor, "batch d_in"]:
    """Least-squares reconstruction of each row from its own chosen directions (no sign constraint: generous)."""
    chosen = directions[support]  # batch k d_in
    gram = chosen @ chosen.transpose(1, 2)
    # a whisper of ridge: two random directions of one support may be nearly parallel
    gram = gram + 1e-6 * torch.eye(gram.shape[1], dtype=gram.dtype, device=gram.device)
    weights = torch.linalg.solve(gram, (chosen @ rows[:, :, None]))
    back: Tensor = (weights * chosen).sum(1)
    return back


@reading()
def matched_directions(
    rows: Float[Tensor, "rows d_in"], n_latents: int, generator: torch.Generator
) -> Float[Tensor, "n_latents d_in"]:
    """Random unit rows with the covariance of `rows` (centred by the caller): Gaussian draws, then normalised.

    Where the rows do not fill their space an isotropic dictionary wastes most of its directions; this one does not.
    """
    rows = times(rows, usual_scale(rows))
    # random mixtures of the rows have their covariance exactly, and need no factorisation
    mixed = torch.randn(n_latents, len(rows), generator=generator, dtype=torch.float32, device="cpu") @ rows
    unit: Tensor = mixed / mixed.norm(dim=1, keepdim=True).clamp(min=1e-12)
    return unit


@reading()
def stored_directions(
    rows: Float[Tensor, "rows d_in"], n_latents: int, generator: torch.Generator
) -> Float[Tensor, "stored d_in"]:
    """A dictionary that has learned nothing but by heart: `n_latents` of the rows (centred by the caller), unit norm.

    No two of them are alike: a row that is there twice, or is a multiple of another, is one direction. All of them
    where there are fewer than latents.
    """
    rows = times(rows, usual_scale(rows))
    order = rows[torch.randperm(len(rows), generator=generator, device="cpu")]
    # most rows differ, so that few more than are needed have to be looked at
    chosen, looked = _different(order[: 2 * n_latents]), 2 * n_latents
    while len(chosen) < n_latents and looked < len(order):
        looked = 2 * looked
        chosen = _different(order[:looked])
    chosen = chosen[:n_latents]
    unit: Tensor = chosen / chosen.norm(dim=1, keepdim=True).clamp(min=1e-12)
    return unit


def _different(rows: Float[Tensor, "rows d_in"]) -> Float[Tensor, "some d_in"]:
    """Rows in their order, without those that point where an earlier one does, to either side, up to rounding, and
    without those that point nowhere."""
    length = rows.norm(dim=1)
    unit = rows / length.clamp(min=1e-12)[:, None]
    # along one direction the same ones lie beside each other, and no table of all pairs is needed
    along = (unit @ random_directions(1, rows.shape[1], torch.Generator().manual_seed(0))[0].to(rows.dtype)).abs()
    order = along.sort().indices
    step = (unit[order[1:]] * unit[order[:-1]]).sum(1).abs() > SAME
    group = torch.cat([torch.zeros(1, dtype=torch.int64, device="cpu"), (~step).long().cumsum(0)])
    first = torch.full((len(rows),), len(rows), dtype=torch.int64, device="cpu")
    first.scatter_reduce_(0, group, order, "amin")
    kept = first[first < len(rows)].sort().values
    return rows[kept[length[kept] > 0]]


@reading()
def pursue(
    rows: Float[Tensor, "batch d_in"], directions: Float[Tensor, "n_latents d_in"], k: int
) -> Float[Tensor, "batch d_in"]:
    """Rows (centred by the caller) given back from k of the `directions` each: orthogonal matching pursuit.

    Directions are chosen greedily and codes fitted by least squares on what was chosen, signs free. The same coder
    for a learned and for a random dictionary: a comparison across coders would compare the coders.
    """
    residual, support = rows, torch.empty(len(rows), 0, dtype=torch.long, device=rows.device)
    for _ in range(min(k, len(directions), rows.shape[1])):
        match = (residual @ directions.T).abs()
        if support.shape[1]:
            match.scatter_(1, support, -1.0)  # a direction is chosen once
        support = torch.cat([support, match.argmax(1, keepdim=True)], 1)
        residual = rows - fit_on_support(rows, directions, support)
    return rows - residual


def random_dictionary(
    rows: Float[Tensor, "batch d_in"], n_latents: int, k: int, generator: torch.Generator
) -> Float[Tensor, "batch d_in"]:
    """Rows (centred by the caller) given back from k of `n_latents` isotropic random directions."""
    return pursue(rows, random_directions(n_latents, rows.shape[1], generator), k)


@reading()
def pca(train: Float[Tensor, "rows d_in"], rows: Float[Tensor, "batch d_in"], rank: int) -> Float[Tensor, "batch d_in"]:
    """`rows` given back from the first `rank` principal components of `train`."""
    mean = train.mean(0)
    centred = (train - mean).double()
    # eigenvectors of the covariance: rows are many and columns few, so this is far cheaper than a full SVD
    _, vectors = torch.linalg.eigh(centred.T @ centred)
    basis = vectors[:, vectors.shape[1] - rank :].to(rows.dtype)  # eigenvalues ascend; rank 0 leaves the mean
    back: Tensor = (rows - mean) @ basis @ basis.T + mean
    return back
