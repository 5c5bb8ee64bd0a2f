"""overcomplete: `train_sae` on one batch a call, with the squared error as criterion and monitoring off.

The library leaves the optimiser to its user, so it gets torch's fastest Adam for a CPU (fused). Its dictionary has
no bias and its rows are taken as they are. The encoder is the one of `untied()`: linear, without bias, started at the
dictionary. Its default, which starts anywhere, ends at the same error but is far behind for the first dozens of steps.
"""

from __future__ import annotations

import torch
from overcomplete.sae import TopKSAE, train_sae
from torch import Tensor

from benchmarks.peers.driver import Job, serve

# Best of a sweep over learning rates at 4,096 latents; see README.md beside this file.
LR = 4e-3


class OvercompleteTrainer:
    """TopKSAE with an encoder that starts at the dictionary."""

    def __init__(self, job: Job) -> None:
        self.sae = TopKSAE(job.d_in, job.n_latents, top_k=job.k, device="cpu").untied()
        self.optimiser = torch.optim.Adam(self.sae.parameters(), lr=job.lr or LR, fused=True)

    def step(self, rows: Tensor) -> None:
        """An epoch of one batch."""
        train_sae(self.sae, [rows], squared_error, self.optimiser, nb_epochs=1, monitoring=0)

    def reconstruct(self, rows: Tensor) -> Tensor:
        """In evaluation mode the library decodes with a dictionary that it normalised once."""
        self.sae.eval()
        x_hat = self.sae(rows)[2]
        self.sae.train()
        return x_hat


def squared_error(x: Tensor, x_hat: Tensor, pre_codes: Tensor, codes: Tensor, dictionary: Tensor) -> Tensor:
    """The library leaves the criterion to its user as well; this is the error alone, in the signature it asks for."""
    return (x - x_hat).square().sum(1).mean()


if __name__ == "__main__":
    serve("overcomplete", OvercompleteTrainer)
