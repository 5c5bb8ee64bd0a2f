"""sparsify: its SparseCoder, with the steps of its Trainer's loop in their order (the loop itself is bound to a
language model's forward pass and cannot be entered from outside).

Two implementations, the library's optimisers that suit TopK: `signum`, its default (sign of the gradient, schedule
free), and `adam`. The decoder's sparse product is its CPU fallback: the Triton kernel, which it would pick wherever
Triton can be imported, needs a GPU. AuxK off, which is its default.
"""

from __future__ import annotations

import os

import torch
from torch import Tensor

from benchmarks.peers.driver import Job, serve

os.environ["SPARSIFY_DISABLE_TRITON"] = "1"  # read when the library is imported

from schedulefree import ScheduleFreeWrapper
from sparsify.config import SparseCoderConfig
from sparsify.sign_sgd import SignSGD
from sparsify.sparse_coder import SparseCoder

# Best of a sweep over learning rates at 4,096 latents; see README.md beside this file.
LR = {"signum": 5e-3, "adam": 4e-3}


class SparsifyTrainer:
    """SparseCoder and one of the library's optimisers."""

    def __init__(self, job: Job) -> None:
        torch.set_float32_matmul_precision("high")  # as its Trainer does
        self.sae = SparseCoder(job.d_in, SparseCoderConfig(num_latents=job.n_latents, k=job.k), dtype=torch.float32)
        lr = job.lr or LR[job.variant]
        if job.variant == "adam":
            self.optimiser = torch.optim.Adam(self.sae.parameters(), lr=lr)
        else:
            self.optimiser = ScheduleFreeWrapper(SignSGD(self.sae.parameters(), lr=lr), momentum=0.95)
            self.optimiser.train()
        self.sae.b_dec.data = job.sample.mean(0)
        self.silent = torch.zeros(job.n_latents, dtype=torch.long)

    def step(self, rows: Tensor) -> None:
        """Normalise, forward, backward, project, step, count."""
        self.sae.set_decoder_norm_to_unit_norm()
        total_variance = (rows - rows.mean(0)).pow(2).sum()
        out = self.sae(rows, rows, total_variance=total_variance)
        fired = torch.zeros(len(self.silent), dtype=torch.bool)
        fired[out.latent_indices.flatten()] = True
        out.fvu.backward()
        self.sae.remove_gradient_parallel_to_decoder_directions()
        self.optimiser.step()
        self.optimiser.zero_grad()
        self.silent += len(rows)
        self.silent[fired] = 0

    def reconstruct(self, rows: Tensor) -> Tensor:
        """With the averaged weights, which are what the library saves."""
        averaged = isinstance(self.optimiser, ScheduleFreeWrapper)
        if averaged:
            self.optimiser.eval()
        x_hat = self.sae(rows).sae_out
        if averaged:
            self.optimiser.train()
        return x_hat


if __name__ == "__main__":
    serve("eai-sparsify", SparsifyTrainer)
