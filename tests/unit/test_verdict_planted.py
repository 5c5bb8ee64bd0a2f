"""Towers whose answer is known, trained and measured by the real stages, get the right word."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch

from analysis.activations import SPLITS, ActivationStore
from analysis.config import RunConfig, SaeConfig, TowerConfig
from analysis.pipeline import do_stage
from analysis.plan import _null_tower, _nulls, _sae
from analysis.rule import Verdict, judge
from analysis.runs import Stage, writing
from analysis.stages._floors import Place, tower_nulls, trained_nulls
from analysis.stages._load import STOPPED, load_store, load_tower, read_json
from analysis.stages._tables import Tables
from analysis.stages.measures import Measured, on_examples, own_input
from analysis.verdict import seeds_of
from sae.config import TrainConfig

D_IN, SEEDS, TRAIN, HELD = 32, 3, 1000, 300
Make = Callable[[int, torch.Generator], torch.Tensor]


class NoHost:
    """Stands where the host's accuracy is asked for: planted rows have none."""

    def logits_from(self, rows: torch.Tensor, hook: str) -> torch.Tensor:
        """Two equal classes."""
        return torch.zeros(len(rows), 2)


def words(runs: Path, make: Make, sae: SaeConfig, tower: TowerConfig) -> dict[int, Verdict]:
    """Train and measure the tower on `make(rows, generator)` over seeds; the verdict of each depth."""
    tables, stops = [], []
    for seed in range(SEEDS):
        config = RunConfig(dataset="planted", host={}, sae=sae, towers=(tower,), seed=seed)  # type: ignore[arg-type]
        given = Stage(name="activations", config={"seed": seed, "planted": make.__name__}, code="planted")
        with writing(given, runs) as (work, notes):
            # one call for both splits: what is planted is the same in both
            rows = make(TRAIN + HELD, torch.Generator().manual_seed(seed))
            for split, part in zip(SPLITS, (slice(0, TRAIN), slice(TRAIN, None)), strict=True):
                ids = torch.arange(len(rows))[part]
                ActivationStore(work, 2).save(split, rows[part], ids % 2, ids)
            notes["n_classes"] = 2
        table = Tables(f"run{seed}", "none")
        run = Measured(table, load_store(given.folder(runs)), NoHost(), "planted", seed, full=True)  # type: ignore[arg-type]
        below: list[Stage] = []
        nulls = []
        for depth in range(1, tower.depth + 1):
            which = None if depth == 1 else tower
            below.append(_sae(config, tower.at(depth, sae), which, depth, list(below), given))
            nulls.append(_nulls(below[-1], tower.kind, list(below), given))
            for stage in (below[-1], nulls[-1]):
                do_stage(stage, runs)
        noise_tower = _null_tower(seed, {tower.kind: below}, given)
        do_stage(noise_tower, runs)
        folders = [stage.folder(runs) for stage in below]
        layers = load_tower(tower.kind, folders)
        if layers.depth < tower.depth:
            stops.append(read_json(folders[layers.depth] / STOPPED))
        codes = {split: layers.all_codes(run.store.rows(split), layers.depth) for split in SPLITS}
        for depth in range(1, layers.depth + 1):
            place = Place(tower.kind, depth, layers, depth)
            own_input(run, place, codes, folders[depth - 1])
            on_examples(run, place, codes)
            trained_nulls(table, tower.kind, depth, nulls[depth - 1].folder(runs))
        tower_nulls(table, noise_tower.folder(runs), {tower.kind: layers.depth})
        tables.append(table.frames()["measures"])
    found = seeds_of(pd.concat(tables))
    return {
        depth: judge(
            [seed for (_, _, at), seed in found.items() if at == depth],
            [stop["sentence"] for stop in stops if stop["depth"] <= depth],
        )
        for depth in range(1, tower.depth + 1)
    }


def sparse(rows: int, width: int, k: int, draw: torch.Generator) -> torch.Tensor:
    """k of `width` coordinates on, chosen and sized independently."""
    chosen = torch.rand(rows, width, generator=draw).argsort(1)[:, :k]
    return torch.zeros(rows, width).scatter(1, chosen, 0.5 + torch.rand(rows, k, generator=draw))


