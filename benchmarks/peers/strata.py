"""Strata's own training step, exact and with an 8-bit shortlist. `training_step` alone knows how one is taken."""

from __future__ import annotations

from torch import Tensor

from benchmarks.peers.driver import Job, serve
from sae.architectures.topk import TopK
from sae.config import TrainConfig
from sae.layer import Layer
from sae.normaliser import Normaliser
from sae.rows import Batch
from sae.seeding import stream
from sae.steps import Step, step_for

# Best of a sweep over learning rates at 4,096 latents (README.md beside this file); Gao et al. scale it with width.
LR, LR_LATENTS = 4e-3, 4096
CHECK_EVERY = 16
ENCODER_NORM = 0.577
SHORTLIST = 48


class StrataTrainer:
    """TopK with the step that `sae.train` takes, AuxK off; the variant `shortlist` takes exact products only for the
    latents that an 8-bit product puts first."""

    def __init__(self, job: Job) -> None:
        normaliser = Normaliser.fit(job.sample)
        sae = TopK(job.d_in, job.n_latents, k=job.k, encoder_norm=ENCODER_NORM)
        sae._start(normaliser.apply(job.sample), stream(job.seed, "directions"))
        self.layer, self.lr = Layer("topk", sae, normaliser), job.lr or LR * (LR_LATENTS / job.n_latents) ** 0.5
        self.steps = 0
        self.take = step_for(sae, TrainConfig(lr=self.lr, shortlist=SHORTLIST if job.variant == "shortlist" else 0))

    def step(self, rows: Tensor) -> None:
        """One step; scaling the rows is part of it, as it is for the peers."""
        training_step(self.take, self.layer.normaliser.apply(rows), self.lr, self.steps % CHECK_EVERY == 0)
        self.steps += 1

    def notes(self) -> dict[str, object]:
        """The kind of step, and the recall of the shortlist when it was last checked."""
        return {"path": self.take.path, "recall": self.take.recall}

    def reconstruct(self, rows: Tensor) -> Tensor:
        """Through the layer, which scales and undoes the scaling. Evaluation is exact in either mode."""
        return self.layer.decode(self.layer.encode(rows))


def training_step(take: Step, normal: Tensor, lr: float, check: bool) -> None:
    """What one round of the loop in `sae.train` does to normalised rows."""
    loss = take(Batch(normal), None, lr, check)
    loss.codes.fired()  # the loop's dead counter


if __name__ == "__main__":
    serve("strata", StrataTrainer)
