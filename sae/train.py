"""The training loop, once, for every architecture: batches, schedule, dead counter, revivals, EMA, checkpoints.

Several SAEs can be trained in one pass over the rows: reading activations is often what costs most (SAELens#540
asks for it). The loop knows nothing of what the rows mean and never prints: an `observe` callback gets a StepRecord
now and then. What a step does to the weights stands in `sae.steps`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from sae.ambient import learning, make_trainable, usable
from sae.callable_module import callable_module
from sae.config import TrainConfig
from sae.declared import decoder_weights, latent_axes
from sae.discover import find, names
from sae.errors import ConfigError, InputError
from sae.finite import check_weights
from sae.frozen import Frozen
from sae.given import TrainingRows, check_sae
from sae.layer import Layer
from sae.protocol import SAE
from sae.records import Loss, StepRecord
from sae.resume import Checkpoints, Trained
from sae.rows import Batch, Rows
from sae.seeding import stream
from sae.steps import step_for
from sae.values import flag, real, says_itself, whole

PACKAGE = "sae.architectures"
OBSERVE_EVERY = 50
# Rows that a revival draws from (Bricken et al. 2023 look at a random subset too).
REVIVAL_SAMPLE = 8192
START_SAMPLE = 32_768


@says_itself
@dataclass(frozen=True)
class Trainee:
    """An SAE to be trained, with the name of its architecture. `lr` None is the config's."""

    architecture: str
    sae: SAE
    lr: float | None = None
    frozen_decoder: bool = False
    """Leave the decoder as it was drawn and train the rest: what does learning directions add? (arXiv 2602.14111)"""

    def __post_init__(self) -> None:
        if self.lr is not None:
            object.__setattr__(self, "lr", real("lr", self.lr, above=0))
        flag("frozen_decoder", self.frozen_decoder)
        if not isinstance(self.architecture, str) or not self.architecture:
            raise ConfigError(f"architecture = {self.architecture!r}: must be a name, such as 'topk'")
        check_sae("the SAE to train", self.sae)
        package, _, own = type(self.sae).__module__.rpartition(".")
        if package == PACKAGE and own != self.architecture and own in names(PACKAGE):
            kind = type(self.sae).__name__
            raise ConfigError(
                f"the SAE is a {kind}, not of the architecture {self.architecture!r}: its name is {own!r}"
            )
        if self.architecture in names(PACKAGE) and not isinstance(self.sae, find(PACKAGE, self.architecture)):  # type: ignore[arg-type]  # discovered: a class
            raise ConfigError(f"the SAE is a {type(self.sae).__name__}, not of the architecture {self.architecture!r}")
        if self.frozen_decoder:
            decoder_weights(self.architecture, self.sae)


@says_itself
def train(
    architecture: str,
    sae: SAE,
    rows: TrainingRows,
    config: TrainConfig,
    seed: int,
    observe: Callable[[StepRecord], None] = lambda record: None,
    checkpoints: Checkpoints | None = None,
    device: str = "cpu",
) -> Layer:
    """Train `sae` (named `architecture`) on `rows`, in the units of the layer below, and give the whole layer.

    A latent counts as having fired when it is above 0 (the released code of Gao et al. asks for 1e-3).
    Deterministic for one seed on one machine, interrupted and resumed from `checkpoints` or not; torch's modes and
    defaults (gradients, inference mode, autocast, number format, device) make no difference. A weight whose
    `requires_grad` is off stays bit for bit as it was given; torch's step trains the others. Raises InputError for
    rows of another type, number of axes or width, NumericError when the rows or the loss are not finite (the message
    names the row or the term), ConfigError for a device that is not there or an SAE that is not the architecture's,
    and CheckpointError for a checkpoint of another training.
    """
    trainee = Trainee(architecture, sae)
    return train_together([trainee], rows, config, seed, lambda _, record: observe(record), checkpoints, device)[0]


