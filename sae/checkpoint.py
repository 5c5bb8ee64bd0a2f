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

from sae.discover import find
from sae.errors import CheckpointError
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
    if architecture is not None and metadata["architecture"] != architecture:
        raise CheckpointError(f"{path} holds a {metadata['architecture']!r} SAE, asked for as {architecture!r}")
    sae = find("sae.architectures", metadata["architecture"])(
        metadata["d_in"], metadata["n_latents"], **metadata["options"]
    )
    state = {name.removeprefix("sae."): value for name, value in tensors.items() if name != MEAN}
    try:
        sae.load_state_dict(state)
    except RuntimeError as error:
        raise CheckpointError(f"{path}: {error}") from error
    if MEAN not in tensors:
        raise CheckpointError(f"{path} lacks the tensor {MEAN!r}")
    normaliser = Normaliser(tensors[MEAN].to(torch.float32), metadata["scale"], metadata["gamma"])
    return Layer(metadata["architecture"], sae, normaliser)
