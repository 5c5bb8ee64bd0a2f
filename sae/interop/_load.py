"""Which of the formats a folder or file is of, told by the names in it and the first bytes, and read as that."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeGuard

from sae.checkpoint import load_layer
from sae.errors import CheckpointError
from sae.files import read_safetensors
from sae.interop import dictionary_learning, gemma_scope, openai, saelens, sparsify
from sae.interop._files import read_settings
from sae.interop._kinds import NPZ, PICKLE, PICKLES, SAFETENSORS, kind_of, pickled
from sae.layer import Layer
from sae.values import path_of, says_itself

OURS = "layer.safetensors"
TRAINING = "training.json"
"""What `strata train` writes beside a layer."""
SPARSIFY = "sae.safetensors"
WEIGHTS = (OURS, saelens.WEIGHTS, SPARSIFY, dictionary_learning.WEIGHTS, gemma_scope.FILE)
"""Names under which a folder holds an SAE of one format each."""
FORMATS = "Strata (layer.safetensors), SAELens, sparsify, dictionary_learning, Gemma Scope (params.npz), OpenAI"


@dataclass(frozen=True)
class Loaded:
    """An SAE from disk, and what its files say of it."""

    layer: Layer
    path: Path | None
    """None: it was given as a layer."""
    format: str
    """`Strata`, `SAELens`, `sparsify`, `dictionary_learning`, `Gemma Scope` or `OpenAI`."""
    steps: int | None
    """How many steps it was trained for; None where the files do not say."""
    standardised: bool = False
    """It reads rows that were standardised one by one (`openai.standardise`), as OpenAI's TopK SAEs do."""
    origin: Mapping[str, str] = field(default_factory=dict)
    """What its files say of the rows that it was trained on: model, place in it, data. Empty where they say nothing of
    the data."""


@says_itself
def load(path: str | os.PathLike[str], *, rounding: float | None = None) -> Layer:
    """The SAE in a folder or file of any format that is known; see `loaded`."""
    return loaded(path, rounding=rounding).layer


@says_itself
def loaded(path: str | os.PathLike[str], *, rounding: float | None = None) -> Loaded:
    """The SAE in a folder or file: Strata's, SAELens's, sparsify's, dictionary_learning's, Gemma Scope's, OpenAI's.

    `rounding`: how far decoder lengths may differ, as a share, and count as one; None: by float32's rounding, or by
    what the 16-bit type that the decoder's numbers are of explains (the layer's `rounded` says so). Not for Strata's
    own. Raises CheckpointError for what is none of them, with what it is; pickles are never opened.
    """
    path = path_of("path", path)
    try:
        there = path.exists()
    except (OSError, ValueError) as error:  # a name that no file can have
        shown = str(path) if len(str(path)) <= 200 else f"{str(path)[:100]}..."
        said = getattr(error, "strerror", None) or error
        raise CheckpointError(f"{shown!r} cannot be the path of an SAE ({said}), expected: {FORMATS}") from error
    if not there:
        raise CheckpointError(f"{path} is not there, expected the folder or file of an SAE: {FORMATS}")
    options: dict[str, Any] = {} if rounding is None else {"rounding": rounding}
    return dataclasses.replace(_read(path, options), path=path)


def _read(path: Path, options: dict[str, Any]) -> Loaded:
    if path.is_dir():
        return _folder(path, options)
    name, kind = path.name, kind_of(path)
    if kind == PICKLE or path.suffix.lower() in PICKLES:
        raise pickled(path)
    if kind == NPZ:
        return Loaded(gemma_scope.read(path, **options), path, "Gemma Scope", None)
    if name in BESIDE:
        return _folder(path.parent, options)
    if kind == SAFETENSORS:
        return _single(path, options)
    found = f"it is {kind}" if kind else "of no form that is known"
    raise CheckpointError(f"{path} is no SAE: {found}; expected {FORMATS}")