@says_itself
def train_together(
    trainees: Sequence[Trainee],
    rows: TrainingRows,
    config: TrainConfig,
    seed: int,
    observe: Callable[[int, StepRecord], None] = lambda index, record: None,
    checkpoints: Checkpoints | None = None,
    device: str = "cpu",
) -> list[Layer]:
    """Train several SAEs on the same batches, reading each batch once. Each comes out as `train` alone would make it.

    Widths, k, architectures and learning rates may differ; `observe` gets the trainee's number with its record.
    """
    if not isinstance(config, TrainConfig):
        given = "TrainConfig(**config)" if isinstance(config, dict) else "sae.TrainConfig()"
        raise ConfigError(f"config is of type {type(config).__name__}, expected sae.TrainConfig: {given}")
    for trainee in trainees:
        if not isinstance(trainee, Trainee):
            raise ConfigError(f"a trainee is of type {type(trainee).__name__}, expected sae.train.Trainee")
    seed, device = whole("seed", seed, least=None), usable(device)
    with learning(device):
        return _train_together(trainees, Rows.fit(rows, config.normalise), config, seed, observe, checkpoints, device)


def _train_together(
    trainees: Sequence[Trainee],
    data: Rows,
    config: TrainConfig,
    seed: int,
    observe: Callable[[int, StepRecord], None],
    checkpoints: Checkpoints | None,
    device: str,
) -> list[Layer]:
    """The same, where torch's modes are set."""
    draw = stream(seed, "start")
    for trainee in trainees:
        if trainee.sae.d_in != data.width:
            raise InputError(
                f"rows have width {data.width}, the {trainee.architecture} SAE reads d_in = {trainee.sae.d_in}"
            )
        make_trainable(trainee.architecture, trainee.sae)
    order = torch.randperm(len(data), generator=draw, device="cpu")[:START_SAMPLE]
    sample = data.batch(order, device).x
    learners = [_Learner(trainee, config, len(data), seed, device) for trainee in trainees]
    for learner in learners:
        learner.start(sample, seed)
    del sample  # as large as many batches
    done = checkpoints.load([learner.trained for learner in learners], config, seed, data) if checkpoints else 0
    for learner in learners:
        check_weights(learner.trained.sae, done)
    for step, chosen in enumerate(batches(len(data), config, seed)):
        if step < done:
            continue
        batch = data.batch(chosen, device)
        watched = step % OBSERVE_EVERY == 0 or step == config.steps - 1
        for index, learner in enumerate(learners):
            record = learner.learn(batch, step, watched)
            if record is not None:
                observe(index, record)
        if step + 1 in revival_steps(config):
            draw = stream(seed, "revival", step)
            at_hand = data.batch(torch.randperm(len(data), generator=draw, device="cpu")[:REVIVAL_SAMPLE], device).x
            for learner in learners:
                learner.revive(at_hand, stream(seed, "revived rows", step), step + 1)
        if checkpoints and (step + 1) % checkpoints.every == 0 and step + 1 < config.steps:
            checkpoints.save([learner.trained for learner in learners], config, seed, data, step + 1)
    for learner in learners:
        learner.finish()
    return [Layer(learner.trained.architecture, learner.trained.sae, data.normaliser) for learner in learners]


