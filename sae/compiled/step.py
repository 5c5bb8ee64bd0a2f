"""The compiled step of an SAE whose code is the k largest of a row: TopK with or without AuxK.

What makes it fast, next to autograd: no dense code and no gradient matrix is made, large buffers are kept. The encoder
product goes tile by tile into one buffer; the k largest are found by a bound instead of a sort; gradients are
summed latent by latent where Adam needs them. What is left is mostly the encoder product itself, and two things
make that cheaper:

- k-sparse rows (a tower of the `latents` kind) gather the encoder's columns instead of multiplying by zeros;
- a shortlist (`train.shortlist`) multiplies in 8 bits and takes exact products only for the latents that lead (not
  for sparse rows, whose product is cheap already).
"""

from __future__ import annotations

import math
from functools import cached_property

import numba
import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from sae.compiled import jit, kernels
from sae.compiled.room import Room, arrays
from sae.config import TrainConfig
from sae.dictionary import Dictionary
from sae.errors import ConfigError
from sae.finite import check_loss
from sae.kernels import keep_top
from sae.losses import NOTHING_LEFT
from sae.protocol import SAE
from sae.records import Codes, Loss
from sae.rows import Batch

# The encoder product is taken tile by tile, 16 MB at most: enough for the product to run at full speed.
TILE_ROWS, TILE_LATENTS = 2048, 2048
# Rows on which the recall of a shortlist is measured.
RECALL_ROWS = 64


