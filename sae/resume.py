"""Checkpoints of a training run, so that a killed run goes on where it was and ends as if nothing had happened.

One safetensors file, written beside and renamed (`sae.files`): it is whole or it is not there. It holds weights,
buffers, optimiser state, dead counters and moving averages; where the run stood in its random streams follows from
the step. The file also holds what the run was: architectures, options, config, seed and rows. A file of another run
is an error, not a start from something else.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from sae.checkpoint import check_all_finite
from sae.config import TrainConfig
from sae.errors import CheckpointError, ConfigError
from sae.files import one_line, read_safetensors, unwritten, write_safetensors
from sae.protocol import SAE
from sae.rows import Rows
from sae.steps import Step
from sae.values import path_of, says_itself, whole

FILE = "training.safetensors"


@dataclass
class Trained:
    """Everything about one SAE that a step of training changes."""

    architecture: str
    sae: SAE
    step: Step
    lr: float
    silent: Float[Tensor, " n_latents"]
    """Rows since each latent fired."""
    average: dict[str, Tensor]
    """Moving average of each parameter; empty without one."""
    frozen: bool = False
    """Whether the decoder stays as it was drawn."""
    given: str = ""
    """Digest of the weights that take no gradients and stay as they were given; empty where all take some."""

    def tensors(self) -> dict[str, Tensor]:
        """All of it by name."""
        return {
            **{f"sae.{name}": value for name, value in self.sae.state_dict().items()},
            **{f"step.{name}": value for name, value in self.step.state().items()},
            **{f"average.{name}": value for name, value in self.average.items()},
            "silent": self.silent,
        }

    def load(self, tensors: dict[str, Tensor]) -> None:
        """The counterpart of `tensors`."""

        def part(prefix: str) -> dict[str, Tensor]:
            return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}

        self.sae.load_state_dict(part("sae."))
        device = self.silent.device
        self.step.load({name: value.to(device) for name, value in part("step.").items()})
        self.silent = tensors["silent"].to(device)
        self.average.update({name: value.to(device) for name, value in part("average.").items()})


@says_itself
@dataclass(frozen=True)
class Checkpoints:
    """Where checkpoints are kept, and after how many steps one replaces the last. Raises ConfigError below 1."""

    folder: str | os.PathLike[str]
    every: int

    def __post_init__(self) -> None:
        path_of("folder of checkpoints", self.folder)
        try:
            object.__setattr__(self, "every", whole("every", self.every, 1))
        except ConfigError as error:
            raise ConfigError(f"checkpoints every {self.every} steps: {str(error).split(': ', 1)[1]}") from error

    @property
    def path(self) -> Path:
        """The file."""
        return Path(self.folder) / FILE

    def save(self, trained: Sequence[Trained], config: TrainConfig, seed: int, rows: Rows, step: int) -> None:
        """Keep the state after `step` steps."""
        tensors = {f"{i}.{name}": value for i, one in enumerate(trained) for name, value in one.tensors().items()}
        check_all_finite(f"{self.path} would hold", tensors)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritten(self.path, error) from error
        write_safetensors(self.path, tensors, {"step": str(step), "run": identity(trained, config, seed, rows)})

    def load(self, trained: Sequence[Trained], config: TrainConfig, seed: int, rows: Rows) -> int:
        """Take up the last state; gives how many steps were done, 0 where there is no checkpoint.

        Raises CheckpointError for a file that is broken, of another run, or with numbers that are not finite.
        """
        if not self.path.exists():
            return 0
        try:
            tensors, metadata = read_safetensors(self.path)
        except CheckpointError as error:
            raise CheckpointError(
                f"{self.path} is not a readable checkpoint, delete it to start anew: {error}"
            ) from None
        if metadata.get("run") != identity(trained, config, seed, rows):
            raise CheckpointError(f"{self.path} is the checkpoint of another run; delete it or choose another folder")
        check_all_finite(f"{self.path} holds", tensors)
        step = metadata.get("step", "")
        if not step.isdigit() or int(step) > config.steps:
            raise CheckpointError(f"{self.path}: step = {step!r}, expected a whole number up to {config.steps}")
        for i, one in enumerate(trained):
            own = f"{i}."
            try:
                one.load({name.removeprefix(own): value for name, value in tensors.items() if name.startswith(own)})
            except (KeyError, RuntimeError) as error:
                raise CheckpointError(f"{self.path} is not whole: {one_line(error)}") from error
        return int(step)


def identity(trained: Sequence[Trained], config: TrainConfig, seed: int, rows: Rows) -> str:
    """A hash of all that decides the weights: SAEs, config, the kind of step, seed, and a digest of the rows."""
    # all rows would take long where they lie on disk: 64 of them, evenly spaced, tell their order too
    some = rows.batch(torch.arange(64, device="cpu") * (len(rows) - 1) // 63).x
    digest = hashlib.sha256(rows.normaliser.mean.numpy().tobytes() + some.numpy().tobytes()).hexdigest()
    content: dict[str, Any] = {
        "saes": [
            [t.architecture, t.sae.d_in, t.sae.n_latents, t.sae.options(), t.lr, t.step.path, t.frozen]
            + ([t.given] if t.given else [])
            for t in trained
        ],
        "config": dataclasses.asdict(config),
        "seed": seed,
        "rows": [len(rows), digest, rows.normaliser.scale],
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
