"""The child's side of a benchmark process: everything a driver shares, so that a driver is only its library's calls.

A driver gives `serve` a function that takes a Job and gives a Trainer. `serve` then answers commands from standard
input with one JSON line each, on a pipe of their own, because libraries print:

    step N      train on the next N batches        {"seconds": [N floats]}
    evaluate    reconstruct the held-out rows      {"fvu": float, and what the trainer notes}
    rest        hand freed memory to the system    {}
    quit

Only the library's step is timed: a batch is read into memory before the clock starts. Needs nothing but torch and
numpy, which every peer installs: this module runs in the peers' environments, too.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import IO, Protocol

import numpy as np
import torch
from torch import Tensor

EVALUATED_AT_ONCE = 1024


@dataclass(frozen=True)
class Job:
    """What to train: equal for all implementations, but for `variant` and `lr`."""

    n_latents: int
    k: int
    batch: int
    steps: int
    """Steps that will be asked for in all; for schedules that want to know."""
    seed: int
    lr: float | None
    """None: the driver's own, the best of a sweep."""
    variant: str
    """Which of the library's ways to train; drivers with only one ignore it."""
    sample: Tensor
    """The first batch [batch, d_in], for starting values and scales."""

    @property
    def d_in(self) -> int:
        """Width of a row."""
        return self.sample.shape[1]


class Trainer(Protocol):
    """A library's training step and its reconstructions."""

    def step(self, rows: Tensor) -> None:
        """One optimiser step on rows [batch, d_in] in original units."""

    def reconstruct(self, rows: Tensor) -> Tensor:
        """Reconstructions of rows [n, d_in] in original units; called without gradients."""


def serve(package: str | None, start: Callable[[Job], Trainer]) -> None:
    """Read the job from the command line, then answer commands until `quit` or the end of standard input.
    `package` is the distribution whose version is reported."""
    options = parser().parse_args()
    answers = os.fdopen(options.answers, "w")
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    train, held_out = (np.load(path, mmap_mode="r") for path in (options.train, options.held_out))
    batches = batches_of(train, options.batch)
    sample = torch.from_numpy(train[: options.batch].copy())
    job = Job(
        options.latents, options.k, options.batch, options.steps, options.seed, options.lr, options.variant, sample
    )
    trainer = start(job)
    answer(answers, {"torch": torch.__version__, "version": version(package) if package else None})
    for line in sys.stdin:
        command, *rest = line.split()
        if command == "step":
            answer(answers, {"seconds": [timed(trainer, next(batches)) for _ in range(int(rest[0]))]})
        elif command == "evaluate":
            # a trainer may have something of its own to say, such as the recall of a shortlist
            notes = trainer.notes() if hasattr(trainer, "notes") else {}
            answer(answers, {"fvu": unexplained(trainer, held_out), **notes})
        elif command == "rest":
            release_memory()
            answer(answers, {})
        elif command == "quit":
            return
        else:
            raise SystemExit(f"unknown command {command!r}")


def parser() -> argparse.ArgumentParser:
    """The command line that every driver understands."""
    options = argparse.ArgumentParser()
    for name in ("latents", "k", "batch", "steps", "seed", "threads", "answers"):
        options.add_argument(f"--{name}", type=int, required=True)
    options.add_argument("--lr", type=float)
    options.add_argument("--variant", default="")
    options.add_argument("--train", type=Path, required=True)
    options.add_argument("--held-out", type=Path, required=True)
    return options


def answer(answers: IO[str], content: dict[str, object]) -> None:
    """Send one line."""
    answers.write(json.dumps(content) + "\n")
    answers.flush()


def batches_of(rows: np.ndarray, batch: int) -> Iterator[Tensor]:
    """Consecutive batches: rows are independent draws, so shuffling would change nothing."""
    for start in range(0, len(rows) - batch + 1, batch):
        yield torch.from_numpy(rows[start : start + batch].copy())


def timed(trainer: Trainer, rows: Tensor) -> float:
    """Wall seconds of one step."""
    started = time.perf_counter()
    trainer.step(rows)
    return time.perf_counter() - started


@torch.no_grad()
def unexplained(trainer: Trainer, held_out: np.ndarray) -> float:
    """Fraction of variance unexplained, in original units: sum ||x - x_hat||^2 / sum ||x - mean||^2."""
    rows = torch.from_numpy(held_out.copy())
    error = sum(float((part - trainer.reconstruct(part)).pow(2).sum()) for part in rows.split(EVALUATED_AT_ONCE))
    return error / float((rows - rows.mean(0)).pow(2).sum())


def release_memory() -> None:
    """Give back what the allocator keeps: with large dictionaries, what all processes keep together does not fit."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except AttributeError:  # not glibc
        return
