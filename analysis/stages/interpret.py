"""Stage `interpret`: what every latent of a chain is called, is a detector of, and does to the host's answer."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from analysis.activations import SPLITS
from analysis.interpret.attributes import ATTRIBUTES
from analysis.interpret.causes import (
    Decoded,
    Effect,
    Readout,
    ablation,
    attribution,
    focus,
    steering,
    strong_activations,
)
from analysis.interpret.detectors import Shown, best_class, detectors
from analysis.interpret.explain import Labelled, Names, explain
from analysis.stages._load import dataset_of
from analysis.stages._looks import Level, Looked, Rows
from sae.seeding import stream

WORDS = {name: (attribute.low, attribute.high) for name, attribute in ATTRIBUTES.items()}
SIGNIFICANT = 0.05
# Steering is the same change on every row, so fewer rows tell its mean.
STEERED_ROWS = 400
# Shuffled firing is named for a part of the latents: what is left after correction is close to none.
SAMPLED = 4
# A change of every class probability below this is no effect, however certain its sign.
EFFECT = 0.01


def interpret(work: Path, config: dict[str, Any], inputs: dict[str, Path]) -> dict[str, Any]:
    """Writes the tables `latents`, `measures` and `names`."""
    looked, rows = Looked(config, inputs), Rows(config)
    labels = {split: looked.store(split).labels(split) for split in SPLITS}
    measured = pd.read_parquet(inputs["images"] / "attributes.parquet")
    n_classes = looked.store("train").n_classes
    names = class_names(inputs)
    readout = partial(looked.host.forward_from, hook=looked.hook)
    for level in looked.levels():
        draw = stream(config["seed"], "interpret", level.kind, level.depth)
        shown = {split: Shown(level.codes[split], labels[split], n_classes) for split in SPLITS}
        found = detectors(shown["train"], shown["held_out"], config["permutations"], draw)
        rows.values(
            level,
            {
                "f1": found.f1, "f1_null": found.null, "share_null": found.share_null,
                "class_p": found.p, "class_q": found.q, **by_itself(level),
            },
        )  # fmt: skip
        known = ~torch.isnan(found.q)
        rows.value(level, "significant_share", share(found.q <= SIGNIFICANT), len(known))
        given = {split: labelled(level, split, labels[split], measured) for split in SPLITS}
        called = explain(given["train"], given["held_out"], names, WORDS, draw)
        describe(rows, level, called)
        if config["control"] == "none":
            shuffled = {split: shuffle(part, draw) for split, part in given.items()}
            chance = explain(shuffled["train"], shuffled["held_out"], names, WORDS, draw)
            rows.value(level, "named_share", np.mean(chance.named), len(chance.named), "permuted_labels")
        effects(rows, level, readout, called, found.chosen)
    for level in looked.singles():
        removed, steered, _ = changes(level, readout)
        record_focus(rows, level, removed, steered, best_class(Shown(level.codes["train"], labels["train"], n_classes)))
        draw = stream(config["seed"], "interpret", level.kind, level.depth)
        given = {split: labelled(level, split, labels[split], measured) for split in SPLITS}
        record_names(rows, level, explain(given["train"], given["held_out"], names, WORDS, draw))
    rows.write(work)
    return {}


def class_names(inputs: dict[str, Path]) -> tuple[str, ...]:
    """What the classes are called."""
    from analysis.runs import read_manifest

    return dataset_of(read_manifest(inputs["host"])["config"]["dataset"]).class_names


def by_itself(level: Level) -> dict[str, torch.Tensor]:
    """Numbers of each latent that need no other split: its share of L0, its strength."""
    held_out = level.codes["held_out"]
    rate = (held_out > 0).float().mean(0)
    largest = held_out.amax(0) * level.unit
    return {"l0_share": rate / rate.sum().clamp(min=1e-12), "largest": torch.where(largest > 0, largest, torch.nan)}


def labelled(level: Level, split: str, labels: torch.Tensor, measured: pd.DataFrame) -> Labelled:
    """Where the latents of a depth fire, with classes and attributes of the images."""
    here = measured[measured["split"] == split][[*ATTRIBUTES]].reset_index(drop=True)
    return Labelled((level.codes[split] > 0).numpy(), labels.numpy(), here)


def shuffle(given: Labelled, draw: torch.Generator) -> Labelled:
    """The firing of every fourth latent, on other images: labels and attributes stay together, as images are."""
    order = torch.randperm(len(given.labels), generator=draw).numpy()
    return Labelled(given.fires[order, ::SAMPLED], given.labels, given.attributes)


def describe(rows: Rows, level: Level, called: Names) -> None:
    """Rows of `names`, and the numbers behind them."""
    rules = called.rules
    rows.add(
        "names", level,
        {
            "latent": np.arange(len(rules)), "name": called.texts, "named": called.named,
            "classes": [" ".join(map(str, rule.classes)) if rule else "" for rule in rules],
            "conditions": [json.dumps(rule.conditions if rule else []) for rule in rules],
        },
    )  # fmt: skip
    rows.values(
        level,
        {
            "name_precision": called.precision, "name_recall": called.recall,
            "rule_precision": called.rule_precision, "rule_recall": called.rule_recall,
            "detection": called.detection, "class_detection": called.class_detection,
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
    with_condition = [bool(rule and rule.conditions) for rule in rules]
    named = int(called.named.sum())
    rows.value(level, "condition_share", np.sum(called.named & with_condition) / named if named else np.nan, named)


def changes(level: Level, readout: Readout) -> tuple[Effect, Effect, Decoded]:
    """What ablating and what steering each latent does to class probabilities."""
    given = Decoded(level.codes["held_out"], level.directions, level.offset, readout)
    few = replace(given, codes=given.codes[:: max(1, len(given.codes) // STEERED_ROWS)])
    return ablation(given), steering(few, strong_activations(given.codes)), given


def record_focus(rows: Rows, level: Level, removed: Effect, steered: Effect, own: torch.Tensor) -> None:
    """How strong and how clean effects are, on the class that each latent prefers in training images."""
    for name, found in (("ablation", focus(removed, own, -1)), ("steering", focus(steered, own, 1))):
        rows.value(level, f"{name}_effect", found.effect, found.latents)
        rows.value(level, f"{name}_focus", found.focus, found.latents)


def effects(rows: Rows, level: Level, readout: Readout, called: Names, own: torch.Tensor) -> None:
    """What ablating and steering each latent does to class probabilities, and whether that fits its name."""
    removed, steered, given = changes(level, readout)
    attributed = attribution(given)
    record_focus(rows, level, removed, steered, own)
    columns: dict[str, torch.Tensor] = {}
    for name, values in (
        ("ablation", removed.mean), ("ablation_half", removed.half), ("steering", steered.mean),
        ("steering_half", steered.half), ("attribution", attributed.mean),
    ):  # fmt: skip
        columns |= {f"{name}_{c}": values[:, c] for c in range(values.shape[1])}
    lowered = lowered_class(removed)
    columns["effect_class"] = torch.where(lowered >= 0, lowered.float(), torch.nan)
    classes = [rule.classes if rule and named else () for rule, named in zip(called.rules, called.named, strict=True)]
    disagrees = torch.tensor([against(removed, j, int(c), classes[j]) for j, c in enumerate(lowered)], dtype=torch.bool)
    columns["disagrees"] = torch.where(lowered >= 0, disagrees.float(), torch.nan)
    rows.values(level, columns)
    acting = (lowered >= 0).numpy() & called.named
    rows.value(level, "attribution_rank", attributed.rank_correlation, attributed.pairs)
    rows.value(level, "acting_share", share(lowered >= 0), len(lowered))
    rows.value(level, "disagree_share", disagrees.numpy()[acting].mean() if acting.any() else np.nan, acting.sum())


def lowered_class(removed: Effect) -> torch.Tensor:
    """The class whose probability falls most when a latent is ablated; -1 where no fall is certain and 1% or more."""
    upper = removed.mean + removed.half
    certain = (upper < 0) & (removed.mean <= -EFFECT)
    falls = torch.where(certain, removed.mean, torch.inf)
    return torch.where(certain.any(1), falls.argmin(1), -1)


def against(removed: Effect, latent: int, lowered: int, named: tuple[int, ...]) -> bool:
    """Whether ablating a latent lowers a class outside its name, and surely more than any class inside."""
    if lowered < 0 or not named or lowered in named:
        return False
    mean, half = removed.mean[latent], removed.half[latent]
    return all(float(mean[c] - mean[lowered]) > math.hypot(float(half[c]), float(half[lowered])) for c in named)


def share(mask: torch.Tensor) -> float:
    """Share of entries that are true."""
    return float(mask.float().mean()) if len(mask) else float("nan")
