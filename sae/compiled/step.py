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
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sae.compiled import jit, kernels
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
        n, d = sae.W_enc.shape
        self.starts = torch.zeros(n + 1, dtype=torch.int64, device="cpu")
        self.d_bias = torch.zeros(n, dtype=torch.float32, device="cpu")
        self.extra_of = torch.full((n,), -1, dtype=torch.int64, device="cpu")
        self.quantised = torch.zeros(n if self.shortlist else 0, d, dtype=torch.int8, device="cpu")
        self.scales = torch.zeros(n, dtype=torch.float32, device="cpu")
        self.fresh = False
        self.buffers: dict[str, Tensor] = {}
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
        k = min(sae.k, sae.n_latents)
        centred = torch.sub(batch.x, sae.b_dec, out=self._buffer("centred", rows, sae.d_in))
        values, indices = self._buffer("values", rows, k), self._buffer("indices", rows, k, dtype=torch.int64)
        self._encode(batch, centred, values, indices)
        if check and self.shortlist and batch.given is None:
            self.recall = self._recall(centred[:RECALL_ROWS], indices[:RECALL_ROWS], values[:RECALL_ROWS])
        pull, d_values = self._buffer("pull", rows, sae.d_in), self._buffer("d_values", rows, k)
        errors, entries = self._buffer("errors", rows), self._buffer("entries", rows * k, dtype=torch.int64)
        kernels.decode_and_pull(*_arrays(batch.x, values, indices, sae.W_dec, sae.b_dec, pull, d_values, errors))
        terms = {"reconstruction": errors.mean() / sae.d_in}
        extra = self._auxk(centred, pull, dead, terms) if dead is not None and bool(dead.any()) else None
        codes = Codes(values.clone(), indices.clone(), sae.n_latents)
        loss = Loss.of(terms, codes)
        check_loss(loss, self.taken)
        kernels.by_latent(
            *_arrays(values, indices, d_values), sae.n_latents, *_arrays(self.starts, entries, self.d_bias)
        )
        self._update(centred, pull, values, d_values, entries, extra, lr)
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

    def _encode(
        self,
        batch: Batch,
        centred: Float[Tensor, "batch d_in"],
        values: Float[Tensor, "batch k"],
        indices: Int[Tensor, "batch k"],
    ) -> None:
        """The k largest pre-activations of every row, tile by tile."""
        sae, rows, n = self.sae, len(centred), self.sae.n_latents
        if batch.given is not None and batch.offset is not None:
            # a normalised row is (z - mean) / scale: the part of the mean and of b_dec is the same for every row
            columns = sae.W_enc.T.contiguous()
            bias = sae.b_enc - sae.W_enc @ (sae.b_dec + batch.offset)
            size = max(1, TILE_ROWS * TILE_LATENTS // n)
            for start in range(0, rows, size):
                part = slice(start, start + size)
                weights = batch.given.values[part] / batch.scale
                pre = torch.nn.functional.embedding_bag(
                    batch.given.indices[part], columns, per_sample_weights=weights, mode="sum"
                )
                kernels.select(*_arrays(pre, bias), 0, True, *_arrays(values[part], indices[part]))
            return
        if self.shortlist:
            self._quantise(centred)
            guesses = self._buffer("guesses", rows, self.shortlist)
            listed = self._buffer("listed", rows, self.shortlist, dtype=torch.int64)
        tall, wide = min(rows, TILE_ROWS), min(n, TILE_LATENTS)
        for top in range(0, rows, tall):
            part = slice(top, min(rows, top + tall))
            for first in range(0, n, wide):
                tile = slice(first, min(n, first + wide))
                shape = (part.stop - top, tile.stop - first)
                if self.shortlist:
                    product = self._tile("product", tall * wide, shape, torch.int32)
                    torch._int_mm(self.buffers["x_quantised"][part], self.quantised[tile].T, out=product)
                    given = (product, self.buffers["x_scales"][part], self.scales[tile], sae.b_enc[tile])
                    kernels.select_quantised(*_arrays(*given), first, first == 0, *_arrays(guesses[part], listed[part]))
                else:
                    pre = self._tile("pre", tall * wide, shape, torch.float32)
                    torch.mm(centred[part], sae.W_enc[tile].T, out=pre)
                    kernels.select(
                        *_arrays(pre, sae.b_enc[tile]), first, first == 0, *_arrays(values[part], indices[part])
                    )
        if self.shortlist:
            kernels.select_listed(*_arrays(centred, sae.W_enc, sae.b_enc, listed, guesses, values, indices))

    def _quantise(self, centred: Float[Tensor, "batch d_in"]) -> None:
        """The batch in 8 bits, and the encoder if the last step did not leave it behind."""
        rows = len(centred)
        x_quantised = self._buffer("x_quantised", rows, self.sae.d_in, dtype=torch.int8)
        kernels.quantise(*_arrays(centred, x_quantised, self._buffer("x_scales", rows)))
        if not self.fresh:
            kernels.quantise(*_arrays(self.sae.W_enc, self.quantised, self.scales))

    def _recall(
        self, centred: Float[Tensor, "few d_in"], indices: Int[Tensor, "few k"], values: Float[Tensor, "few k"]
    ) -> float:
        """Share of the true k largest (those above 0) that are among the chosen."""
        true, places = keep_top(centred @ self.sae.W_enc.T + self.sae.b_enc, indices.shape[1])
        wanted, chosen = torch.zeros(2, len(centred), self.sae.n_latents, dtype=torch.bool, device="cpu")
        wanted.scatter_(1, places, true > 0)
        # padding repeats latent 0 with value 0, so set only what is above 0
        for column in range(indices.shape[1]):
            here = values[:, column] > 0
            chosen[here.nonzero().flatten(), indices[here, column]] = True
        return float((wanted & chosen).sum()) / max(1, int(wanted.sum()))

    def _auxk(
        self,
        centred: Float[Tensor, "batch d_in"],
        pull: Float[Tensor, "batch d_in"],
        dead: Bool[Tensor, " n_latents"],
        terms: dict[str, Tensor],
    ) -> tuple[Tensor, ...]:
        """AuxK on the dead latents alone: adds its term, gives the gradients of their weights and of b_dec.

        The same as `sae.losses.auxk` differentiated, by hand: torch's sort of the dead latents' pre-activations took
        longer than the rest of a step where half of the latents were dead.
        """
        sae, chosen = self.sae, dead.nonzero().flatten()
        weight, k_aux = getattr(sae, "aux_weight"), getattr(sae, "k_aux")  # noqa: B009  (of SAEs that select by row)
        W_enc, W_dec = sae.W_enc[chosen], sae.W_dec[chosen]
        pre = centred @ W_enc.T
        kept = min(k_aux, len(chosen))
        if kept < len(chosen):
            values = pre.new_empty(len(pre), kept)
            indices = torch.empty(len(pre), kept, dtype=torch.int64, device="cpu")
            kernels.select(*_arrays(pre, sae.b_enc[chosen]), 0, True, *_arrays(values, indices))
            z = torch.zeros_like(pre).scatter_add_(1, indices, values)
        else:
            z = torch.relu(pre + sae.b_enc[chosen])
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
        self.extra_of.fill_(-1)
        self.extra_of[chosen] = torch.arange(len(chosen), device="cpu")
        return chosen, d_z.T @ centred, d_bias, z.T @ d_hat, -(d_bias @ W_enc)

    def _update(
        self,
        centred: Float[Tensor, "batch d_in"],
        pull: Float[Tensor, "batch d_in"],
        values: Float[Tensor, "batch k"],
        d_values: Float[Tensor, "batch k"],
        entries: Int[Tensor, " active"],
        extra: tuple[Tensor, ...] | None,
        lr: float,
    ) -> None:
        """Adam on everything. The bias is in x_hat and, with the other sign, in every pre-activation."""
        sae, moments = self.sae, self.moments
        self.taken += 1
        rate = np.float32(lr / (1 - kernels.BETA1**self.taken))
        inverse_root = np.float32(1 / math.sqrt(1 - kernels.BETA2**self.taken))
        d_dec_bias = pull.sum(0) - self.d_bias @ sae.W_enc
        nothing = torch.zeros(0, sae.d_in, dtype=torch.float32, device="cpu")
        if extra is None:
            self.extra_of.fill_(-1)
            extra_enc = extra_dec = nothing
        else:
            chosen, extra_enc, extra_bias, extra_dec, extra_b_dec = extra
            self.d_bias[chosen] += extra_bias
            d_dec_bias += extra_b_dec
        kernels.update(
            *_arrays(centred, pull, values, d_values, self.starts, entries),
            *_arrays(sae.W_enc, moments["mean.W_enc"], moments["square.W_enc"]),
            *_arrays(sae.W_dec, moments["mean.W_dec"], moments["square.W_dec"]),
            *_arrays(self.extra_of, extra_enc, extra_dec), rate, inverse_root,
            *_arrays(self.quantised, self.scales),
        )  # fmt: skip
        for name, gradient in (("b_enc", self.d_bias), ("b_dec", d_dec_bias)):
            weight = getattr(sae, name)
            kernels.adam(
                *_arrays(weight, moments[f"mean.{name}"], moments[f"square.{name}"], gradient), rate, inverse_root
            )
        self.fresh = bool(self.shortlist)

    def _tile(self, name: str, most: int, shape: tuple[int, int], dtype: torch.dtype) -> Tensor:
        """The front of a buffer for the largest tile."""
        return self._buffer(name, most, dtype=dtype)[: shape[0] * shape[1]].view(shape)

    def _buffer(self, name: str, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
        """A tensor of this shape that is kept from step to step: fresh memory costs page faults."""
        held = self.buffers.get(name)
        if held is None or held.shape != shape:
            held = self.buffers[name] = torch.empty(shape, dtype=dtype, device="cpu")
        return held


def _arrays(*tensors: Tensor) -> list[np.ndarray]:
    """The tensors' memory as numba takes it; a step asks forty times, and few of them are weights."""
    return [tensor.detach().numpy() if tensor.requires_grad else tensor.numpy() for tensor in tensors]
