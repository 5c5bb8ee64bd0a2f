"""Strata's TopK training step beside the peers from PyPI: speed and held-out error, on the same rows.

    make bench-peers
    make bench-peers ARGS="--sizes 4096 --rounds 2 --steps 2"      # a minute, once the environments stand

Writes build/bench/peers.json and prints it as a table; README.md beside this file says what is compared and how. Exit
code 1 when an implementation failed; the others are measured all the same.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path

from benchmarks import synthetic
from benchmarks.peers.implementations import BUILD, FLOOR, IMPLEMENTATIONS, OURS
from benchmarks.peers.rounds import measure
from benchmarks.peers.summary import rows_of, table

D_IN, K = 576, 32
# Rounds and steps a turn at each size: long enough for an FVU that means something where steps are cheap, and for a
# steady median where they are not. Together well under 25 minutes on two cores.
PLAN = {4096: (16, 4), 16_384: (7, 3), 32_768: (5, 2)}
HELD_OUT = 4096


def main() -> int:
    """Measure all sizes, write after each of them."""
    options = parser().parse_args()
    plan = {size: plan_of(size, options.rounds, options.steps) for size in options.sizes}
    longest = max(rounds * steps for rounds, steps in plan.values()) * options.batch
    say(f"rows: {longest:,} to train on, {HELD_OUT:,} held out")
    train, held_out = synthetic.training_and_held_out(BUILD / "rows", longest, HELD_OUT, D_IN)
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    names = [name for name in IMPLEMENTATIONS if name in {*options.impl, FLOOR}]
    rows, failed = [], {}
    for size, (n_rounds, n_steps) in plan.items():
        say(f"{size:,} latents: {n_rounds} rounds of {n_steps} steps")
        job = {
            "latents": size,
            "k": K,
            "batch": options.batch,
            "steps": n_rounds * n_steps,
            "seed": options.seed,
            "threads": options.threads,
            "lr": options.lr,
            "train": train,
            "held-out": held_out,
        }
        runs, errors = measure(names, job, n_rounds, n_steps, not options.plain_allocator, say)
        failed |= errors
        rows += rows_of(runs, job, {"threads": options.threads, "batch": options.batch, "machine": machine})
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(json.dumps(rows, indent=1) + "\n")
    print(table(rows))
    for name, error in failed.items():
        print(f"\nFAILED {name}: {error}", file=sys.stderr)
    return 1 if failed else 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__.splitlines()[0])
    learners = [name for name in IMPLEMENTATIONS if name != FLOOR]
    options.add_argument("--sizes", type=int, nargs="+", default=list(PLAN), help="numbers of latents")
    options.add_argument("--impl", nargs="+", choices=learners, default=learners, help=f"ratios need {OURS}")
    options.add_argument("--rounds", type=int, help="rounds of every size; the first is not timed")
    options.add_argument("--steps", type=int, help="steps a turn; the first is not timed")
    options.add_argument("--batch", type=int, default=4096)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--lr", type=float, help="one learning rate for all, for sweeps")
    options.add_argument("--plain-allocator", action="store_true", help="leave the allocator's settings as they are")
    options.add_argument("--output", type=Path, default=BUILD / "peers.json")
    return options


def plan_of(size: int, rounds: int | None, steps: int | None) -> tuple[int, int]:
    """Rounds and steps a turn, at least two of each: the first is never timed."""
    nearest = min(PLAN, key=lambda known: abs(known - size))
    return max(2, rounds or PLAN[nearest][0]), max(2, steps or PLAN[nearest][1])


def say(line: str) -> None:
    """Progress, with the minutes since the start."""
    print(f"[{(time.perf_counter() - STARTED) / 60:5.1f} min] {line}", flush=True)


STARTED = time.perf_counter()

if __name__ == "__main__":
    sys.exit(main())
