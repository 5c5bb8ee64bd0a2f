"""The training loop, once, for every architecture: Adam, warm-up and decay, a dead counter, the SAE's own hooks.

It knows nothing of what the rows mean. It never prints: an `observe` callback gets a StepRecord now and then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from sae.config import TrainConfig
from sae.errors import NumericError
from sae.layer import Layer
from sae.normaliser import Normaliser
from sae.protocol import SAE
from sae.records import Loss, StepRecord
from sae.seeding import stream

OBSERVE_EVERY = 50


def train(
    architecture: str,
    sae: SAE,
    rows: Float[Tensor, "rows d_in"],
    config: TrainConfig,
    seed: int,
    observe: Callable[[StepRecord], None] = lambda record: None,
) -> Layer:
    """Train `sae` (named `architecture`) on `rows`, in the units of the layer below, and give the whole layer.

    A latent counts as having fired when it is above 0 (the released code of Gao et al. asks for 1e-3).
    Deterministic for one seed on one machine. Raises NumericError when the rows or the loss are not finite; the
    message names the row or the term.
    """
    normaliser = Normaliser.fit(rows)
    normal = normaliser.apply(rows)
    sae._start(normal[torch.randperm(len(normal), generator=stream(seed, "start"))], stream(seed, "directions"))
    optimiser = torch.optim.Adam(sae.parameters(), lr=config.lr, betas=(0.9, 0.999), eps=6.25e-10, fused=True)
    silent = torch.zeros(sae.n_latents)
    dead_rows = config.dead_after * config.steps * min(config.batch, len(normal))
    rows_seen = 0
    for step, chosen in enumerate(batches(len(normal), config, seed)):
        for group in optimiser.param_groups:
            group["lr"] = config.lr * schedule(step, config)
        dead = silent >= dead_rows
        loss = sae.loss(normal[chosen], dead if bool(dead.any()) else None)
        check_loss(loss, step)
        optimiser.zero_grad(set_to_none=True)
        loss.total.backward()  # type: ignore[no-untyped-call]  # torch's own gap
        sae._before_step()
        optimiser.step()
        sae._after_step()
        rows_seen += len(chosen)
        silent = torch.where(loss.codes.fired(), 0.0, silent + len(chosen))
        if step % OBSERVE_EVERY == 0 or step == config.steps - 1:
            terms = {name: float(value.detach()) for name, value in loss.terms.items()}
            share = float((silent >= dead_rows).float().mean())
            observe(StepRecord(step, config.steps, rows_seen, float(loss.total.detach()), terms, share))
    return Layer(architecture, sae, normaliser)


def schedule(step: int, config: TrainConfig) -> float:
    """The learning rate at `step` as a share of its peak: linear up, flat, linear down."""
    up = (step + 1) / max(1.0, config.warmup * config.steps)
    down = (config.steps - step) / max(1.0, config.decay * config.steps)
    return min(1.0, up, down)


def batches(n_rows: int, config: TrainConfig, seed: int) -> Iterator[Tensor]:
    """Row numbers of each step's batch: a new permutation every epoch, the last short batch of one left out."""
    draw, done = stream(seed, "batches"), 0
    batch = min(config.batch, n_rows)
    while True:
        order = torch.randperm(n_rows, generator=draw)
        for start in range(0, n_rows - batch + 1, batch):
            if done == config.steps:
                return
            yield order[start : start + batch]
            done += 1


def check_loss(loss: Loss, step: int) -> None:
    """Raise NumericError naming the first term of the loss that is not finite."""
    if not bool(torch.isfinite(loss.total)):
        bad = [name for name, value in loss.terms.items() if not bool(torch.isfinite(value))] or ["total"]
        raise NumericError(f"training stopped at step {step}: the loss term {bad[0]!r} is not finite")
