"""Load what earlier stages saved, and save tensors for later ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import load_file, save_file

from analysis.plan.stage_configs import HostStage
from analysis.plan.stage_folders import read_manifest
from analysis.run.activations import ActivationStore
from analysis.run.datasets._dataset import Dataset
from analysis.run.datasets._open import opened
from analysis.run.hosts._host import Host, ReadsTokens
from analysis.run.shards import unreadable
from analysis.run.text import tokenisers
from sae.checkpoint import load_layer
from sae.config import TowerKind
from sae.discover import construct
from sae.errors import StageError
from sae.temporary import replacing, usual_rights
from sae.tower import Tower

STOPPED = "stopped.json"


def dataset_of(data: str) -> Dataset:
    """A data set with its options, as a stage's config names it."""
    return opened(data)


def new_host(name: str, options: dict[str, Any], seed: int, dataset: Dataset) -> Host:
    """The host named `name`, with its initial weights. Raises ConfigError for an option that it does not take,
    DataError for text in tokens of another tokeniser than its own."""
    host: Host = construct("analysis.run.hosts", name, dataset.shape, dataset.n_classes, seed, **options)
    if dataset.text is not None and isinstance(host, ReadsTokens):
        host.check_tokeniser(dataset.tokeniser, tokenisers.fingerprint(dataset.tokeniser) or "")
    return host


def load_host(folder: Path) -> tuple[Host, Dataset]:
    """A saved host and the data set it was made for."""
    config = HostStage.read(folder)
    dataset = dataset_of(config.dataset)
    host = new_host(config.host, config.options, config.seed, dataset)
    load_weights(host, folder / "host.safetensors")
    return host, dataset


def save_tensors(tensors: Mapping[str, torch.Tensor], path: Path) -> None:
    """Write tensors as a safetensors file, whole or not at all. Raises DataError where it cannot be written."""
    with replacing(path) as temporary:
        try:
            save_file(dict(tensors), temporary)
        except safetensors.SafetensorError as error:  # what it says of a full disk is no OSError
            raise OSError(str(error)) from error
        usual_rights(temporary)


def load_weights(module: Host | torch.nn.Module, path: Path) -> None:
    """Put the tensors of a file into a module. Raises StageError for a file that cannot be read or does not fit."""
    try:
        module.load_state_dict(load_file(path))
    except (OSError, ValueError, RuntimeError, safetensors.SafetensorError) as error:
        raise StageError(unreadable(path, error)) from error


def load_store(folder: Path, most: int = 0) -> ActivationStore:
    """A saved activation store; of each split at most about `most` rows, 0 for all."""
    return ActivationStore(folder, read_manifest(folder)["notes"]["n_classes"], most)


def load_tower(kind: TowerKind, folders: list[Path]) -> Tower:
    """The tower whose layers lie in `folders`, depth 1 first, up to where it stopped."""
    return Tower(kind, tuple(load_layer(folder / "layer.safetensors") for folder in trained(folders)))


def trained(folders: list[Path]) -> list[Path]:
    """Those of a tower's folders that hold an SAE: the ones before it stopped."""
    return [folder for folder in folders if not (folder / STOPPED).exists()]


def examples_of(dataset: Dataset, split: str) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor]:
    """Examples (rows, ...) as the data set has them, their classes (None without labels) and ids, of a split."""
    mask = torch.from_numpy(dataset.held_out == (split == "held_out"))
    examples = torch.from_numpy(dataset.examples)[mask]
    labels = None if dataset.classes is None else torch.from_numpy(dataset.classes)[mask]
    return examples, labels, mask.nonzero().flatten()


def images_of(dataset: Dataset, split: str) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor]:
    """As `examples_of`, of a data set of images. Raises DataError for any other."""
    assert dataset.images is not None
    return examples_of(dataset, split)


def read_json(path: Path) -> Any:
    """A JSON file's content. Raises StageError."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StageError(unreadable(path, error)) from error
