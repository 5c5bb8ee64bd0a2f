"""Stage `activations`: what the host has at the hook, for every example, as a memory-mapped store."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from analysis.plan.edges import HOST, Role
from analysis.plan.stage_configs import ActivationsStage
from analysis.run.activations import SPLITS, ActivationStore
from analysis.run.stages._load import examples_of, load_host


def activations(work: Path, config: ActivationsStage, inputs: Mapping[Role, Path]) -> dict[str, Any]:
    """Writes the store; notes the number of classes and the width."""
    model, dataset = load_host(inputs[HOST])
    store = ActivationStore(work, dataset.n_classes)
    for split in SPLITS:
        examples, labels, ids = examples_of(dataset, split)
        store.save(split, model.activations(examples, config.hook), labels, ids)
    return {"n_classes": dataset.n_classes, "width": model.hooks()[config.hook]}
