"""Stage `reader`: train the independent classifier that reads the pictures of latents."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from analysis.plan.edges import Role
from analysis.plan.stage_configs import ReaderStage
from analysis.run.hosts._host import as_pixels
from analysis.run.interpret.reader import Reader
from analysis.run.stages._load import dataset_of, images_of, save_tensors
from sae.errors import ConfigError


def reader(work: Path, config: ReaderStage, inputs: Mapping[Role, Path]) -> dict[str, Any]:
    """Writes `reader.safetensors`; notes its accuracy on held-out images. Without labels there is nothing to read,
    and only that is noted."""
    dataset = dataset_of(config.dataset)
    shape = dataset.images.shape[1:]
    if not dataset.n_classes:
        return {"shape": list(shape), "n_classes": 0}
    model = new_reader(shape, dataset.n_classes, config.seed, config.options)
    pixels, labels, _ = images_of(dataset, "train")
    assert labels is not None
    model.fit(pixels, labels)
    held_out, answers, _ = images_of(dataset, "held_out")
    assert answers is not None
    said = model.probabilities(as_pixels(held_out)).argmax(1)
    save_tensors(model.state_dict(), work / "reader.safetensors")
    return {"shape": list(shape), "n_classes": dataset.n_classes, "accuracy": float((said == answers).float().mean())}


def new_reader(shape: tuple[int, ...], n_classes: int, seed: int, options: dict[str, Any]) -> Reader:
    """A reader with its initial weights. Raises ConfigError for an option that it does not take."""
    try:
        return Reader(shape, n_classes, seed, **options)
    except TypeError as error:
        raise ConfigError(f"interpret.reader: {str(error).split('__init__() ')[-1]}; its options: steps") from error
