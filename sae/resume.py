"""Checkpoints of a training run, so that a killed run goes on where it was and ends as if nothing had happened.

One safetensors file, written beside and renamed: it is whole or it is not there. It holds weights, buffers,
optimiser state, dead counters and moving averages; where the run stood in its random streams follows from the step.
The file also holds what the run was: architectures, options, config, seed and rows. A file of another run is an
error, not a start from something else.
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

import safetensors
import torch
from jaxtyping import Float
from safetensors.torch import save_file
from torch import Tensor

from sae.config import TrainConfig
from sae.errors import CheckpointError, ConfigError
from sae.protocol import SAE
from sae.rows import Rows
from sae.steps import Step

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


@dataclass(frozen=True)
class Checkpoints:
    """Where checkpoints are kept, and after how many steps one replaces the last. Raises ConfigError below 1."""

    folder: Path
    every: int

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ConfigError(f"checkpoints every {self.every} steps: must be at least 1")

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / FILE

    def save(self, trained: Sequence[Trained], config: TrainConfig, seed: int, rows: Rows, step: int) -> None:
        """Keep the state after `step` steps."""
        self.folder.mkdir(parents=True, exist_ok=True)
        tensors = {f"{i}.{name}": value for i, one in enumerate(trained) for name, value in one.tensors().items()}
        temporary = self.path.with_suffix(f".{os.getpid()}.tmp")
        save_file(
            {name: value.detach().cpu().contiguous() for name, value in tensors.items()},
            temporary,
            {"step": str(step), "run": identity(trained, config, seed, rows)},
        )
        temporary.replace(self.path)

    def load(self, trained: Sequence[Trained], config: TrainConfig, seed: int, rows: Rows) -> int:
        """Take up the last state; gives how many steps were done, 0 where there is no checkpoint.

        Raises CheckpointError for a file that is broken or of another run.
        """
        if not self.path.exists():
            return 0
        try:
            with safetensors.safe_open(self.path, "pt") as file:
                metadata = dict(file.metadata() or {})
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        except (OSError, ValueError, safetensors.SafetensorError) as error:
            raise CheckpointError(f"{self.path} is not a readable checkpoint: {error}") from error
        if metadata.get("run") != identity(trained, config, seed, rows):
            raise CheckpointError(f"{self.path} is the checkpoint of another run; delete it or choose another folder")
        for i, one in enumerate(trained):
            own = f"{i}."
            try:
                one.load({name.removeprefix(own): value for name, value in tensors.items() if name.startswith(own)})
            except (KeyError, RuntimeError) as error:
                raise CheckpointError(f"{self.path} is not whole: {error}") from error
        return int(metadata["step"])


def identity(trained: Sequence[Trained], config: TrainConfig, seed: int, rows: Rows) -> str:
    """A hash of all that decides the weights: SAEs, config, the kind of step, seed, and a digest of the rows."""
    # all rows would take long where they lie on disk: 64 of them, evenly spaced, tell their order too
    some = rows.batch(torch.arange(64) * (len(rows) - 1) // 63).x
    digest = hashlib.sha256(rows.normaliser.mean.numpy().tobytes() + some.numpy().tobytes()).hexdigest()
    content: dict[str, Any] = {
        "saes": [
            [t.architecture, t.sae.d_in, t.sae.n_latents, t.sae.options(), t.lr, t.step.path, t.frozen] for t in trained
        ],
        "config": dataclasses.asdict(config),
        "seed": seed,
        "rows": [len(rows), digest, rows.normaliser.scale],
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
