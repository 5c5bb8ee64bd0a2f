"""What the formats share: tensors and settings from disk, checked by name, shape and value before anything is built."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sae.errors import CheckpointError
from sae.files import read_safetensors
from sae.interop._kinds import PICKLES, SAFETENSORS, kind_of, pickled, refused
from sae.values import whole as whole_number

LARGEST = 2**31
"""Of widths: no weights of more could be held."""


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a safetensors file.

    Raises CheckpointError for a file that is missing, cut or of another kind, with the way on if there is one.
    """
    if kind_of(path) != SAFETENSORS:
        raise refused(path, SAFETENSORS)
    if path.suffix.lower() in PICKLES:
        raise pickled(path)
    return read_safetensors(path)


def weights_in(folder: Path, name: str) -> Path:
    """The file `name` in `folder`. Raises CheckpointError if there is only a pickle or npz, or if `folder` is one."""
    path = folder / name
    if folder.is_file():
        if kind_of(folder) == SAFETENSORS and folder.suffix.lower() not in PICKLES:
            raise CheckpointError(f"{folder} is a file, expected the folder in which {name} lies beside its settings")
        raise refused(folder, SAFETENSORS)
    if not path.exists():
        for other in sorted(folder.glob("*")):
            if other.suffix.lower() in (*PICKLES, ".npz"):
                raise pickled(other) if other.suffix.lower() in PICKLES else refused(other, SAFETENSORS)
    return path


def read_settings(path: Path) -> dict[str, Any]:
    """The object in a JSON file. Raises CheckpointError for a file that is missing, or anything else."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} is not a readable JSON file: {error}") from error
    except RecursionError:
        raise CheckpointError(f"{path} is not a readable JSON file: it is nested too deeply") from None
    if not isinstance(found, dict):
        raise CheckpointError(f"{path} holds {type(found).__name__}, expected an object")
    return found


def whole(path: Path, settings: dict[str, Any], name: str) -> int:
    """The setting `name` as a whole number above 0. Raises CheckpointError for anything else, None included."""
    value: Any = settings.get(name)
    whole_one = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not whole_one or not 1 <= value <= LARGEST:
        # Python itself refuses to write out a number of thousands of digits
        shown = (
            f"a number of {value.bit_length()} bits" if isinstance(value, int) and abs(value) > LARGEST else repr(value)
        )
        raise CheckpointError(f"{path}: {name} = {shown}, expected a whole number above 0, at most 2^31")
    return int(value)


def insist(path: Path, settings: dict[str, Any], allowed: dict[str, tuple[Any, ...]], why: str) -> None:
    """Raise CheckpointError unless each setting that is there has one of its allowed values."""
    for name, values in allowed.items():
        # 0 equals False in Python, and is another thing in a file
        found = settings.get(name)
        if name in settings and not any(type(found) is type(value) and found == value for value in values):
            expected = " or ".join(repr(value) for value in values)
            raise CheckpointError(f"{path}: {name} = {settings[name]!r}, expected {expected}: {why}")


def switch(path: Path, settings: dict[str, Any], name: str, default: bool) -> bool:
    """The setting `name` as true or false; `default` where it is not there or null. Raises CheckpointError."""
    value = settings.get(name)
    if value is not None and not isinstance(value, bool):
        raise CheckpointError(f"{path}: {name} = {value!r}, expected true or false")
    return default if value is None else value


def table(path: Path, settings: dict[str, Any], name: str) -> dict[str, Any]:
    """The setting `name` as an object; empty where it is not there or null. Raises CheckpointError."""
    value = settings.get(name)
    if value is not None and not isinstance(value, dict):
        raise CheckpointError(f"{path}: {name} = {value!r}, expected an object")
    return value or {}


def k_of(k: Any) -> int | None:
    """The caller's `k`, a whole number above 0 or None. Raises ConfigError."""
    return None if k is None else whole_number("k", k, 1)


def checked(
    path: Path, tensors: dict[str, Tensor], shapes: dict[str, tuple[int, ...]], ignored: Iterable[str] = ()
) -> dict[str, Tensor]:
    """The tensors named in `shapes`, in float64, so that what is folded into them is rounded once.

    Raises CheckpointError for a tensor that is missing, unexpected (neither in `shapes` nor `ignored`), of another
    shape, not of floating point, or not finite.
    """
    expected = ", ".join(sorted(shapes))
    for name in shapes:
        if name not in tensors:
            raise CheckpointError(
                f"{path} lacks {name!r}; found {', '.join(sorted(tensors)) or 'none'}, expected {expected}"
            )
    for name in sorted(tensors.keys() - shapes.keys() - set(ignored)):
        shape = tuple(tensors[name].shape)
        raise CheckpointError(f"{path} has an unexpected tensor {name!r} of shape {shape}; expected {expected}")
    for name, shape in shapes.items():
        found = tensors[name]
        if tuple(found.shape) != shape:
            raise CheckpointError(f"{path}: {name!r} has shape {tuple(found.shape)}, expected {shape}")
        if not found.is_floating_point():
            raise CheckpointError(f"{path}: {name!r} is of {found.dtype}, expected floating point")
        bad = int((~torch.isfinite(found)).sum())
        if bad:
            raise CheckpointError(f"{path}: {name!r} has {bad} values that are NaN or infinite, expected none")
    return {name: tensors[name].double() for name in shapes}
