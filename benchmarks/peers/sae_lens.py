"""SAELens: `SAETrainer.step`, the seam that its own `fit` calls, with its Adam and its gradient clipping.

Two implementations. `dense` is the default: activations are a full matrix and pre-activations are rescaled by the
decoder's norms. `sparse` turns on use_sparse_activations; the rescaling is off there, because with it the backward
pass of the sparse product fails on a CPU. Rows are scaled by SAELens's own estimate (expected_average_only_in).
AuxK stays silent: no latent counts as dead within the run.
"""

from __future__ import annotations

from itertools import repeat

from sae_lens.config import SAETrainerConfig
from sae_lens.saes.topk_sae import TopKTrainingSAE, TopKTrainingSAEConfig
from sae_lens.training.sae_trainer import SAETrainer
from torch import Tensor

from benchmarks.peers.driver import Job, serve

# Best of a sweep over learning rates at 4,096 latents; see README.md beside this file.
LR = 4e-3
NEVER = 10**9


class SaeLensTrainer:
    """TopKTrainingSAE inside SAETrainer."""

    def __init__(self, job: Job) -> None:
        sparse = job.variant == "sparse"
        config = TopKTrainingSAEConfig(
            d_in=job.d_in,
            d_sae=job.n_latents,
            k=job.k,
            use_sparse_activations=sparse,
            rescale_acts_by_decoder_norm=not sparse,
            normalize_activations="expected_average_only_in",
            device="cpu",
        )
        settings = SAETrainerConfig(
            total_training_samples=job.steps * job.batch,
            train_batch_size_samples=job.batch,
            lr=job.lr or LR,
            lr_end=job.lr or LR,
            device="cpu",
            dead_feature_window=NEVER,
        )
        batches = repeat(job.sample)
        self.trainer = SAETrainer(settings, TopKTrainingSAE(config), batches)
        self.trainer.activation_scaler.estimate_scaling_factor(job.d_in, batches, n_batches_for_norm_estimate=1)

    def step(self, rows: Tensor) -> None:
        """As in the library's loop without logging."""
        self.trainer.maybe_reset_sparsity()
        self.trainer.step(rows)
        self.trainer.n_training_steps += 1

    def reconstruct(self, rows: Tensor) -> Tensor:
        """Scale, run, undo the scale."""
        scaler = self.trainer.activation_scaler
        return scaler.unscale(self.trainer.sae(scaler.scale(rows)))


if __name__ == "__main__":
    serve("sae-lens", SaeLensTrainer)
