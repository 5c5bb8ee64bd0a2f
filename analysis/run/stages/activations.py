"""Stage `activations`: what the host has at the hook, as a store on disk: a row for every example, or of a language
model for every token that counts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from analysis.plan.edges import HOST, Role
from analysis.plan.stage_configs import ActivationsStage
from analysis.run.activations import SPLITS, ActivationStore
from analysis.run.capture import capture
from analysis.run.datasets._dataset import Dataset
from analysis.run.hosts._host import LanguageHost
from analysis.run.stages._load import examples_of, load_host

# Of `rows` so many are held out beside those that are trained on.
HELD_OUT = 0.1
# Beside the folders of stages: what a killed run had read of a language model, which the next one goes on with.
UNFINISHED = "unfinished"


def activations(work: Path, config: ActivationsStage, inputs: Mapping[Role, Path]) -> dict[str, Any]:
    """Writes the store; notes the number of classes and the width, of a language model also what was left out."""
    model, dataset = load_host(inputs[HOST])
    store = ActivationStore(work, dataset.n_classes)
    notes = {"n_classes": dataset.n_classes, "width": model.hooks()[config.hook]}
    if isinstance(model, LanguageHost):
        return {**notes, "captured": captured(work, config, model, dataset)}
    for split in SPLITS:
        examples, labels, ids = examples_of(dataset, split)
        store.save(split, model.activations(examples, config.hook), labels, ids)
    return notes


def captured(work: Path, config: ActivationsStage, model: LanguageHost, dataset: Dataset) -> dict[str, Any]:
    """Both splits of a language model's rows; the manifest of each, by split."""
    found: dict[str, Any] = {}
    for split in SPLITS:
        tokens, _, ids = examples_of(dataset, split)
        rows = config.rows if split == "train" else round(HELD_OUT * config.rows)
        chosen = spaced(len(ids), -(-rows // tokens.shape[1]))
        found[split] = capture(
            model, tokens[chosen].long(), ids[chosen], config.hook, work, split,
            like=found.get("train"), kept=work.parent.parent / UNFINISHED,
        )  # fmt: skip
    return found


def spaced(there: int, wanted: int) -> torch.Tensor:
    """Numbers of at most `wanted` of so many contexts, evenly spaced; all for 0."""
    if not 0 < wanted < there:
        return torch.arange(there)
    return torch.linspace(0, there - 1, wanted).round().long()
