"""Named tensors as one safetensors file, whole or not there. Never pickle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import safetensors
from safetensors.torch import save_file
from torch import Tensor

from sae.files import replacing


def save_tensors(tensors: Mapping[str, Tensor], path: Path, metadata: Mapping[str, str] | None = None) -> None:
    """Write `tensors`, from whatever device, to `path`; a reader sees the file that stood there or the whole new one.

    Raises DataError where it cannot be written.
    """
    given = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    with replacing(path) as temporary:
        try:
            save_file(given, temporary, dict(metadata) if metadata else None)
        except safetensors.SafetensorError as error:  # what it says for a full disk is no OSError
            raise OSError(str(error)) from error
