"""Files of the library: safetensors and JSON, written beside and then renamed, read or refused by name.

A file is whole or it is not there, under whatever is interrupted: it is made under a random name in the same folder,
brought to the disk, and only then takes the place of the old one. Everything here raises CheckpointError with the
file's name for what cannot be read or written.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path

import safetensors
import torch
from safetensors.torch import save_file
from torch import Tensor

from sae.errors import CheckpointError
from sae.temporary import temporary_name, to_disk, usual_rights


def read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a safetensors file, on the CPU."""
    try:
        with torch.device("cpu"), safetensors.safe_open(path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118 (not a dict)
    except (OSError, ValueError, RuntimeError, MemoryError, safetensors.SafetensorError) as error:
        raise CheckpointError(f"{path} is not a readable safetensors file: {one_line(error)}") from error


def write_safetensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """Write `tensors` to `path`; a file that stands there stays until the new one is whole."""
    place(path, staged_safetensors(path, tensors, metadata))


def staged_safetensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> Path:
    """Write `tensors` beside `path`, ready for `place`."""
    given = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}

    def write(new: Path) -> None:
        save_file(given, new, dict(metadata or {}))
        usual_rights(new)

    return _staged(path, write)


def staged_text(path: Path, text: str) -> Path:
    """Write `text` beside `path`, ready for `place`."""
    return _staged(path, lambda new: new.write_text(text, encoding="utf-8"))


def place(path: Path, new: Path) -> None:
    """Put a staged file in its place."""
    try:
        new.replace(path)
    except OSError as error:
        drop(new)
        raise unwritten(path, error) from error


def drop(new: Path) -> None:
    """Take a staged file away."""
    with contextlib.suppress(OSError):
        new.unlink(missing_ok=True)


def unwritten(path: Path, error: Exception) -> CheckpointError:
    """The error for a file that could not be written."""
    return CheckpointError(f"{path} could not be written: {one_line(error)}; what stood there before is as it was")


def one_line(error: Exception) -> str:
    """What an error says, on one line: torch's have several."""
    return " ".join(str(error).split()) or type(error).__name__


def _staged(path: Path, write: Callable[[Path], object]) -> Path:
    new = temporary_name(path)
    try:
        write(new)
        to_disk(new)
    except (OSError, ValueError, RuntimeError, safetensors.SafetensorError) as error:
        drop(new)
        raise unwritten(path, error) from error
    return new