class _Learner:
    """One SAE in training: its step, its dead counter, its moving average."""

    def __init__(self, trainee: Trainee, config: TrainConfig, n_rows: int, seed: int, device: str) -> None:
        sae = trainee.sae
        if device != "cpu":
            sae.to(device)
        self.config, self.lr, self.trainee = config, trainee.lr or config.lr, trainee
        self.latent_axes = latent_axes(trainee.architecture, sae)
        self.frozen = Frozen(trainee.architecture, sae)
        sae.bf16 = config.bf16
        self.step = step_for(sae, config, device)
        silent = torch.zeros(sae.n_latents, dtype=torch.float32, device=device)
        self.trained = Trained(
            trainee.architecture,
            sae,
            self.step,
            self.lr,
            silent,
            {},
            trainee.frozen_decoder,
            self.frozen.digest(),
        )
        if config.ema:
            # buffers of numbers too: averaged weights need the average of their threshold
            state = sae.state_dict().items()
            self.trained.average.update({name: torch.zeros_like(v) for name, v in state if v.is_floating_point()})
        self.dead_rows = config.dead_after * config.steps * min(config.batch, n_rows)

    def start(self, sample: Float[Tensor, "rows d_in"], seed: int) -> None:
        """Initial weights; of what is frozen they are the last ones, too."""
        self.trained.sae._start(sample, stream(seed, "directions"))
        self.frozen.restore()
        if self.trainee.frozen_decoder:
            self.frozen.keep_decoder()

    def learn(self, batch: Batch, step: int, watched: bool) -> StepRecord | None:
        """Take a step; a record if one is wanted."""
        trained = self.trained
        dead = trained.silent >= self.dead_rows
        lr = self.lr * schedule(step, self.config)
        helped = step % self.config.aux_every == 0 and bool(dead.any())
        loss = self.step(batch, dead if helped else None, lr, watched)
        self.frozen.restore()
        rows = len(batch.x)
        trained.silent = (trained.silent + rows).masked_fill_(loss.codes.fired(), 0.0)
        with torch.no_grad():
            state = trained.sae.state_dict() if self.config.ema else {}
            for name, average in trained.average.items():
                average.lerp_(state[name], 1 - self.config.ema)
        if watched:
            check_weights(trained.sae, step)
        return self._record(loss, step, rows) if watched else None

    def _record(self, loss: Loss, step: int, rows: int) -> StepRecord:
        terms = {name: float(value.detach()) for name, value in loss.terms.items()}
        share = float((self.trained.silent >= self.dead_rows).float().mean())
        return StepRecord(
            step, self.config.steps, (step + 1) * rows, float(loss.total.detach()), terms,
            dead_share=share, l0=loss.codes.l0(), path=self.step.path, recall=self.step.recall,
        )  # fmt: skip

    @torch.no_grad()
    def revive(self, rows: Float[Tensor, "rows d_in"], draw: torch.Generator, steps_taken: int) -> None:
        """Point dead latents at rows that are reconstructed badly: drawn with the square of the loss as weight."""
        sae = self.trained.sae
        latents = (self.trained.silent >= self.dead_rows).nonzero().flatten()
        if not len(latents):
            return
        error = (rows - sae.decode(sae.encode(rows))).pow(2).sum(1).cpu()
        weight = error.pow(2) + 1e-12 * error.pow(2).max() + 1e-30
        chosen = torch.multinomial(weight, len(latents), replacement=len(latents) > len(rows), generator=draw)
        sae._revive(latents, rows[chosen.to(rows.device)])
        self.frozen.restore()
        self.step.forget(latents)
        self.trained.silent[latents] = 0
        state = sae.state_dict()
        for name, axis in self.latent_axes.items():
            if name in self.trained.average:
                # as if the new weights had been there from the start: the old ones would kill the latent at the end
                new = state[name].index_select(axis, latents) * (1 - self.config.ema**steps_taken)
                self.trained.average[name].index_copy_(axis, latents, new)

    @torch.no_grad()
    def finish(self) -> None:
        """Put the moving average, corrected for its start at 0, in the place of the last weights; back to the CPU."""
        if self.config.ema:
            state = self.trained.sae.state_dict()
            for name, average in self.trained.average.items():
                state[name].copy_(average / (1 - self.config.ema**self.config.steps))
            self.trained.sae._constrain()
            self.frozen.restore()
        check_weights(self.trained.sae, self.config.steps)
        self.trained.sae.bf16 = False
        self.trained.sae.to("cpu")


def schedule(step: int, config: TrainConfig) -> float:
    """The learning rate at `step` as a share of its peak: linear up, flat, linear down."""
    up = (step + 1) / max(1.0, config.warmup * config.steps)
    down = (config.steps - step) / max(1.0, config.decay * config.steps)
    return min(1.0, up, down)


def revival_steps(config: TrainConfig) -> set[int]:
    """After how many steps dead latents are revived: evenly over the first half (Bricken et al. 2023)."""
    return {round(i * config.steps / (2 * config.revivals)) for i in range(1, config.revivals + 1)}


def batches(n_rows: int, config: TrainConfig, seed: int) -> Iterator[Tensor]:
    """Row numbers of each step's batch: a new permutation every epoch, the last short batch of one left out."""
    draw, done = stream(seed, "batches"), 0
    batch = min(config.batch, n_rows)
    while True:
        order = torch.randperm(n_rows, generator=draw, device="cpu")
        for start in range(0, n_rows - batch + 1, batch):
            if done == config.steps:
                return
            yield order[start : start + batch]
            done += 1


callable_module(__name__)
