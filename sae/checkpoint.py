"""Save and load a layer as one safetensors file. Never pickle; written to a temporary name and renamed.

The file's metadata holds the architecture, its options and the normaliser's scalars, so a file can only be loaded
as what it is (SAELens#553 is the bug of loading a TopK file as ReLU, silently).
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import safetensors
import torch
from safetensors.torch import save_file

from sae.discover import construct
from sae.errors import CheckpointError, ConfigError, NotFoundError
from sae.layer import Layer
from sae.normaliser import Normaliser

FORMAT = "strata-layer-1"
MEAN = "normaliser.mean"


def save_layer(layer: Layer, path: Path) -> None:
    """Write `layer` to `path` (.safetensors) so that a reader sees the whole file or none."""
    tensors = {f"sae.{name}": value.contiguous() for name, value in layer.sae.state_dict().items()}
    tensors[MEAN] = layer.normaliser.mean.contiguous()
    metadata = {
        "format": FORMAT,
        "architecture": layer.architecture,
        "d_in": layer.sae.d_in,
        "n_latents": layer.sae.n_latents,
        "options": layer.sae.options(),
        "scale": layer.normaliser.scale,
        "gamma": layer.normaliser.gamma,
    }
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    save_file(tensors, temporary, {key: json.dumps(value) for key, value in metadata.items()})
    temporary.replace(path)


def load_layer(path: Path, architecture: str | None = None) -> Layer:
    """Read a layer. Raises CheckpointError for a file that is not whole, not ours, or not of `architecture`."""
    try:
        with safetensors.safe_open(path, "pt") as file:
            metadata = {key: json.loads(value) for key, value in (file.metadata() or {}).items()}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (OSError, ValueError, safetensors.SafetensorError) as error:
        raise CheckpointError(f"{path} is not a readable safetensors file: {error}") from error
    if metadata.get("format") != FORMAT:
        raise CheckpointError(f"{path} has format {metadata.get('format')!r}, expected {FORMAT!r}")
    try:
        found, options = metadata["architecture"], metadata["options"]
        sizes, scale, gamma = (metadata["d_in"], metadata["n_latents"]), metadata["scale"], metadata["gamma"]
        mean = tensors.pop(MEAN)
    except KeyError as error:
        raise CheckpointError(f"{path} lacks {error.args[0]!r}") from error
    if architecture is not None and found != architecture:
        raise CheckpointError(f"{path} holds a {found!r} SAE, asked for as {architecture!r}")
    try:
        sae = construct("sae.architectures", found, *sizes, **options)
        sae.load_state_dict({name.removeprefix("sae."): value for name, value in tensors.items()})
    except (ConfigError, NotFoundError, RuntimeError, TypeError) as error:
        raise CheckpointError(f"{path}: {error}") from error
    return Layer(found, sae, Normaliser(mean.to(torch.float32), scale, gamma))
