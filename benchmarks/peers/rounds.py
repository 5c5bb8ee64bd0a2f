"""The measurement of one size: rounds of short turns, one process working at a time.

Times of processes that run one after the other for minutes cannot be compared on a machine that others use, too: its
speed drifts by more than the differences. So every implementation trains a few steps, then the next one, in an order
that rotates from round to round, and ratios are taken within a round. The first step of a turn is trained but not
timed: the process has handed back its memory and lost its caches. Nor is the first round, in which optimisers make
their state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.peers.implementations import FLOOR, IMPLEMENTATIONS, PeerError
from benchmarks.peers.worker import Worker


@dataclass
class Run:
    """What one implementation did at one size."""

    versions: dict[str, Any]
    rounds: list[list[float]] = field(default_factory=list)
    """Seconds of the timed steps of each round; the first round is left out of every statistic."""
    curve: list[tuple[int, float]] = field(default_factory=list)
    """Steps done and held-out FVU, from step 0 on."""


def measure(
    names: list[str],
    options: dict[str, Any],
    n_rounds: int,
    n_steps: int,
    keep_memory: bool,
    say: Callable[[str], None],
) -> tuple[dict[str, Run], dict[str, str]]:
    """Runs of the implementations that came through, and the errors of those that did not."""
    workers: dict[str, Worker] = {}
    runs: dict[str, Run] = {}
    errors: dict[str, str] = {}

    def attempt(name: str, act: Callable[[str], None]) -> None:
        try:
            act(name)
        except PeerError as error:
            say(f"{str(error).splitlines()[0]}; the others go on")
            errors[name] = str(error)
            workers.pop(name, None)
            runs.pop(name, None)

    def start(name: str) -> None:
        workers[name] = Worker(name, IMPLEMENTATIONS[name], options, keep_memory)
        runs[name] = Run(workers[name].versions)
        evaluate(name)
        workers[name].ask("rest")

    def turn(name: str) -> None:
        seconds = workers[name].ask(f"step {n_steps}")["seconds"]
        runs[name].rounds.append(seconds[1:])
        evaluate(name)
        workers[name].ask("rest")

    def evaluate(name: str) -> None:
        if name != FLOOR:
            said = workers[name].ask("evaluate")
            runs[name].curve.append((len(runs[name].rounds) * n_steps, said.pop("fvu")))
            runs[name].versions |= said

    try:
        for name in names:
            attempt(name, start)
        for number in range(n_rounds):
            ready = [name for name in names if name in workers]
            shift = number % max(1, len(ready))
            for name in ready[shift:] + ready[:shift]:
                attempt(name, turn)
            say(f"  round {number + 1} of {n_rounds}")
    finally:
        for worker in workers.values():
            worker.close()
    return runs, errors
