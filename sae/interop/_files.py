"""What the formats share: tensors and settings from disk, checked by name, shape and value before anything is built."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import safetensors
import torch
from torch import Tensor

from sae.errors import CheckpointError

PICKLES = (".pt", ".pth", ".bin", ".pkl", ".pickle", ".ckpt")

# Settings that are not tensors (OpenAI's files have some) go into the metadata. `weights_only`: no code of the file
# is run.
CONVERT = (
    "import sys, torch; from safetensors.torch import save_file; "
    's = torch.load(sys.argv[1], map_location="cpu", weights_only=True); '
    'a = {"activation": s.get("activation", "ReLU"), **s.get("activation_state_dict", {})}; '
    "save_file({n: t.contiguous().clone() for n, t in s.items() if torch.is_tensor(t)}, sys.argv[2], "
    "{n: str(v) for n, v in a.items()})"
)


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a safetensors file.

    Raises CheckpointError for a file that is missing or cut, and for a pickle, with the line that converts it.
    """
    if path.suffix.lower() in PICKLES:
        raise pickled(path)
    try:
        with safetensors.safe_open(path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118 (not a dict)
    except (OSError, ValueError, safetensors.SafetensorError) as error:
        if _starts_as_pickle(path):
            raise pickled(path) from error
        raise CheckpointError(f"{path} is not a readable safetensors file: {error}") from error


def _starts_as_pickle(path: Path) -> bool:
    """A zip archive (torch.save) or a pickle's protocol. Of safetensors, byte 8 is a brace, whatever stands before."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(9)
    return head[8:] != b"{" and (
        head.startswith(b"PK") or (head[:1] == b"\x80" and head[1:2] in (b"\2", b"\3", b"\4", b"\5"))
    )


def weights_in(folder: Path, name: str) -> Path:
    """The file `name` in `folder`. Raises CheckpointError if there is only a pickle, or if `folder` is one."""
    path = folder / name
    if not path.exists():
        for other in [folder] if folder.is_file() else sorted(folder.glob("*")):
            if other.suffix.lower() in PICKLES:
                raise pickled(other)
    return path


def pickled(path: Path) -> CheckpointError:
    """The error for a pickle: opening one can run any code, so that its owner has to convert it."""
    new = path.with_suffix(".safetensors" if path.suffix != ".safetensors" else ".converted.safetensors")
    command = shlex.join(["python", "-c", CONVERT, str(path), str(new)])
    return CheckpointError(f"{path} is a pickle, expected safetensors; pickles are never loaded. To convert: {command}")


def read_settings(path: Path) -> dict[str, Any]:
    """The object in a JSON file. Raises CheckpointError for a file that is missing, or anything else."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} is not a readable JSON file: {error}") from error
    if not isinstance(found, dict):
        raise CheckpointError(f"{path} holds {type(found).__name__}, expected an object")
    return found


def whole(path: Path, settings: dict[str, Any], name: str) -> int:
    """The setting `name` as a whole number above 0. Raises CheckpointError for anything else, None included."""
    value = settings.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not float(value).is_integer() or value < 1:
        raise CheckpointError(f"{path}: {name} = {value!r}, expected a whole number above 0")
    return int(value)


def insist(path: Path, settings: dict[str, Any], allowed: dict[str, tuple[Any, ...]], why: str) -> None:
    """Raise CheckpointError unless each setting that is there has one of its allowed values."""
    for name, values in allowed.items():
        if name in settings and settings[name] not in values:
            expected = " or ".join(repr(value) for value in values)
            raise CheckpointError(f"{path}: {name} = {settings[name]!r}, expected {expected}: {why}")


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
