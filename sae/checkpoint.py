"""Save and load a layer as one safetensors file. Never pickle; written beside and renamed (`sae.files`).

The file's metadata holds the architecture, its options and the normaliser's scalars, so a file can only be loaded
as what it is (SAELens#553 is the bug of loading a TopK file as ReLU, silently). What would give NaN, or numbers of
another SAE, is refused with the file's name: a bit may have flipped since it was written.
"""

from __future__ import annotations

import json
import os
from typing import Any

import torch
from torch import Tensor

from sae.dictionary import Dictionary
from sae.discover import construct, find
from sae.errors import CheckpointError, StrataError
from sae.files import one_line, read_safetensors, write_safetensors
from sae.layer import Layer
from sae.normaliser import Normaliser
from sae.values import LARGEST, path_of, says_itself

FORMAT = "strata-layer-1"
MEAN = "normaliser.mean"


@says_itself
def save_layer(layer: Layer, path: str | os.PathLike[str]) -> None:
    """Write `layer` to `path` (.safetensors) so that a reader sees the whole file or none.

    Raises CheckpointError, before anything is written, for weights that are not finite and an architecture that
    `load_layer` does not know.
    """
    path = path_of("path", path)
    if not isinstance(layer, Layer):
        raise CheckpointError(
            f"{path} would hold a {type(layer).__name__}, expected a layer: Layer(name, sae, normaliser)"
        )
    try:
        find("sae.architectures", layer.architecture)
    except StrataError as error:
        raise CheckpointError(f"{path} would hold what nobody can load: {error}") from error
    tensors = {f"sae.{name}": value for name, value in layer.sae.state_dict().items()}
    tensors[MEAN] = layer.normaliser.mean
    check_all_finite(f"{path} would hold", tensors)
    metadata = {
        "format": FORMAT,
        "architecture": layer.architecture,
        "d_in": layer.sae.d_in,
        "n_latents": layer.sae.n_latents,
        "options": layer.sae.options(),
        "scale": layer.normaliser.scale,
        "gamma": layer.normaliser.gamma,
    }
    try:
        text = {key: json.dumps(value) for key, value in metadata.items()}
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{path}: the options of {layer.architecture} are not JSON: {one_line(error)}") from error
    write_safetensors(path, tensors, text)


@says_itself
def load_layer(path: str | os.PathLike[str], architecture: str | None = None) -> Layer:
    """Read a layer. Raises CheckpointError for a file that is not whole, not ours, not of `architecture`, or that
    holds numbers that are not finite."""
    path = path_of("path", path)
    tensors, text = read_safetensors(path)
    try:
        metadata = {key: json.loads(value) for key, value in text.items()}
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} has metadata that is not JSON: {one_line(error)}") from error
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
    check_all_finite(f"{path} holds", {**tensors, MEAN: mean})
    try:
        if not isinstance(found, str) or not isinstance(options, dict):
            raise CheckpointError(f"architecture = {found!r} with options = {options!r}, expected a name and an object")
        if not mean.is_floating_point():
            raise CheckpointError(f"{MEAN!r} is of {mean.dtype}, expected floating point")
        normaliser = Normaliser(mean.to(torch.float32), scale, _gamma(gamma))
        sae = _of_file(found, sizes, options, {name.removeprefix("sae."): value for name, value in tensors.items()})
        if tuple(mean.shape) != (sae.d_in,):
            raise CheckpointError(f"{MEAN!r} has shape {tuple(mean.shape)}, expected ({sae.d_in},)")
    except (StrataError, RuntimeError, TypeError) as error:
        raise CheckpointError(f"{path}: {one_line(error)}") from error
    return Layer(found, sae, normaliser)


def check_all_finite(what: str, tensors: dict[str, Tensor]) -> None:
    """Raise CheckpointError naming the first tensor with NaN or infinity. `what` begins the message."""
    for name, tensor in tensors.items():
        # a sum first: it needs no copy of a large matrix
        if not tensor.is_floating_point() or bool(torch.isfinite(tensor.sum())):
            continue
        bad = int((~torch.isfinite(tensor)).sum())
        if bad:
            raise CheckpointError(f"{what} {bad} values in {name!r} that are NaN or infinite, expected none")


def _of_file(architecture: str, sizes: tuple[Any, Any], options: dict[str, Any], state: dict[str, Tensor]) -> Any:
    """The SAE that a file describes, with the file's weights. Raises StrataError or RuntimeError."""
    offered = find("sae.architectures", architecture)
    if isinstance(offered, type) and issubclass(offered, Dictionary):
        # before memory is taken for what the file only claims
        shape, claimed = tuple(state["W_dec"].shape) if "W_dec" in state else None, (sizes[1], sizes[0])
        if shape != claimed:
            raise CheckpointError(f"'sae.W_dec' has shape {shape}, expected {claimed}: n_latents and d_in of the file")
    sae = construct("sae.architectures", architecture, *sizes, **options)
    for name, own in sae.state_dict().items():
        if name in state and state[name].dtype != own.dtype:
            raise CheckpointError(f"'sae.{name}' is of {state[name].dtype}, expected {own.dtype}")
    sae.load_state_dict(state)
    return sae


def _gamma(value: Any) -> float:
    """What the file says of the rows that the normaliser was fitted on; NaN where that is not known."""
    huge = isinstance(value, int) and value > LARGEST
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0 or huge:
        raise CheckpointError(f"gamma = {value!r}, expected a number of at least 0, or NaN")
    return float(value)
