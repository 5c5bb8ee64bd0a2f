"""OpenAI's sparse autoencoders, v5 and before (openai/sparse_autoencoder, `model.py`; Gao et al., arXiv 2406.04093).

    latents = activation(encoder.weight (x - pre_bias) + latent_bias)
    x_hat   = decoder.weight latents + pre_bias

Shapes: encoder.weight (n_latents, d_in), decoder.weight (d_in, n_latents), latent_bias (n_latents), pre_bias (d_in).
They are published as pickles, which are never loaded: the error says how to convert one. The converted file keeps
the activation in its metadata: `activation` TopK or ReLU; for TopK also `k` and `postact_fn`. A file that does not
say its activation is refused, for a TopK SAE read as ReLU gives numbers that look right.

Where the activation is TopK, theirs first standardises every row over its own coordinates, which a `Layer` (one mean,
one scale) cannot do: give the layer the rows of `standardise`, and `undo` what it reconstructs.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from sae.errors import CheckpointError, InputError
from sae.given import check_numbers, check_tensor
from sae.interop._files import checked, k_of, read_tensors, whole
from sae.interop._layers import ROUNDING, build, wanted
from sae.layer import Layer
from sae.values import path_of, says_itself

ARCHITECTURES = {"TopK": "topk", "ReLU": "relu_l1"}
# Their records of training, which change nothing that the SAE computes.
STATISTICS = ("stats_last_nonzero", "latents_activation_frequency", "latents_mean_square")
EPSILON = 1e-5


@says_itself
def read(
    path: str | os.PathLike[str],
    architecture: str | None = None,
    *,
    k: int | None = None,
    rounding: float = ROUNDING,
) -> Layer:
    """The SAE in the safetensors file `path`, for standardised rows if it is TopK (normaliser: mean 0, scale 1).

    `k`: for a ReLU file, which has none, the k that further training would steer to; None means n_latents.
    `rounding`: how far decoder lengths may differ, as a share, and still count as one.
    Raises CheckpointError for a pickle, a file that is not whole, another activation, or another `architecture`.
    """
    path, k = path_of("path", path), k_of(k)
    tensors, metadata = read_tensors(path)
    activation = metadata.get("activation")
    if activation not in ARCHITECTURES:
        raise CheckpointError(f"{path}: metadata activation = {activation!r}, expected {' or '.join(ARCHITECTURES)}")
    found = ARCHITECTURES[activation]
    wanted(path, found, architecture)
    if "encoder.weight" not in tensors or tensors["encoder.weight"].ndim != 2:
        raise CheckpointError(f"{path}: 'encoder.weight' is missing or has no two axes, expected (n_latents, d_in)")
    n_latents, d_in = tensors["encoder.weight"].shape
    shapes = {
        "encoder.weight": (n_latents, d_in),
        "decoder.weight": (d_in, n_latents),
        "latent_bias": (n_latents,),
        "pre_bias": (d_in,),
    }
    given = checked(path, tensors, shapes, STATISTICS)
    weights = {
        "W_enc": given["encoder.weight"],
        "W_dec": given["decoder.weight"].T,
        "b_enc": given["latent_bias"],
        "b_dec": given["pre_bias"],
    }
    return build(path, found, weights, {"k": _k(path, found, metadata) or k or n_latents}, rounding)


@dataclass(frozen=True)
class Standardised:
    """Rows as the TopK SAEs take them, and what was taken out of each row."""

    rows: Float[Tensor, "batch d_in"]
    mean: Float[Tensor, "batch 1"]
    spread: Float[Tensor, "batch 1"]

    def undo(self, rows: Float[Tensor, "batch d_in"]) -> Float[Tensor, "batch d_in"]:
        """Reconstructed rows back in the units of the host."""
        return rows * self.spread + self.mean


@says_itself
def standardise(rows: Float[Tensor, "batch d_in"]) -> Standardised:
    """Each row less its mean, over its standard deviation; the sample's (d_in - 1), as in theirs.

    Raises InputError for anything but rows (batch, d_in) of two coordinates or more, NumericError for NaN.
    """
    check_tensor("rows", rows, "(batch, d_in)")
    if rows.ndim != 2 or rows.shape[1] < 2:
        raise InputError(
            f"rows have shape {tuple(rows.shape)}, expected (batch, d_in), d_in 2 or more: rows.flatten(0, -2)"
        )
    check_numbers("rows", rows)
    mean = rows.mean(dim=1, keepdim=True)
    spread = (rows - mean).std(dim=1, keepdim=True)
    return Standardised((rows - mean) / (spread + EPSILON), mean, spread)


def _k(path: Path, architecture: str, metadata: dict[str, str]) -> int:
    """k of a TopK file, 0 for the others. Raises CheckpointError if it is no number, or if codes could be negative."""
    if architecture != "topk":
        return 0
    if metadata.get("postact_fn", "ReLU") != "ReLU":
        raise CheckpointError(f"{path}: metadata postact_fn = {metadata['postact_fn']!r}, expected 'ReLU'")
    text = metadata.get("k", "")
    return whole(path, {"k": int(text) if text.isdigit() else text or None}, "k")
