"""dictionary_learning: `TopKTrainer.update`, called as its `trainSAE` does, with activations scaled to mean squared
norm 1 (its normalize_activations), Adam, gradient clipping and the projection of the decoder's gradient. AuxK off."""

from __future__ import annotations

from dictionary_learning.trainers.top_k import TopKTrainer
from torch import Tensor

from benchmarks.peers.driver import Job, serve

# Best of a sweep over learning rates at 4,096 latents; see README.md beside this file.
LR = 4e-3


class DictionaryLearningTrainer:
    """AutoEncoderTopK inside TopKTrainer."""

    def __init__(self, job: Job) -> None:
        self.trainer = TopKTrainer(
            steps=job.steps + 1,
            activation_dim=job.d_in,
            dict_size=job.n_latents,
            k=job.k,
            layer=0,
            lm_name="synthetic",
            lr=job.lr or LR,
            auxk_alpha=0,
            warmup_steps=0,
            seed=job.seed,
            device="cpu",
        )
        self.norm = float(job.sample.pow(2).sum(1).mean().sqrt())
        self.steps_done = 0

    def step(self, rows: Tensor) -> None:
        """The library starts the bias at the geometric median of step 0's rows."""
        self.trainer.update(self.steps_done, rows / self.norm)
        self.steps_done += 1

    def reconstruct(self, rows: Tensor) -> Tensor:
        """Scale, run, undo the scale."""
        return self.trainer.ae(rows / self.norm) * self.norm


if __name__ == "__main__":
    serve("dictionary-learning", DictionaryLearningTrainer)
