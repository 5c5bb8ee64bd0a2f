"""The floor under every exact step: the dense encoder product alone, as fast as it can be had from torch.

No implementation can pick the k largest pre-activations of a row without computing them all. Here they are computed
piece by piece into one small buffer that is used again and again, so that no result goes out to main memory; which
pieces are fastest is tried at the start. Nothing is learned.
"""

from __future__ import annotations

import time
from itertools import product

import torch
from torch import Tensor

from benchmarks.peers.driver import Job, serve

ROWS = (128, 256, 512, 1024)
LATENTS = (1024, 2048, 4096, 8192)
FINALISTS = 3
REPEATS = 2


class EncoderProduct:
    """`step` is the product of a batch with an encoder of n_latents rows."""

    def __init__(self, job: Job) -> None:
        self.encoder = torch.randn(job.n_latents, job.d_in) / job.d_in**0.5
        # a short race over part of the rows and latents, then the best few, and no pieces at all, over the whole
        few_rows, few_latents = job.sample[:1024], self.encoder[:8192]
        layouts = list(product(ROWS, LATENTS, ("rows", "columns")))
        ranked = sorted(layouts, key=lambda layout: best_time(few_rows, few_latents, *layout))
        finalists = [*ranked[:FINALISTS], (job.batch, job.n_latents, "rows")]
        self.rows, self.latents, self.stored = min(
            finalists, key=lambda layout: best_time(job.sample, self.encoder, *layout)
        )
        self.product = product_of(self.encoder, self.rows, self.latents, self.stored)

    def step(self, rows: Tensor) -> None:
        """All pre-activations of the batch, each piece overwriting the one before."""
        self.product(rows)

    def reconstruct(self, rows: Tensor) -> Tensor:
        """There is nothing to reconstruct from."""
        return torch.full_like(rows, float("nan"))


def product_of(encoder: Tensor, rows: int, latents: int, stored: str):
    """The chunked product with pieces of `rows` x `latents`, the encoder stored by rows or by columns."""
    pieces = [piece.T if stored == "rows" else piece.T.contiguous() for piece in encoder.split(latents)]
    buffer = torch.empty(rows * min(latents, len(encoder)))

    def run(x: Tensor) -> None:
        for part in x.split(rows):
            for piece in pieces:
                torch.mm(part, piece, out=buffer[: len(part) * piece.shape[1]].view(len(part), piece.shape[1]))

    return run


def best_time(x: Tensor, encoder: Tensor, rows: int, latents: int, stored: str) -> float:
    """Least seconds of a few runs, after one that is not counted."""
    run, seconds = product_of(encoder, rows, latents, stored), []
    for _ in range(REPEATS + 1):
        started = time.perf_counter()
        run(x)
        seconds.append(time.perf_counter() - started)
    return min(seconds[1:])


if __name__ == "__main__":
    serve(None, EncoderProduct)
