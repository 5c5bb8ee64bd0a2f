"""Stage `host`: train the host on the data set, or leave it as initialised (the control)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from analysis.plan.edges import Role
from analysis.plan.stage_configs import HostStage
from analysis.run.hosts._host import Noting
from analysis.run.stages._load import dataset_of, examples_of, new_host, save_tensors


def host(work: Path, config: HostStage, inputs: Mapping[Role, Path]) -> dict[str, Any]:
    """Writes `host.safetensors`; notes its accuracy on both splits, where there are labels."""
    dataset = dataset_of(config.dataset)
    model = new_host(config.host, config.options, config.seed, dataset)
    if config.trained:
        model.fit(*examples_of(dataset, "train")[:2])
    save_tensors(model.state_dict(), work / "host.safetensors")
    hook = next(iter(model.hooks()))
    accuracy: dict[str, float] = {}
    for split in ("train", "held_out"):
        examples, labels, _ = examples_of(dataset, split)
        if labels is not None:
            predicted = model.logits_from(model.activations(examples, hook), hook).argmax(1)
            accuracy[split] = float((predicted == labels).float().mean())
    return {"accuracy": accuracy, **(model.notes() if isinstance(model, Noting) else {})}
