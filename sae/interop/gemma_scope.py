"""Gemma Scope's `params.npz` (Lieberum et al., arXiv 2408.05147): JumpReLU, in numpy's format.

    pre   = x W_enc + b_enc
    z     = pre where pre > threshold, else 0
    x_hat = z W_dec + b_dec

Shapes: W_enc (d_in, n_latents), W_dec (n_latents, d_in), b_enc and threshold (n_latents), b_dec (d_in). Their encoder
sees x, not x - b_dec: what that makes goes into our b_enc. Arrays only are read, never the pickles that numpy's format
can hold. Transcoders were published with the same five arrays; nothing in such a file says so, only its folder's name.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sae.errors import CheckpointError
from sae.files import one_line
from sae.interop._files import checked, k_of
from sae.interop._kinds import NPZ, kind_of, refused
from sae.interop._layers import ROUNDING, build, shifted, wanted
from sae.layer import Layer
from sae.values import path_of, says_itself

FILE = "params.npz"
NAMES = ("W_enc", "W_dec", "b_enc", "b_dec", "threshold")


@says_itself
def read(
    path: str | os.PathLike[str],
    architecture: str | None = None,
    *,
    k: int | None = None,
    rounding: float = ROUNDING,
) -> Layer:
    """The JumpReLU SAE in the file `path`, or in `params.npz` of the folder `path`; raw rows, codes as in the file.

    `k`: what further training would steer to, such as the mean L0 in the name of the file's folder; None means
    n_latents. `rounding`: how far decoder lengths may differ, as a share, and still count as one.
    Raises CheckpointError for a file of another kind, that is not whole, or not of `architecture`.
    """
    path, k = path_of("path", path), k_of(k)
    path = path / FILE if path.is_dir() else path
    wanted(path, "jumprelu", architecture)
    tensors = _arrays(path)
    if "W_enc" not in tensors or tensors["W_enc"].ndim != 2:
        raise CheckpointError(f"{path}: 'W_enc' is missing or has no two axes, expected (d_in, n_latents)")
    d_in, n_latents = tensors["W_enc"].shape
    shapes: dict[str, tuple[int, ...]] = {"W_enc": (d_in, n_latents), "W_dec": (n_latents, d_in), "b_dec": (d_in,)}
    found = checked(path, tensors, shapes | {"b_enc": (n_latents,), "threshold": (n_latents,)})
    weights = {"W_enc": found["W_enc"].T, "W_dec": found["W_dec"], "b_enc": found["b_enc"], "b_dec": found["b_dec"]}
    # below 0 a threshold never cuts: their ReLU does
    weights["theta"] = found["threshold"].clamp(min=0)
    return build(path, "jumprelu", shifted(weights), {"k": n_latents if k is None else k}, rounding)


def _arrays(path: Path) -> dict[str, Tensor]:
    """The arrays of the file by name. Raises CheckpointError for a file that is none or holds anything else."""
    if kind_of(path) != NPZ:
        raise refused(path, NPZ)
    try:
        with np.load(path, allow_pickle=False) as file:
            unknown = sorted(set(file.files) - set(NAMES))
            if unknown:
                raise CheckpointError(f"{path} has an unexpected array {unknown[0]!r}; expected {', '.join(NAMES)}")
            return {name: _tensor(path, name, file[name]) for name in file.files}
    except (OSError, ValueError, EOFError, KeyError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        raise CheckpointError(f"{path} is not a readable {NPZ} file: {one_line(error)}") from error


def _tensor(path: Path, name: str, array: np.ndarray) -> Tensor:
    """A copy in this machine's order of bytes. Raises CheckpointError for what are no numbers."""
    if array.dtype.kind != "f" or array.dtype.itemsize not in (2, 4, 8):
        raise CheckpointError(f"{path}: {name!r} is of {array.dtype}, expected floating point")
    return torch.from_numpy(array.astype(array.dtype.newbyteorder("=")))
