"""Stage `sae`: train the SAE of one depth on the depth below, and on folds of its rows where rows are few."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch

from analysis.plan import edges
from analysis.plan.chains import trained_by
from analysis.plan.edges import ACTIVATIONS, Role
from analysis.plan.stage_configs import SaeStage, TrainedStage
from analysis.plan.stage_folders import read_manifest
from analysis.run.stages._load import STOPPED, load_store, load_tower, read_json
from sae.checkpoint import save_layer
from sae.discover import construct
from sae.errors import ConfigError, StageError
from sae.floors import FoldScores, by_folds
from sae.layer import Layer
from sae.normaliser import stands_still
from sae.protocol import SAE
from sae.records import Codes, StepRecord
from sae.rows import width_of
from sae.seeding import derived, stream
from sae.stopping import Stop, reason_to_stop, variance_of
from sae.tower import Tower, folds_of, training_rows
from sae.train import Trainee, train_together

DEVICE = "STRATA_DEVICE"


def sae(work: Path, config: SaeStage, inputs: Mapping[Role, Path]) -> dict[str, Any]:
    """Writes `layer.safetensors` and, for folds, `folds.json`; notes the training record.

    Where the tower has stopped, or stops here, only `stopped.json`: why, in a sentence.
    """
    below = [inputs[edges.layer(d)] for d in range(1, config.depth)]
    stopped = next((read_json(folder / STOPPED) for folder in below if (folder / STOPPED).exists()), None)
    host = load_store(inputs[ACTIVATIONS]).rows("train")
    tower = load_tower(config.kind, below) if below and config.kind else Tower("latents", ())
    rows = host if stopped else training_rows(tower, host)
    if below and not stopped:
        stop = stop_before(config, tower, host, rows, read_manifest(below[-1])["notes"]["reconstruction"])
        stopped = dataclasses.asdict(stop) if stop else None
    if stopped:
        (work / STOPPED).write_text(json.dumps(stopped))
        return {"stopped": stopped["sentence"]}
    records: list[StepRecord] = []
    times: list[float] = []

    def observe(record: StepRecord) -> None:
        records.append(record)
        times.append(time.perf_counter())

    layer = train_layer(config, rows, observe)
    # from the first step's end on: before it, a compiled step may have to be compiled
    steps = records[-1].steps
    seconds = (times[-1] - times[0]) * steps / max(1, steps - 1)
    save_layer(layer, work / "layer.safetensors")
    if config.folds and isinstance(rows, torch.Tensor):
        (work / "folds.json").write_text(json.dumps(dataclasses.asdict(held_out_by_folds(config, rows))))
    return {
        "curve": [[record.step, record.loss, record.dead_share, record.l0] for record in records],
        "gamma": layer.normaliser.gamma,
        "scale": layer.normaliser.scale,
        "rows": len(rows),
        "seconds": seconds,
        "path": records[-1].path,
        "recall": records[-1].recall,
        "reconstruction": records[-1].terms.get("reconstruction", records[-1].loss),
    }


def stop_before(
    config: SaeStage, tower: Tower, host: torch.Tensor, rows: torch.Tensor | Codes, loss: float
) -> Stop | None:
    """Why the depth that would read `rows` should not be trained, if there is a reason."""
    assert config.stop is not None, "what has a depth below has limits"
    last = tower.layers[-1]
    if isinstance(rows, Codes):
        live = float(rows.fired().float().mean())
        variance = tower.unit(tower.depth) ** 2 * variance_of(rows) / variance_of(host)
    else:
        read = training_rows(Tower(tower.kind, tower.layers[:-1]), host)
        live = float(last.encode(read.dense() if isinstance(read, Codes) else read).fired().float().mean())
        variance = variance_of(rows)  # directions have length 1: this is a share already
    stop = reason_to_stop(config.depth, rows, live, loss, variance, config.stop)
    if stop is None and config.train.normalise and stands_still(rows):
        why = f"what depth {config.depth - 1} passes on never varies, and cannot be centred and scaled"
        sentence = f"The tower stops before depth {config.depth}, whatever its limits: {why}."
        return Stop(config.depth, "input_variance", variance, config.stop.input_variance, sentence)
    return stop


def train_layer(
    config: TrainedStage,
    rows: torch.Tensor | Codes,
    observe: Any = lambda record: None,
    fold: int = 0,
    frozen_decoder: bool = False,
) -> Layer:
    """The SAE that a stage config describes, trained on `rows`; `fold` 0 is all rows.

    Where it trains is said by the environment variable STRATA_DEVICE (cpu, cuda, mps). Raises StageError where this
    machine would take other steps than the config was planned with: they give other numbers.
    """
    if config.step != (here := trained_by(config.train)):
        raise StageError(
            f"planned for training by {config.step}, and here it is {here}: install numba on all machines or on "
            "none, and give all the same device"
        )
    name = config.architecture
    model = new_sae(name, width_of(rows), config.width, config.k, config.options)
    # not the control's name: SAEs on the trained and on the random host start alike, so that they can be compared
    seed = derived(config.seed, config.kind or "host", config.depth, config.width, config.k, fold)
    return train_together(
        [Trainee(name, model, frozen_decoder=frozen_decoder)],
        rows,
        config.train,
        seed,
        lambda _, record: observe(record),
        device=device(),
    )[0]


def new_sae(architecture: str, d_in: int, width: int, k: int, options: dict[str, Any]) -> SAE:
    """An SAE as settings describe it. Raises ConfigError for an option that the architecture does not take."""
    if "k" in options:  # else Python's own words for two values of one name
        raise ConfigError(f"options: k = {options['k']!r}: k is a setting of its own, beside them, and no option")
    found: SAE = construct("sae.architectures", architecture, d_in, width, k=k, **options)
    return found


def device() -> str:
    """Where SAEs train: what STRATA_DEVICE names, `cpu` if nothing. Raises ConfigError where that is not here."""
    name = os.environ.get(DEVICE, "") or "cpu"
    if name == "cpu":
        return name
    try:
        # on "cpu:0" steps would be the slower ones of a device
        if torch.device(name).type in ("cpu", "meta"):
            raise RuntimeError("not a place to train")
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # torch says it in a different way for each
        there = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
        there += ["mps"] if torch.backends.mps.is_available() else []
        why = str(error).split(chr(10))[0].split(". ")[0]
        raise ConfigError(f"device = {name!r}: cannot be used ({why}); here there is: {', '.join(there)}") from error
    return name


def held_out_by_folds(config: TrainedStage, rows: torch.Tensor) -> FoldScores:
    """What the SAE of a depth is worth on rows that it was not trained on, where rows are few."""
    pairs = folds_of(rows, config.folds, stream(config.seed, "folds"))
    return by_folds(partial(train_layer, config), pairs, config.k)