def _folder(path: Path, options: dict[str, Any]) -> Loaded:
    there = {entry.name for entry in path.iterdir() if entry.is_file()}
    known = [name for name in WEIGHTS if name in there]
    if len(known) > 1:
        raise CheckpointError(
            f"{path} holds {' and '.join(known)}, expected one SAE: move the others to folders of their own"
        )
    if OURS in there:
        return _single(path / OURS, options)
    formats: list[tuple[str, str, Callable[..., Layer]]] = [
        (saelens.WEIGHTS, "SAELens", saelens.read),
        (SPARSIFY, "sparsify", sparsify.read),
        (dictionary_learning.WEIGHTS, "dictionary_learning", dictionary_learning.read),
        (gemma_scope.FILE, "Gemma Scope", gemma_scope.read),
    ]
    found = [entry for entry in formats if entry[0] in there]
    if found:
        _, name, read = found[0]
        return Loaded(read(path, **options), path, name, _steps(path), origin=_origin(path))
    single = sorted(name for name in there if name.endswith(".safetensors"))
    if len(single) > 1:
        raise CheckpointError(f"{path} holds {' and '.join(single)}, expected one SAE: name the file")
    if single:
        return _single(path / single[0], options)
    for name in sorted(there):
        if Path(name).suffix.lower() in PICKLES:
            raise pickled(path / name)
    inside = ", ".join(sorted(entry.name for entry in path.iterdir())[:6]) or "nothing"
    raise CheckpointError(f"{path} is no SAE: it holds {inside}; expected {FORMATS}")


def _single(path: Path, options: dict[str, Any]) -> Loaded:
    """A safetensors file that stands for itself: ours, or OpenAI's after conversion."""
    _, metadata = read_safetensors(path)
    if "format" in metadata and "architecture" in metadata:
        return Loaded(load_layer(path), path, "Strata", _steps(path.parent), origin=_origin(path.parent))
    if metadata.get("activation") in openai.ARCHITECTURES:
        layer = openai.read(path, **options)
        return Loaded(layer, path, "OpenAI", None, standardised=layer.architecture == "topk")
    raise CheckpointError(
        f"{path} has no metadata that says what it is; expected the folder in which it lies beside its settings, or "
        f"one of {FORMATS}"
    )


BESIDE = (saelens.WEIGHTS, SPARSIFY, dictionary_learning.WEIGHTS, saelens.CFG, dictionary_learning.CONFIG)
"""Files that are read with the folder they lie in."""


SETTINGS = (TRAINING, saelens.CFG, "runner_cfg.json", dictionary_learning.CONFIG)
# How settings call the rows that an SAE was trained on, and where in which model those were read.
DATA = ("source", "dataset_path", "dataset")
PLACE = ("model_name", "lm_name", "hook_name", "hook_point", "hook_layer", "submodule_name", "layer")


def _places(file: Path) -> list[dict[str, Any]]:
    """Tables of a file of settings that speak of training."""
    said = read_settings(file)
    return [said, *(said[key] for key in ("trainer", "metadata", "train") if isinstance(said.get(key), dict))]


def _steps(folder: Path) -> int | None:
    """How many steps the files beside say that it was trained for."""
    for name in SETTINGS:
        if not (folder / name).is_file():
            continue
        for place in _places(folder / name):
            tokens, batch = place.get("training_tokens"), place.get("train_batch_size_tokens")
            for steps in (place.get("steps"), tokens / batch if _number(tokens) and _number(batch) else None):
                if _number(steps):
                    return max(1, int(steps))
    return None


def _origin(folder: Path) -> dict[str, str]:
    """What the files beside say of the rows that it was trained on; empty where they say nothing of the data."""
    found: dict[str, str] = {}
    for name in SETTINGS:
        if (folder / name).is_file():
            for place in _places(folder / name):
                told = {key: str(place[key]) for key in (*DATA, *PLACE) if isinstance(place.get(key), str | int)}
                found = {**told, **found}
    return found if any(key in found for key in DATA) else {}


def _number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e15
