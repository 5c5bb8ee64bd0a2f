"""Where a compiled step works: weights, moments and buffers, as torch's tensors and as numba takes them.

All of it is kept from step to step: fresh memory costs page faults, and to make forty views anew at every step takes as
long as the kernels of a small SAE.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor

from sae.dictionary import Dictionary

WEIGHTS = ("W_enc", "b_enc", "W_dec", "b_dec")


class Tile(NamedTuple):
    """A part of the encoder product: some rows with some latents."""

    rows: Tensor
    weights: Tensor
    """Transposed."""
    product: Tensor
    for_selection: tuple[Any, ...]
    """The arguments of the kernel that reads the product."""


class Room:
    """For steps on so many rows; `tile` is how many rows and latents a tile of the product has at most.

    What begins with `for_` is a kernel's arguments, or those that are the same at every step.
    """

    def __init__(
        self, sae: Dictionary, moments: dict[str, Tensor], rows: int, shortlist: int, tile: tuple[int, int]
    ) -> None:
        self.rows, self.shortlist, self._tile = rows, shortlist, tile
        self._places = [getattr(sae, name).data_ptr() for name in WEIGHTS]
        self.W_enc, self.b_enc, self.W_dec, self.b_dec = (getattr(sae, name).detach() for name in WEIGHTS)
        (n, d), k = self.W_enc.shape, min(sae.k, sae.n_latents)
        self.centred, self.pull = _new(rows, d), _new(rows, d)
        self.values, self.d_values = _new(rows, k), _new(rows, k)
        self.indices = _new(rows, k, dtype=torch.int64)
        self.errors, self.d_bias = _new(rows), _new(n)
        # of each latent, where its active codes stand
        starts, entries = _new(n + 1, dtype=torch.int64), _new(rows * k, dtype=torch.int64)
        self.for_decoding = arrays(
            self.values, self.indices, self.W_dec, self.b_dec, self.pull, self.d_values, self.errors
        )
        self.for_sorting = (
            *arrays(self.values, self.indices, self.d_values), n, *arrays(starts, entries, self.d_bias)
        )  # fmt: skip
        self.for_update = arrays(
            self.centred, self.pull, self.values, self.d_values, starts, entries,
            self.W_enc, moments["mean.W_enc"], moments["square.W_enc"],
            self.W_dec, moments["mean.W_dec"], moments["square.W_dec"],
        )  # fmt: skip
        self.for_b_enc = arrays(self.b_enc, moments["mean.b_enc"], moments["square.b_enc"], self.d_bias)
        self.for_b_dec = arrays(self.b_dec, moments["mean.b_dec"], moments["square.b_dec"])
        self.no_extra = arrays(torch.full((n,), -1, dtype=torch.int64, device="cpu"), _new(0, d), _new(0, d))
        self.quantised = _new(n if shortlist else 0, d, dtype=torch.int8)
        self.scales = _new(n)

    def moved(self, sae: Dictionary) -> bool:
        """Whether a weight of the SAE has other memory by now, as after a move to another device and back."""
        return [getattr(sae, name).data_ptr() for name in WEIGHTS] != self._places

    @cached_property
    def tiles(self) -> list[Tile]:
        """Of the exact product: see `kernels.select`."""
        return [
            Tile(self.centred[part], self.W_enc[tile].T, product, (
                *arrays(product, self.b_enc[tile]), tile.start, tile.start == 0,
                *arrays(self.values[part], self.indices[part]),
            ))
            for part, tile, product in self._products(torch.float32)
        ]  # fmt: skip

    @cached_property
    def listing(self) -> Listing:
        """Of the product in 8 bits that makes a shortlist."""
        x_quantised, x_scales = _new(*self.centred.shape, dtype=torch.int8), _new(self.rows)
        guesses = _new(self.rows, self.shortlist)
        listed = _new(self.rows, self.shortlist, dtype=torch.int64)
        tiles = [
            Tile(x_quantised[part], self.quantised[tile].T, product, (
                *arrays(product, x_scales[part], self.scales[tile], self.b_enc[tile]), tile.start, tile.start == 0,
                *arrays(guesses[part], listed[part]),
            ))
            for part, tile, product in self._products(torch.int32)
        ]  # fmt: skip
        return Listing(
            arrays(self.centred, x_quantised, x_scales),
            arrays(self.W_enc, self.quantised, self.scales),
            tiles,
            arrays(self.centred, self.W_enc, self.b_enc, listed, guesses, self.values, self.indices),
        )

    def _products(self, dtype: torch.dtype) -> list[tuple[slice, slice, Tensor]]:
        """Rows, latents and the product of each tile; one buffer, for the largest of them, serves all."""
        n = len(self.W_enc)
        tall, wide = min(self.rows, self._tile[0]), min(n, self._tile[1])
        buffer = _new(tall * wide, dtype=dtype)
        return [
            (part, tile, buffer[: (part.stop - top) * (tile.stop - first)].view(part.stop - top, tile.stop - first))
            for top in range(0, self.rows, tall) for part in [slice(top, min(self.rows, top + tall))]
            for first in range(0, n, wide) for tile in [slice(first, min(n, first + wide))]
        ]  # fmt: skip


class Listing(NamedTuple):
    """What a shortlist is made with: see `Room.listing`."""

    for_rows: tuple[Any, ...]
    """Quantises the batch."""
    for_weights: tuple[Any, ...]
    """Quantises the encoder."""
    tiles: list[Tile]
    for_choice: tuple[Any, ...]
    """Takes exact products of what is listed."""


def arrays(*tensors: Tensor) -> tuple[Any, ...]:
    """The memory of tensors without gradients."""
    return tuple(tensor.numpy() for tensor in tensors)


def _new(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.empty(shape, dtype=dtype, device="cpu")