class CompiledStep:
    """See the module's docstring. Raises ConfigError for a shortlist below k or an SAE of another form."""

    def __init__(self, sae: SAE, config: TrainConfig) -> None:
        if not isinstance(sae, Dictionary) or vars(type(sae)).get("selects", "") != "row":
            raise ConfigError(f"{type(sae).__name__} has no compiled step")
        if config.shortlist and config.shortlist < sae.k:
            raise ConfigError(f"train.shortlist = {config.shortlist}: must be at least k = {sae.k}, or 0")
        jit.say_once()
        self.sae, self.taken = sae, 0
        self.shortlist = config.shortlist if config.shortlist < sae.n_latents else 0
        self.room: Room | None = None
        self.fresh = False
        self.recall: float | None = None
        threads = torch.get_num_threads()
        self.threads = min(torch.get_num_threads(), int(numba.config.NUMBA_NUM_THREADS))  # type: ignore[attr-defined]  # set at its import
        numba.set_num_threads(self.threads)
        # starting its threads, numba sets OpenMP's number for the calling thread, and with it torch's
        torch.set_num_threads(threads)
        self.path = f"compiled (numba {numba.__version__})" + (
            f", 8-bit shortlist of {self.shortlist}" if self.shortlist else ""
        )

    @cached_property
    def moments(self) -> dict[str, Tensor]:
        """Adam's, by name; made when they are first needed, which is after the large sample of the start is gone."""
        return {
            f"{part}.{name}": torch.zeros_like(parameter)
            for name, parameter in self.sae.named_parameters()
            for part in ("mean", "square")
        }

    @torch.no_grad()
    def __call__(self, batch: Batch, dead: Bool[Tensor, " n_latents"] | None, lr: float, check: bool) -> Loss:
        """Forward, backward, Adam and the unit norm."""
        numba.set_num_threads(self.threads)
        sae, rows = self.sae, len(batch.x)
        room = self.room
        if room is None or room.rows != rows or room.moved(sae):
            room = self.room = Room(sae, self.moments, rows, self.shortlist, (TILE_ROWS, TILE_LATENTS))
            self.fresh = False
        torch.sub(batch.x, room.b_dec, out=room.centred)
        self._encode(batch, room)
        if check and self.shortlist and batch.given is None:
            self.recall = self._recall(room)
        kernels.decode_and_pull(batch.x.numpy(), *room.for_decoding)
        terms = {"reconstruction": room.errors.mean() / sae.d_in}
        extra = self._auxk(room, dead, terms) if dead is not None and bool(dead.any()) else None
        loss = Loss.of(terms, Codes(room.values.clone(), room.indices.clone(), sae.n_latents))
        check_loss(loss, self.taken)
        kernels.by_latent(*room.for_sorting)
        self._update(room, extra, lr)
        sae._adapt(loss)
        return loss

    def forget(self, latents: Int[Tensor, " some"]) -> None:
        """Adam starts anew for these latents; their encoder rows have changed too."""
        for name, axis in self.sae.latent_axes().items():
            for part in ("mean", "square"):
                if (moment := self.moments.get(f"{part}.{name}")) is not None:
                    moment.index_fill_(axis, latents, 0)
        self.fresh = False

    def state(self) -> dict[str, Tensor]:
        """Adam's moments and the number of steps."""
        return {"taken": torch.tensor(self.taken, dtype=torch.int64, device="cpu"), **self.moments}

    def load(self, state: dict[str, Tensor]) -> None:
        """The counterpart of `state`."""
        self.taken, self.fresh = int(state["taken"]), False
        for name, moment in self.moments.items():
            moment.copy_(state[name])

    def _encode(self, batch: Batch, room: Room) -> None:
        """The k largest pre-activations of every row, tile by tile."""
        rows, n = room.rows, self.sae.n_latents
        if batch.given is not None and batch.offset is not None:
            # a normalised row is (z - mean) / scale: the part of the mean and of b_dec is the same for every row
            columns = room.W_enc.T.contiguous()
            bias = (room.b_enc - room.W_enc @ (room.b_dec + batch.offset)).numpy()
            values, indices = room.values.numpy(), room.indices.numpy()
            size = max(1, TILE_ROWS * TILE_LATENTS // n)
            for start in range(0, rows, size):
                part = slice(start, start + size)
                weights = batch.given.values[part] / batch.scale
                pre = torch.nn.functional.embedding_bag(
                    batch.given.indices[part], columns, per_sample_weights=weights, mode="sum"
                )
                kernels.select(pre.numpy(), bias, 0, True, values[part], indices[part])
            return
        if not self.shortlist:
            for tile in room.tiles:
                torch.mm(tile.rows, tile.weights, out=tile.product)
                kernels.select(*tile.for_selection)
            return
        listing = room.listing
        kernels.quantise(*listing.for_rows)
        if not self.fresh:  # the last step did not leave the encoder behind in 8 bits
            kernels.quantise(*listing.for_weights)
        for tile in listing.tiles:
            torch._int_mm(tile.rows, tile.weights, out=tile.product)
            kernels.select_quantised(*tile.for_selection)
        kernels.select_listed(*listing.for_choice)

    def _recall(self, room: Room) -> float:
        """Share of the true k largest (those above 0) that are among the chosen, on the first rows of the batch."""
        centred, values, indices = (part[:RECALL_ROWS] for part in (room.centred, room.values, room.indices))
        true, places = keep_top(centred @ room.W_enc.T + room.b_enc, indices.shape[1])
        wanted, chosen = torch.zeros(2, len(centred), self.sae.n_latents, dtype=torch.bool, device="cpu")
        wanted.scatter_(1, places, true > 0)
        # padding repeats latent 0 with value 0, so set only what is above 0
        for column in range(indices.shape[1]):
            here = values[:, column] > 0
            chosen[here.nonzero().flatten(), indices[here, column]] = True
        return float((wanted & chosen).sum()) / max(1, int(wanted.sum()))

    def _auxk(self, room: Room, dead: Bool[Tensor, " n_latents"], terms: dict[str, Tensor]) -> tuple[Tensor, ...]:
        """AuxK on the dead latents alone: adds its term, gives the gradients of their weights and of b_dec.

        The same as `sae.losses.auxk` differentiated, by hand: torch's sort of the dead latents' pre-activations took
        longer than the rest of a step where half of the latents were dead.
        """
        sae, chosen = self.sae, dead.nonzero().flatten()
        centred, pull = room.centred, room.pull
        weight, k_aux = getattr(sae, "aux_weight"), getattr(sae, "k_aux")  # noqa: B009  (of SAEs that select by row)
        W_enc, W_dec, b_enc = room.W_enc[chosen], room.W_dec[chosen], room.b_enc[chosen]
        pre = centred @ W_enc.T
        kept = min(k_aux, len(chosen))
        if kept < len(chosen):
            values = pre.new_empty(len(pre), kept)
            indices = torch.empty(len(pre), kept, dtype=torch.int64, device="cpu")
            kernels.select(*arrays(pre, b_enc), 0, True, *arrays(values, indices))
            z = torch.zeros_like(pre).scatter_add_(1, indices, values)
        else:
            z = torch.relu(pre + b_enc)
        residual = pull * (-0.5 * pull.numel())
        scale = float((residual - residual.mean(0)).pow(2).sum(1).mean())
        if scale < NOTHING_LEFT:
            terms["auxk"] = torch.zeros((), dtype=torch.float32, device="cpu")
            d_hat = torch.zeros_like(residual)
        else:
            error = z @ W_dec - residual
            terms["auxk"] = weight * error.pow(2).sum(1).mean() / scale
            d_hat = error * (2 * weight / (len(error) * scale))
        d_z = (d_hat @ W_dec.T) * (z > 0)
        d_bias = d_z.sum(0)
        return chosen, d_z.T @ centred, d_bias, z.T @ d_hat, -(d_bias @ W_enc)

    def _update(self, room: Room, extra: tuple[Tensor, ...] | None, lr: float) -> None:
        """Adam on everything. The bias is in x_hat and, with the other sign, in every pre-activation."""
        self.taken += 1
        rate = np.float32(lr / (1 - kernels.BETA1**self.taken))
        inverse_root = np.float32(1 / math.sqrt(1 - kernels.BETA2**self.taken))
        d_dec_bias = room.pull.sum(0) - room.d_bias @ room.W_enc
        extras = room.no_extra
        if extra is not None:
            chosen, extra_enc, extra_bias, extra_dec, extra_b_dec = extra
            of = torch.full((len(room.d_bias),), -1, dtype=torch.int64, device="cpu")
            of[chosen] = torch.arange(len(chosen), device="cpu")
            extras = (of.numpy(), extra_enc.numpy(), extra_dec.numpy())
            room.d_bias[chosen] += extra_bias
            d_dec_bias += extra_b_dec
        kernels.update(*room.for_update, *extras, rate, inverse_root, room.quantised.numpy(), room.scales.numpy())
        kernels.adam(*room.for_b_enc, rate, inverse_root)
        kernels.adam(*room.for_b_dec, d_dec_bias.numpy(), rate, inverse_root)
        self.fresh = bool(self.shortlist)
