"""Codes shuffled so that every row keeps how many latents fire in it, and every latent how often and how strongly.

Shuffling each latent on its own (`sae.nulls.permuted_coordinates`) loses the first of these: a TopK layer fires exactly
k latents a row, which by itself makes them exclude each other, and a depth above can learn that where nothing else is.
The algorithm is curveball (Strona et al., Nature Communications 5:4114, 2014): rows meet in pairs and deal out again,
by chance, what only one of them has. All pairs of a round are dealt at once.

How strongly latents fire is not dealt out alike. Some rows are louder than others as a whole, and in some one latent is
far ahead of the rest: that, too, makes codes easier or harder to explain, whichever latents go together. So each row
keeps its profile, as far as latents that have their own values allow.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sae.records import Codes

ROUNDS = 20
"""Each round is half as many trades as there are rows; the authors found five times as many trades as rows enough."""


def curveball(codes: Codes, generator: torch.Generator, rounds: int = ROUNDS) -> Codes:
    """Codes (rows, k) with the row sums of `codes` > 0, its column sums and its values of each latent, and, nearly,
    how loud each row is and how unequal its latents are in it.

    Which latents fire together is by chance, given those sums.
    """
    fires, width = codes.values > 0, codes.n_latents
    order = (~fires).to(torch.int8).argsort(dim=1, stable=True)  # what fires stands first
    latents = torch.where(fires, codes.indices, width).gather(1, order)
    counts, n = fires.sum(1), len(codes)
    for _ in range(rounds):
        mixed = torch.randperm(n, generator=generator, device="cpu")
        one, other = mixed[: n // 2], mixed[n // 2 : n // 2 * 2]
        latents[one], latents[other] = _dealt(
            latents[one], latents[other], counts[one], counts[other], width, generator
        )
    fires = torch.arange(latents.shape[1], device="cpu") < counts[:, None]
    values = codes.values.new_zeros(latents.shape)
    values[fires] = _values_of(codes, latents[fires], _profiles(codes, generator)[fires])
    return Codes(values, latents.where(fires, 0), width)


def _dealt(
    one: Int[Tensor, "pairs k"],
    other: Int[Tensor, "pairs k"],
    count: Int[Tensor, " pairs"],
    count_other: Int[Tensor, " pairs"],
    width: int,
    generator: torch.Generator,
) -> tuple[Int[Tensor, "pairs k"], Int[Tensor, "pairs k"]]:
    """Both rows of each pair after their trade; `width` stands where a row has no more latents."""
    both = torch.cat([one, other], 1).sort(1).values
    again = torch.zeros_like(both, dtype=torch.bool)
    again[:, 1:] = (both[:, 1:] == both[:, :-1]) & (both[:, 1:] < width)  # the second of what both have
    shared = torch.zeros_like(again)
    shared[:, :-1] = again[:, 1:]
    chance = torch.rand(both.shape, generator=generator, dtype=torch.float32, device="cpu")
    # shared ones first, then what only one of them has, in any order, then nothing
    key = torch.where(shared, -1.0, chance).masked_fill(again | (both == width), 2.0)
    both = both.masked_fill(again, width).gather(1, key.argsort(1))
    n_shared, columns = shared.sum(1)[:, None], torch.arange(one.shape[1], device="cpu")[None, :]
    mine = torch.where(columns < count[:, None], both[:, : one.shape[1]], width)
    # the other row has the shared ones, too, and of the rest what comes after mine
    place = torch.where(columns < n_shared, columns, columns + count[:, None] - n_shared)
    theirs = both.gather(1, place.clamp(max=both.shape[1] - 1))
    return mine, torch.where(columns < count_other[:, None], theirs, width)


def _profiles(codes: Codes, generator: torch.Generator) -> Float[Tensor, "rows k"]:
    """How strongly each latent of a row fires, as a multiple of what it does on average where it fires; of each row in
    an order drawn by chance, the latents that fire first."""
    fires = codes.values > 0
    total, times = codes.values.new_zeros(codes.n_latents), codes.values.new_zeros(codes.n_latents)
    total.index_add_(0, codes.indices[fires], codes.values[fires])
    times.index_add_(0, codes.indices[fires], torch.ones_like(codes.values[fires]))
    mean = total / times.clamp(min=1)
    relative = torch.where(fires, codes.values / mean[codes.indices].clamp(min=torch.finfo(mean.dtype).tiny), 0)
    chance = torch.rand(fires.shape, generator=generator, dtype=torch.float32, device="cpu").masked_fill(~fires, 2.0)
    return relative.gather(1, chance.argsort(1))


def _values_of(
    codes: Codes, latents: Int[Tensor, " fired"], wanted: Float[Tensor, " fired"]
) -> Float[Tensor, " fired"]:
    """A value for each of the `latents`, which are those of `codes` in another order: each gets its own values, the
    larger ones where more is `wanted`."""
    fires: Bool[Tensor, "rows k"] = codes.values > 0
    given, at = codes.values[fires], codes.indices[fires]
    drawn = torch.empty_like(given)
    drawn[_by_latent(latents, wanted)] = given[_by_latent(at, given)]
    return drawn


def _by_latent(latents: Int[Tensor, " fired"], values: Float[Tensor, " fired"]) -> Int[Tensor, " fired"]:
    """Places in the order of latents, and of each latent in the order of values."""
    by_value = values.argsort(stable=True)
    return by_value[latents[by_value].argsort(stable=True)]
