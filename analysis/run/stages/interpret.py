"""Stage `interpret`: what every latent of a chain is called, is a detector of, and does to the host's answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from analysis.plan.edges import HOST, IMAGES, Role
from analysis.plan.stage_configs import HostStage, InterpretStage
from analysis.plan.stage_folders import read_manifest
from analysis.run.activations import SPLITS, ActivationStore
from analysis.run.interpret.detectors import Detectors, Shown, best_class, detectors
from analysis.run.interpret.explain import DETECTION, SIGNIFICANT, Labelled, Names, explain
from analysis.run.stages._effects import changes, effects, record_focus
from analysis.run.stages._load import dataset_of
from analysis.run.stages._looks import Level, Looked, Rows
from sae.seeding import stream

# Without labels all examples are of one class, and rules speak of attributes alone.
ANY = ("all",)
# Shuffled firing is named for a part of the latents: what is left after correction is close to none.
SAMPLED = 4
# How common a name must be, besides the value that decides (`explain.COMMON`): how much hangs on it is in the tables.
COMMON = {"named_share_common_0": 0.0, "named_share_common_10": 0.1, "named_share_common_40": 0.4}


def interpret(work: Path, config: InterpretStage, inputs: Mapping[Role, Path]) -> dict[str, Any]:
    """Writes the tables `latents`, `measures` and `names`."""
    looked, rows = Looked(config, inputs), Rows(config)
    classes = {split: classes_of(looked.store(split), split) for split in SPLITS}
    measured = pd.read_parquet(inputs[IMAGES] / "attributes.parquet")
    n_classes = looked.store("train").n_classes
    names = class_names(inputs)
    words = words_of(inputs)
    readout = partial(looked.host.forward_from, hook=looked.hook)
    for level in looked.levels():
        draw = stream(config.seed, "interpret", level.kind, level.depth)
        found = None
        if n_classes:
            shown = {split: Shown(level.codes[split], classes[split], n_classes) for split in SPLITS}
            found = detectors(shown["train"], shown["held_out"], config.permutations, draw)
        rows.values(level, {**(of_classes(found) if found else {}), **by_itself(level)})
        if found:
            rows.value(level, "significant_share", share(found.q <= SIGNIFICANT), len(found.q))
        given = {split: labelled(level, split, classes[split], measured, words) for split in SPLITS}
        called = explain(given["train"], given["held_out"], names or ANY, words, draw)
        describe(rows, level, called, bool(n_classes))
        if config.control == "none":
            shuffled = {split: shuffle(part, draw) for split, part in given.items()}
            chance = explain(shuffled["train"], shuffled["held_out"], names or ANY, words, draw)
            rows.value(level, "named_share", np.mean(chance.named), len(chance.named), "permuted_labels")
        if found:
            effects(rows, level, readout, called, found.chosen, draw)
    for level in looked.singles():
        if n_classes:
            removed, steered, _ = changes(level, readout)
            own = best_class(Shown(level.codes["train"], classes["train"], n_classes))
            record_focus(rows, level, removed, steered, own)
        draw = stream(config.seed, "interpret", level.kind, level.depth)
        given = {split: labelled(level, split, classes[split], measured, words) for split in SPLITS}
        record_names(rows, level, explain(given["train"], given["held_out"], names or ANY, words, draw))
    rows.write(work)
    return {}


def classes_of(store: ActivationStore, split: str) -> torch.Tensor:
    """The class of each row; all the same without labels."""
    labels = store.labels(split)
    return torch.zeros(len(store.ids(split)), dtype=torch.long) if labels is None else labels


def of_classes(found: Detectors) -> dict[str, torch.Tensor]:
    """What each latent is as a detector of a class."""
    return {
        "f1": found.f1, "f1_null": found.null, "share_null": found.share_null,
        "class_p": found.p, "class_q": found.q, "detector_precision": found.precision,
        "detector_recall": found.recall,
        "detector_class": torch.where(found.chosen >= 0, found.chosen.float(), torch.nan),
    }  # fmt: skip


def words_of(inputs: Mapping[Role, Path]) -> dict[str, tuple[str, str]]:
    """What the low and the high end of each attribute is called."""
    noted: list[list[str]] = read_manifest(inputs[IMAGES])["notes"]["words"]
    return {name: (low, high) for name, low, high in noted}


def class_names(inputs: Mapping[Role, Path]) -> tuple[str, ...]:
    """What the classes are called; none without labels."""
    return dataset_of(HostStage.read(inputs[HOST]).dataset).class_names


def by_itself(level: Level) -> dict[str, torch.Tensor]:
    """Numbers of each latent that need no other split: its share of L0, its strength."""
    held_out = level.codes["held_out"]
    rate = (held_out > 0).float().mean(0)
    largest = held_out.amax(0) * level.unit
    return {"l0_share": rate / rate.sum().clamp(min=1e-12), "largest": torch.where(largest > 0, largest, torch.nan)}


def labelled(
    level: Level, split: str, labels: torch.Tensor, measured: pd.DataFrame, words: dict[str, tuple[str, str]]
) -> Labelled:
    """Where the latents of a depth fire, with classes and attributes of the images."""
    here = measured[measured["split"] == split][[*words]].reset_index(drop=True)
    return Labelled((level.codes[split] > 0).numpy(), labels.numpy(), here)


def shuffle(given: Labelled, draw: torch.Generator) -> Labelled:
    """The firing of every fourth latent, on other images: labels and attributes stay together, as images are."""
    order = torch.randperm(len(given.labels), generator=draw).numpy()
    return Labelled(given.fires[order, ::SAMPLED], given.labels, given.attributes)


def describe(rows: Rows, level: Level, called: Names, classed: bool = True) -> None:
    """Rows of `names`, and the numbers behind them; `classed`: whether there are classes to name."""
    rules = called.rules
    rows.add(
        "names", level,
        {
            "latent": np.arange(len(rules)), "name": called.texts, "named": called.named,
            "classes": [" ".join(map(str, rule.classes)) if rule and classed else "" for rule in rules],
            "conditions": [json.dumps(rule.conditions if rule else []) for rule in rules],
        },
    )  # fmt: skip
    rows.values(
        level,
        {
            "name_precision": called.precision, "name_recall": called.recall,
            "rule_precision": called.rule_precision, "rule_recall": called.rule_recall,
            "detection": called.detection, **({"class_detection": called.class_detection} if classed else {}),
            "detection_null": called.null, "name_q": called.q,
        },
    )  # fmt: skip
    record_names(rows, level, called)


def record_names(rows: Rows, level: Level, called: Names) -> None:
    """How many latents of a depth have a name."""
    rules = called.rules
    live = ~np.isnan(called.detection)
    rows.value(level, "named_share", np.mean(called.named), len(rules))
    rows.value(level, "named_live_share", called.named.sum() / live.sum() if live.any() else np.nan, live.sum())
    rows.value(level, "detection", np.nanmean(called.detection) if live.any() else np.nan, live.sum())
    good = (called.q <= SIGNIFICANT) & (called.detection >= DETECTION)
    for measure, least in COMMON.items():
        rows.value(level, measure, float(np.mean(good & (called.rule_recall >= least))), len(rules))
    with_condition = [bool(rule and rule.conditions) for rule in rules]
    named = int(called.named.sum())
    rows.value(level, "condition_share", np.sum(called.named & with_condition) / named if named else np.nan, named)


def share(mask: torch.Tensor) -> float:
    """Share of entries that are true."""
    return float(mask.float().mean()) if len(mask) else float("nan")
