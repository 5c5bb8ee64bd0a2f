"""Three questions about directions that no experiment's tables answer.

    make bench-directions                         all (some minutes; trains what is missing of `decompose`)
    make bench-directions ARGS="--only planted"

planted   what such an SAE could have found: unit rows, as many and as long as the directions of depth 1 in `towers`,
          each a sum of a few shared ingredients, are given to depth 2 of that tower. Its dictionary beside rows stored
          by heart, both with fitted codes and held out by folds, over the number of ingredients and of steps.
alive     what dead latents have to do with how hard directions are to decompose: the directions of both base SAEs of
          `decompose`, stored by heart, once all of them and once those of latents that fire on a training example.
again     how alike two dictionaries of depth 1 are that nobody trained, paired one to one as latents of two seeds are:
          two of random mixtures of the rows, two of stored rows; and each beside the learned one.

Writes data/benchmarks/directions.json, which is tracked: every number, what it was made with, and when.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from analysis.plan import edges, paths
from analysis.plan.chains import Chain, plan
from analysis.plan.code_version import code_version
from analysis.plan.config import load_experiment
from analysis.plan.paths import Paths
from analysis.plan.stage_configs import SaeStage
from analysis.plan.stage_folders import provenance
from analysis.run.pipeline import do_stage
from analysis.run.stages._load import load_store
from analysis.run.stages.sae import held_out_by_folds
from benchmarks.truths import chosen, unit
from sae.checkpoint import load_layer
from sae.floors import unlearned
from sae.layer import Layer
from sae.matching import matched
from sae.nulls import matched_directions, stored_directions
from sae.seeding import stream
from sae.tower import folds_of

FILE = Path(__file__).resolve().parent.parent / "data" / "benchmarks" / "directions.json"
INGREDIENTS, STEPS, SEEDS = (64, 128, 200), (100, 400), 5
IN_EACH, D_IN = 4, 256
"""Ingredients of a row: the tower may use as many. As long as the states of the network."""


def depth(at: int, chain: Chain) -> SaeStage:
    """What a depth of a chain's directions tower is asked."""
    return SaeStage.of(edges.parents(chain.measures)[edges.tower("directions", at)])


def mixtures(rows: int, d: int, ingredients: int, draw: torch.Generator) -> Tensor:
    """Rows of length 1 [rows, d], each a sum of `IN_EACH` of so many unit directions with weights from 0 to 1."""
    shared = unit(ingredients, d, draw)
    weights = chosen(rows, ingredients, IN_EACH, draw) * torch.rand(rows, ingredients, generator=draw)
    return normalize(weights @ shared, dim=1)


def stored(rows: Tensor, config: SaeStage) -> float:
    """What rows stored by heart explain of the others with fitted codes, held out as `config` holds out."""
    pairs = folds_of(rows, config.folds, stream(config.seed, "folds"))
    found = unlearned(pairs, "held_out", config.width, config.k, stream(config.seed, "stored"))
    return next(floor.value for floor in found if floor.name == "stored_dictionary")


def planted(config: SaeStage, ingredients: int, steps: int, rows: int, d: int) -> dict[str, Any]:
    """A dictionary that is learned from mixtures, beside stored ones."""
    given = mixtures(rows, d, ingredients, stream(config.seed, "mixtures", ingredients))
    asked = replace(config, train=replace(config.train, steps=steps))
    learned = held_out_by_folds(asked, given).variance_explained_refit
    return {"ingredients": ingredients, "steps": steps, "seed": config.seed, "learned": learned,
            "stored": stored(given, config)}  # fmt: skip


def all_planted(project: Paths) -> Iterator[dict[str, Any]]:
    """Over ingredients, steps and seeds."""
    tower = plan(load_experiment(project.experiments, "towers"))[0]
    first, config = depth(1, tower), depth(2, tower)
    for ingredients in INGREDIENTS:
        for steps in STEPS:
            for seed in range(SEEDS):
                yield planted(replace(config, seed=seed), ingredients, steps, first.width, D_IN)


def all_alive(project: Paths) -> Iterator[dict[str, Any]]:
    """Of every chain of `decompose`."""
    for chain in plan(load_experiment(project.experiments, "decompose")):
        yield alive(chain, project.runs)


