"""How often the rule is wrong where the truth is known: false positives on noise, power on structure, at depth 2.

    make bench-verdict                         every kind of data set, 20 of each, three training seeds
    make bench-verdict ARGS="--sets 4 --only atoms,groups"

    make bench-verdict ARGS=--again            trains nothing: what is written, judged by the rule as it is now
    make bench-verdict ARGS=--go-on            leaves out what is written, if it was made by the code as it is now

Data sets are those of `benchmarks.truths`; towers are trained, measured and judged by the real stages and the real
rule. Beside the word stands the one that the floors before those of codes (`sae.rule.CODES`) would give. Writes
data/benchmarks/verdict.json, which is tracked: every judgement with the numbers that it was made from, and how they
were made, and when.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import math
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch

from analysis.plan.code_version import code_version
from analysis.plan.config import SaeConfig, TowerConfig
from analysis.plan.stage_folders import provenance
from benchmarks.truths import STRUCTURE, TRUTHS, UNFINISHED, Make, Truth
from sae.config import TrainConfig
from sae.rule import CODES, READING_CODES, THRESHOLDS, UNDECIDED, Seed, judge
from tests.planted import HELD, SEEDS, TRAIN, judged

FILE = Path(__file__).resolve().parent.parent / "data" / "benchmarks" / "verdict.json"
TRAINING = TrainConfig(batch=128, lr=1e-2)
"""Beside the steps, which each kind has of its own."""
KINDS = {truth.name: truth for truth in TRUTHS}


def of_one(truth: Truth, number: int) -> dict[str, Any]:
    """Judge towers of three seeds on one data set of this kind."""
    train = dataclasses.replace(TRAINING, steps=truth.steps)
    sae = SaeConfig(width=truth.width, k=truth.k, train=train)
    tower = TowerConfig(kind="latents", depth=2, width="halving", k="halving", train=train)
    with tempfile.TemporaryDirectory() as folder:
        found = judged(Path(folder), the_same_for_all_seeds(truth.make, number), sae, tower, first=2)
    return {"truth": truth.name, "structure": truth in STRUCTURE, "set": number, **said(found.seeds[2])}


def said(seeds: list[Seed]) -> dict[str, Any]:
    """What the rule says of these numbers, and the numbers."""
    verdict, before = judge(seeds, wanted=READING_CODES), judge([without_codes(seed) for seed in seeds])
    return {
        "word": verdict.word, "margin": verdict.margin, "least": verdict.least, "high": verdict.high,
        "best_floor": verdict.best_floor, "least_floor": verdict.least_floor, "detects": verdict.detects,
        "before": before.word, "before_margin": before.margin, "before_least": before.least,
        "seeds": [plain(dataclasses.asdict(seed)) for seed in seeds],
    }  # fmt: skip


def plain(part: Any) -> Any:
    """Five digits: differences of these are judged to the third."""
    if isinstance(part, dict):
        return {key: plain(value) for key, value in part.items()}
    return None if math.isnan(part) else float(f"{part:.5g}")


def again(row: dict[str, Any]) -> dict[str, Any]:
    """A judgement that was written, by the rule as it is now."""
    seeds = [Seed(**{key: math.nan if value is None else value for key, value in one.items()}) for one in row["seeds"]]
    return {"truth": row["truth"], "structure": row["structure"], "set": row["set"], **said(seeds)}


def the_same_for_all_seeds(make: Make, number: int) -> Make:
    """One data set: seeds are of training alone."""

    @functools.wraps(make)
    def made(rows: int, draw: torch.Generator) -> torch.Tensor:
        return make(rows, torch.Generator().manual_seed(1000 + number))

    return made


def without_codes(seed: Seed) -> Seed:
    """The same without the floors of codes."""
    return dataclasses.replace(seed, floors={name: value for name, value in seed.floors.items() if name not in CODES})


def table(found: Iterable[dict[str, Any]]) -> str:
    """How many of each kind are called structure, and how many would be if copies were none (the interval above 0);
    with the floors of codes and, in brackets, without them. How many are called undecided; the mean margins; and the
    median of the lead that would have been found."""
    rows = list(found)
    lines = [f"{'':<26} {'sets':>4}  {'structure':>9}  {'above 0':>9}  {'undecided':>9}  {'margin':<15}  found"]
    for truth in dict.fromkeys(row["truth"] for row in rows):
        lines.append(_line(truth, [row for row in rows if row["truth"] == truth]))
    short = {truth.name for truth in UNFINISHED}
    for title, wanted in (("noise", False), ("structure", True)):
        if own := [row for row in rows if row["structure"] == wanted and row["truth"] not in short]:
            lines.append(_line(f"of all {title}", own))
    return "\n".join(lines)


def _line(title: str, rows: list[dict[str, Any]]) -> str:
    def both(now: str, before: str, count: Callable[[Any], bool]) -> str:
        return f"{sum(count(row[now]) for row in rows):>3} ({sum(count(row[before]) for row in rows)})"

    word, above = (
        both("word", "before", lambda word: word == "structure"),
        both("least", "before_least", lambda low: low > 0),
    )
    margin, before = (sum(row[name] for row in rows) / len(rows) for name in ("margin", "before_margin"))
    open_ = sum(row["word"] == UNDECIDED for row in rows)
    detects = statistics.median(row["detects"] for row in rows)
    return (
        f"{title:<26} {len(rows):>4}  {word:>9}  {above:>9}  {open_:>9}  {margin:+.3f} ({before:+.3f})  {detects:.3f}"
    )


def main() -> None:
    """Judge, print, write."""
    options = argparse.ArgumentParser(description="False positives and power of the verdict at depth 2.")
    options.add_argument("--sets", type=int, default=20, help="data sets of each kind")
    options.add_argument("--only", default="", help="kinds, by name, separated by commas")
    options.add_argument("--again", action="store_true", help="judge what is written, and train nothing")
    options.add_argument("--go-on", action="store_true", help="train what is not written yet")
    options.add_argument("--out", type=Path, default=FILE)
    asked = options.parse_args()
    if asked.again:
        made, judged_then = read(asked.out)
        rows = [again(row) for row in judged_then]
        write(asked.out, rows, made | {"thresholds": dataclasses.asdict(THRESHOLDS)})
        print(table(rows))
        return
    torch.set_num_threads(1)
    wanted = asked.only.split(",") if asked.only else list(KINDS)
    if unknown := [name for name in wanted if name not in KINDS]:
        options.error(f"there is no {unknown[0]}; known: {', '.join(KINDS)}")
    seconds, found = (0.0, [])
    if asked.go_on:
        try:
            seconds, found = written_by_this_code(asked.out)
        except ValueError as error:
            options.error(str(error))
    there, begun = {(row["truth"], row["set"]) for row in found}, time.perf_counter() - seconds
    for number in range(asked.sets):
        for name in wanted:
            if (name, number) in there:
                continue
            found.append(of_one(KINDS[name], number))
            print(f"{found[-1]['truth']} {number}: {found[-1]['word']} {found[-1]['margin']:+.3f}", flush=True)
        write(asked.out, found, made_with(time.perf_counter() - begun))  # who stops it has what is done
    print(table(found))


def written_by_this_code(out: Path) -> tuple[float, list[dict[str, Any]]]:
    """The seconds and the judgements in a file; refused where other code or other settings made it."""
    (made, found), now = read(out), made_with(0)
    for part in ("code", "rows", "held_out", "seeds", "train", "thresholds"):
        if made.get(part) != now[part]:
            raise ValueError(f"{out} was made with another {part}: {made.get(part)}, not {now[part]}; run it anew")
    return made["seconds"], found


def made_with(seconds: float) -> dict[str, Any]:
    """How the judgements were made."""
    return {
        "rows": TRAIN, "held_out": HELD, "seeds": SEEDS, "train": dataclasses.asdict(TRAINING),
        "thresholds": dataclasses.asdict(THRESHOLDS), "seconds": round(seconds),
        "code": code_version("analysis.run.stages.nulls", "analysis.run.stages.null_tower", "sae.rule"),
        **provenance(),
    }  # fmt: skip


def write(out: Path, found: list[dict[str, Any]], made: dict[str, Any]) -> None:
    """All judgements so far, with what they were made with; one line each. Numbers of a seed stand in the order of
    `seed_numbers`, whose names stand once: they would be more than half of the file."""
    out.parent.mkdir(parents=True, exist_ok=True)
    names = list(dict.fromkeys(name for row in found for seed in row["seeds"] for name in _flat(seed)))
    packed = [row | {"seeds": [[_flat(seed).get(name) for name in names] for seed in row["seeds"]]} for row in found]
    rows = ",\n".join(json.dumps(row) for row in packed)
    out.write_text(
        f'{{"made_with": {json.dumps(made)},\n"seed_numbers": {json.dumps(names)},\n"judged": [\n{rows}\n]}}\n'
    )


def read(file: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """How judgements were made, and they, as they were given to `write`."""
    written = json.loads(file.read_text())
    rows = []
    for row in written["judged"]:
        seeds = []
        for numbers in row["seeds"]:
            seed: dict[str, Any] = {}
            for name, value in zip(written["seed_numbers"], numbers, strict=True):
                first, _, second = name.partition(".")
                if second and value is not None:
                    seed.setdefault(first, {})[second] = value
                elif not second:
                    seed[first] = value
            seeds.append(seed)
        rows.append(row | {"seeds": seeds})
    return written["made_with"], rows


def _flat(seed: dict[str, Any]) -> dict[str, float | None]:
    """The numbers of a seed by name; of what is a mapping, "mapping.name"."""
    inner = {
        f"{first}.{name}": one for first, part in seed.items() if isinstance(part, dict) for name, one in part.items()
    }
    return {name: part for name, part in seed.items() if not isinstance(part, dict)} | inner


if __name__ == "__main__":
    main()