def mixtures(rows: int, draw: torch.Generator) -> torch.Tensor:
    """Known structure: three of 48 fixed directions add up to a row."""
    directions = torch.nn.functional.normalize(torch.randn(48, D_IN, generator=draw), dim=1)
    return sparse(rows, 48, 3, draw) @ directions


def noise(rows: int, draw: torch.Generator) -> torch.Tensor:
    """Nothing at all."""
    return torch.randn(rows, D_IN, generator=draw)


def independent(rows: int, draw: torch.Generator) -> torch.Tensor:
    """Sparse coordinates that have nothing to do with each other: the best a dictionary can do is to repeat them."""
    return sparse(rows, D_IN, 3, draw)


# few steps at a high rate: the words are far from their thresholds already
TRAINING = TrainConfig(steps=150, batch=128, lr=1e-2)


def topk(width: int, k: int) -> SaeConfig:
    """Depth 1."""
    return SaeConfig(width=width, k=k, train=TRAINING)


def test_planted_directions_are_structure(tmp_path: Path) -> None:
    tower = TowerConfig(kind="latents", depth=1, train=TRAINING)
    found = words(tmp_path, mixtures, topk(64, 3), tower)[1]
    assert found.word == "structure", found
    assert found.low > 0.15


def test_noise_is_floor_in_both_kinds(tmp_path: Path) -> None:
    """Depth 1 is the same stage in both kinds; what reads its directions reads noise, too."""
    training = TrainConfig(steps=40, batch=64, lr=1e-2)
    directions = TowerConfig(kind="directions", depth=2, k=[4], folds=3, train=training)
    found = words(tmp_path, noise, topk(64, 4), directions)
    assert [found[depth].word for depth in (1, 2)] == ["floor", "floor"], found
    assert found[2].high < -0.05


@pytest.mark.parametrize(("width", "k", "rule"), [(64, 8, "halving"), (128, 8, "constant")])
def test_a_tower_on_noise_finds_nothing_in_its_own_codes(tmp_path: Path, width: int, k: int, rule: str) -> None:
    """Golden: an SAE on noise gives exactly k active latents that compete for a row, and shuffled coordinates lose
    that. By the nulls of single depths alone depth 2 was reliably above its best floor here; a noise tower has it too.
    """
    training = TrainConfig(steps=300, batch=128, lr=5e-3)
    tower = TowerConfig(kind="latents", depth=2, width=rule, k="halving", train=training)
    found = words(tmp_path, noise, SaeConfig(width=width, k=k, train=training), tower)
    assert found[2].word != "structure" and found[2].low <= 0, found[2]
    assert found[2].best_floor == "gaussian_tower"


def test_a_tower_that_may_copy_what_is_independent_is_copy(tmp_path: Path) -> None:
    tower = TowerConfig(kind="latents", depth=2, k="constant", train=TRAINING)
    found = words(tmp_path, independent, topk(D_IN, 3), tower)
    assert [found[depth].word for depth in (1, 2)] == ["copy", "copy"], found


@pytest.mark.parametrize("scale", [0.02])
def test_a_tower_of_dead_latents_stops_and_is_collapse(tmp_path: Path, scale: float) -> None:
    def faint(rows: int, draw: torch.Generator) -> torch.Tensor:
        return scale * mixtures(rows, draw).abs()

    recipe = {"norm": "free", "l1": "batch", "penalty": 0.1, "penalty_rate": 0.0, "penalty_warmup": 0}
    training = TrainConfig(steps=60, batch=64, lr=1e-3, warmup=0.0, decay=0.0, normalise=False)
    sae = SaeConfig(architecture="relu_l1", width=64, k=16, options=recipe, train=training)
    tower = TowerConfig(kind="latents", depth=3, k="constant", architecture="relu_l1", options=recipe, train=training)
    found = words(tmp_path, faint, sae, tower)
    assert [found[depth].word for depth in (1, 2, 3)] == ["collapse"] * 3, found
    assert "stops before depth 2" in found[3].why