def all_again(project: Paths) -> Iterator[dict[str, Any]]:
    """Of every chain of the first variant of `decompose`, whose depth 1 is that of `towers`."""
    chains = plan(load_experiment(project.experiments, "decompose"))
    for chain in chains:
        if chain.config.variant == chains[0].config.variant:
            layer, rows = first_layer(chain, project.runs)
            yield {"seed": chain.config.seed, **again(layer.sae.directions(), rows - rows.mean(0), chain.config.seed)}


def again(learned: Tensor, rows: Tensor, seed: int) -> dict[str, float]:
    """Mean cosine of pairs: of two unlearned dictionaries, and of one with the learned."""
    found: dict[str, float] = {}
    for name, make in (("mixtures", matched_directions), ("stored", stored_directions)):
        one, other = (make(rows, len(learned), stream(seed, name, number)) for number in (0, 1))
        found |= {name: matched(one, other).mean, f"learned_{name}": matched(learned, one).mean}
    return found


def first_layer(chain: Chain, runs: Path) -> tuple[Layer, Tensor]:
    """The trained SAE of depth 1, and the rows that it was trained on; what is missing is made."""
    stage = edges.parents(chain.measures)[edges.tower("directions", 1)]
    do_stage(stage, runs)
    rows = load_store(edges.parents(stage)[edges.ACTIVATIONS].folder(runs)).rows("train")
    return load_layer(stage.folder(runs) / "layer.safetensors"), rows


def alive(chain: Chain, runs: Path) -> dict[str, Any]:
    """What stored directions explain of a base SAE's others: of all, and of those of latents that fire."""
    layer, rows = first_layer(chain, runs)
    directions, fires = layer.sae.directions(), layer.encode(rows).fired()
    config = depth(2, chain)
    return {"variant": chain.config.variant, "seed": config.seed, "live": float(fires.float().mean()),
            "all": stored(directions, config), "alive": stored(directions[fires], config)}  # fmt: skip


def table(found: dict[str, list[dict[str, Any]]]) -> str:
    """Means over seeds."""
    lines = []
    for part, key, shown in (("planted", ("ingredients", "steps"), ("learned", "stored")),
                             ("alive", ("variant",), ("live", "all", "alive")),
                             ("again", (), ("mixtures", "learned_mixtures", "stored", "learned_stored"))):  # fmt: skip
        rows = found.get(part, [])
        for place in dict.fromkeys(tuple(row[name] for name in key) for row in rows):
            own = [row for row in rows if tuple(row[name] for name in key) == place]
            lines.append(", ".join(f"{name} {value}" for name, value in zip(key, place, strict=True)) + ": " * bool(key)
                         + ", ".join(f"{name} {mean(own, name):.3f}" for name in shown))  # fmt: skip
    if rows := found.get("alive", []):
        lines.append(f"of the difference between the two bases {left(rows):.2f} is left without dead latents")
    return "\n".join(lines)


def mean(rows: Iterable[dict[str, Any]], name: str) -> float:
    """Of one column."""
    values = [float(row[name]) for row in rows]
    return sum(values) / len(values)


def left(rows: list[dict[str, Any]]) -> float:
    """Which share of the difference between the first and the second variant is left where dead latents are out."""
    first, other = ([row for row in rows if row["variant"] == name] for name in
                    dict.fromkeys(row["variant"] for row in rows))  # fmt: skip
    return (mean(first, "alive") - mean(other, "alive")) / (mean(first, "all") - mean(other, "all"))


def main() -> None:
    """Train, print, write."""
    options = argparse.ArgumentParser(
        description="What SAEs on directions could find, what dead latents do, what is found again."
    )
    options.add_argument("--only", choices=("planted", "alive", "again"))
    options.add_argument("--out", type=Path, default=FILE)
    asked = options.parse_args()
    torch.set_num_threads(1)
    begun, project = time.perf_counter(), paths.find()
    parts = {"planted": all_planted, "alive": all_alive, "again": all_again}
    found = {name: list(do(project)) for name, do in parts.items() if asked.only in (None, name)}
    config = depth(2, plan(load_experiment(project.experiments, "towers"))[0])
    made_with = {
        "train": dataclasses.asdict(config.train), "width": config.width, "k": config.k, "folds": config.folds,
        "seconds": round(time.perf_counter() - begun),
        "code": code_version("analysis.run.stages.sae", "sae.floors"), **provenance(),
    }  # fmt: skip
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(json.dumps({"made_with": made_with, **found}, indent=1) + "\n")
    print(table(found))


if __name__ == "__main__":
    main()
