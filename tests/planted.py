"""Towers on rows whose making is known: trained and measured by the real stages, judged by the real rule."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import jaxtyping
import pandas as pd
import torch
from torch.nn.functional import normalize

from analysis.plan.chains import _null_tower, _nulls, _sae
from analysis.plan.config import RunConfig, SaeConfig, TowerConfig
from analysis.plan.stage_configs import SaeStage
from analysis.plan.stage_folders import Stage, StageConfig, writing
from analysis.results.verdict import seeds_of
from analysis.run.activations import SPLITS, ActivationStore
from analysis.run.pipeline import do_stage
from analysis.run.stages._floors import Place, tower_nulls, trained_nulls
from analysis.run.stages._load import STOPPED, load_store, load_tower, read_json
from analysis.run.stages._tables import Tables
from analysis.run.stages.measures import Measured, leaked, on_examples, own_input
from sae.architectures.topk import TopK
from sae.checkpoint import save_layer
from sae.config import TrainConfig
from sae.layer import Layer
from sae.normaliser import Normaliser
from sae.rule import DECIDING, READING_CODES, Seed, Verdict, judge
from sae.tower import Tower

SEEDS, TRAIN, HELD = 3, 1000, 300
Make = Callable[[int, torch.Generator], torch.Tensor]
"""That many rows."""
Plant = Callable[[torch.Generator], torch.Tensor]
"""Unit directions."""


@dataclass(frozen=True, kw_only=True)
class PlantedRows(StageConfig):
    """Rows in place of a host's activations."""

    seed: int
    planted: str


@dataclass(frozen=True)
class Judged:
    """What became of a tower."""

    verdicts: dict[int, Verdict]
    """Of each depth that was asked for."""
    towers: list[Tower]
    """One for each seed."""
    seeds: dict[int, list[Seed]]
    """What the rule asked about each depth."""


class NoHost:
    """Stands where the host's accuracy is asked for: planted rows have none."""

    def logits_from(self, rows: torch.Tensor, hook: str) -> torch.Tensor:
        """Two equal classes."""
        return torch.zeros(len(rows), 2)


def judged(
    runs: Path,
    make: Make,
    sae: SaeConfig,
    tower: TowerConfig,
    *,
    first: int = 1,
    planted: Plant | None = None,
) -> Judged:
    """Train, measure and judge the tower on `make(rows, generator)` over seeds, from depth `first` on.

    `planted(generator)` are directions that depth 1 is given in place of training: `first` is 2 then. All of it is
    without the shape checks of calls into `sae` (see conftest): they take more than half the time of steps as small as
    these, and a whole run has them in both kinds of tower (smoke/test_pipeline.py).
    """
    tables, stops, towers = [], [], []
    for seed in range(SEEDS):
        with shapes_unchecked():
            given = rows_stage(runs, make, seed)
            layers = trained(runs, given, sae, tower, seed, planted)
            folders = [stage.folder(runs) for stage in layers]
            towers.append(load_tower(tower.kind, folders))
            reached = towers[-1].depth
            if reached < tower.depth:
                stops.append(read_json(folders[reached] / STOPPED))
            table = Tables(f"run{seed}", "none")
            run = Measured(table, load_store(given.folder(runs)), NoHost(), "planted", seed, full=True)  # type: ignore[arg-type]
            measured(run, towers[-1], folders, first)
            for depth in range(first, reached + 1):
                nulls = _nulls(layers[depth - 1], tower.kind, layers[:depth], given)
                trained_nulls(table, tower.kind, depth, done(nulls, runs))
            noise_tower = _null_tower(seed, {tower.kind: layers}, given)
            tower_nulls(table, done(noise_tower, runs), {tower.kind: reached})
            tables.append(table.frames()["measures"])
    found = seeds_of(pd.concat(tables))
    depths = range(first, tower.depth + 1)
    asked = {depth: [seed for (_, _, at), seed in found.items() if at == depth] for depth in depths}
    verdicts = {
        depth: judge(
            asked[depth],
            [stop["sentence"] for stop in stops if stop["depth"] <= depth],
            wanted=READING_CODES if tower.kind == "latents" and depth > 1 else DECIDING,
        )
        for depth in depths
    }
    return Judged(verdicts, towers, asked)


def rows_stage(runs: Path, make: Make, seed: int) -> Stage:
    """The rows, where the stage `activations` would have put them."""
    stage = Stage(name="activations", config=PlantedRows(seed=seed, planted=make.__name__), code="planted")
    with writing(stage, runs) as (work, notes):
        # one call for both splits: what is planted is the same in both
        rows = make(TRAIN + HELD, torch.Generator().manual_seed(seed))
        for split, part in zip(SPLITS, (slice(0, TRAIN), slice(TRAIN, None)), strict=True):
            ids = torch.arange(len(rows))[part]
            ActivationStore(work, 2).save(split, rows[part], ids % 2, ids)
        notes["n_classes"] = 2
    return stage


def trained(
    runs: Path, given: Stage, sae: SaeConfig, tower: TowerConfig, seed: int, planted: Plant | None
) -> list[Stage]:
    """The stages of the depths, finished."""
    config = RunConfig(dataset="planted", host={}, sae=sae, towers=(tower,), seed=seed)  # type: ignore[arg-type]
    layers: list[Stage] = []
    for depth in range(1, tower.depth + 1):
        which = None if depth == 1 else tower
        layer = _sae(config, tower.at(depth, sae), which, depth, list(layers), given)
        if depth == 1 and planted is not None:
            layer = dataclasses.replace(layer, code="planted")
            plant(layer, runs, planted(torch.Generator().manual_seed(seed)))
        done(layer, runs)
        layers.append(layer)
    return layers


def done(stage: Stage, runs: Path) -> Path:
    """The folder of a stage, which is done if it is not there."""
    do_stage(stage, runs)
    return stage.folder(runs)


def plant(stage: Stage, runs: Path, directions: torch.Tensor) -> None:
    """The product of a stage `sae` without training: a TopK SAE with these directions, for encoder and decoder."""
    rows = load_store(stage.inputs["activations"].folder(runs)).rows("train")
    sae = TopK(directions.shape[1], len(directions), k=SaeStage.of(stage).k)
    with torch.no_grad():
        sae.W_dec.copy_(directions)
        sae.W_enc.copy_(directions)
    layer = Layer("topk", sae, Normaliser.identity(rows))
    with writing(stage, runs) as (work, notes):
        save_layer(layer, work / "layer.safetensors")
        notes["reconstruction"] = float((rows - layer.decode(layer.encode(rows))).square().mean())


def measured(run: Measured, tower: Tower, folders: list[Path], first: int) -> None:
    """The tables of the depths from `first` on, as the stage `measures` fills them."""
    codes = {split: tower.all_codes(run.store.rows(split), tower.depth) for split in SPLITS}
    leaked(run)
    for depth in range(first, tower.depth + 1):
        place = Place(tower.kind, depth, tower, depth)
        own_input(run, place, codes, folders[depth - 1])
        on_examples(run, place, codes)


@contextmanager
def shapes_unchecked(checked: bool = False) -> Iterator[None]:
    """Without the shape checks of calls into `sae`; with `checked` with them, within a part that has none."""
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", not checked)
    try:
        yield
    finally:
        jaxtyping.config.update("jaxtyping_disable", before)


def sparse(rows: int, width: int, k: int, draw: torch.Generator) -> torch.Tensor:
    """k of `width` coordinates on, chosen and sized independently."""
    chosen = torch.rand(rows, width, generator=draw).argsort(1)[:, :k]
    return torch.zeros(rows, width).scatter(1, chosen, 0.5 + torch.rand(rows, k, generator=draw))


def unit(rows: int, width: int, draw: torch.Generator) -> torch.Tensor:
    """Random rows of length 1."""
    return normalize(torch.randn(rows, width, generator=draw), dim=1)


def noise(rows: int, draw: torch.Generator) -> torch.Tensor:
    """Nothing at all, in 32 dimensions."""
    return torch.randn(rows, 32, generator=draw)


def depth_2_on_noise(
    runs: Path, width: int, rule: str, steps: int = 300, batch: int = 128, lr: float = 5e-3
) -> Verdict:
    """Of a latents tower that is trained for long enough to learn its own codes."""
    training = TrainConfig(steps=steps, batch=batch, lr=lr)
    tower = TowerConfig(kind="latents", depth=2, width=rule, k="halving", train=training)
    return judged(runs, noise, SaeConfig(width=width, k=8, train=training), tower, first=2).verdicts[2]


def recovered(planted: torch.Tensor, directions: torch.Tensor) -> float:
    """Mean, over planted rows, of the largest cosine to any of the directions."""
    best = (normalize(planted, dim=1) @ normalize(directions, dim=1).T).max(1).values
    return float(best.mean())
