"""From a file's weights to a `Layer`, whose directions have unit norm, without changing what the SAE computes.

A file's decoder rows may have any length. If all have one length c, the normaliser's scale becomes c: codes stay as
in the file. If lengths differ, each goes into its latent's encoder, threshold and biases, so that a code is then in
units of its contribution; reconstructions stay. Where latents compete for k places that would change who wins
(pre * length against pre), so that such a file is refused.

Rows of one length that were rounded to 16 bits differ by that rounding: such a file counts as one of one length, and
the layer says so (`FromFile.rounded`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sae.checkpoint import check_all_finite
from sae.discover import construct
from sae.errors import CheckpointError, ConfigError
from sae.files import one_line
from sae.layer import Layer
from sae.normaliser import Normaliser
from sae.values import real, says_itself

# Lengths that differ by this share or less count as one: float32 rows that were normalised differ by about 1e-7.
ROUNDING = 1e-5

# A unit row that was normalised in such a type and stored in it: the norm, the division and the value are each rounded.
# The coarser first: its numbers of usual size are float16's, too.
HALVES = (torch.bfloat16, torch.float16)
SPACINGS = 2.0

COMPETE = ("topk", "batch_topk", "matryoshka")
IN_CODE_UNITS = ("b_enc", "b_mag", "theta")


@dataclass(frozen=True)
class FromFile(Layer):
    """A layer as a file of another library says it."""

    rounded: str = ""
    """In words, that decoder rows count as of one length because the file's 16-bit type explains how far they differ;
    empty where they do not differ, or nothing had to be assumed."""


@says_itself
def build(
    path: Path, architecture: str, weights: dict[str, Tensor], options: dict[str, Any], rounding: float
) -> FromFile:
    """A layer that computes what `weights` say: pre = W_enc (x - b_dec) + b_enc, x_hat = codes W_dec + b_dec.

    `weights` are named as in `sae.architectures`, W_enc and W_dec of shape (n_latents, d_in), in float64; without a
    W_enc, W_dec encodes too. The normaliser has mean 0, and gamma NaN, for a file does not say what rows the SAE was
    trained on. Where `rounding` is the default and the decoder holds 16-bit numbers, in whatever type they are stored,
    lengths may differ by what that type explains.
    Raises CheckpointError for decoder rows without a length, for lengths that differ by more than `rounding` in an
    architecture whose latents compete, or from 1 where they encode, and for options that the architecture refuses.
    """
    rounding = real("rounding", rounding, least=0, most=1)
    lengths = weights["W_dec"].norm(dim=1)
    if not bool((lengths > 0).all()):
        raise CheckpointError(f"{path}: decoder row {int(lengths.argmin())} has length 0, expected a direction")
    measured = f"{path}: decoder rows have lengths {float(lengths.min()):.6g} to {float(lengths.max()):.6g}"
    scale, folded, rounded = common_length(lengths, rounding), dict(weights), ""
    if scale is None and rounding == ROUNDING and (architecture in COMPETE or "W_enc" not in weights):
        half = half_of(weights["W_dec"])
        scale = common_length(lengths, SPACINGS * torch.finfo(half).eps) if half else None
        if scale is not None:
            rounded = f"{measured}, as far apart as {_name(half)} explains: they count as one length"
    if "W_enc" not in weights and scale != 1.0:
        raise CheckpointError(f"{measured}, expected 1: in {architecture} they encode, too")
    folded["W_dec"] = weights["W_dec"] / lengths[:, None]
    if scale is not None:
        folded |= {"W_enc": weights["W_enc"] * scale} if "W_enc" in weights else {}
        folded["b_dec"] = weights["b_dec"] / scale
    elif architecture in COMPETE:
        raise CheckpointError(
            f"{measured}, expected one length: {architecture} keeps the largest pre-activations, and lengths moved "
            "into the encoder change which those are. If they are of one length but for rounding, in Python "
            "sae.load(path, rounding=...) takes how far they may differ, as a share, and sae.checkpoint.save_layer "
            "writes what every command takes"
        )
    else:
        folded["W_enc"] = weights["W_enc"] * lengths[:, None]
        folded |= {name: weights[name] * lengths for name in IN_CODE_UNITS if name in weights}
    n_latents, d_in = weights["W_dec"].shape
    try:
        sae = construct("sae.architectures", architecture, d_in, n_latents, **options)
        # state that is not in any file (a penalty's weight) stays as at the start of training
        sae.load_state_dict(sae.state_dict() | {name: value.float() for name, value in folded.items()})
    except (ConfigError, RuntimeError) as error:
        raise CheckpointError(f"{path}: {one_line(error)}") from error
    # a threshold of 1e300, or a length of 1e-30, is finite in the file and not in float32
    check_all_finite(f"{path}: the SAE would hold", sae.state_dict())
    still = Normaliser(torch.zeros(d_in, dtype=torch.float32, device="cpu"), scale or 1.0, float("nan"))
    return FromFile(architecture, sae, still, rounded)


def half_of(weights: Tensor) -> torch.dtype | None:
    """The 16-bit type whose numbers all weights are, also where they are stored in a wider one; None for neither."""
    for half in HALVES:
        if bool((weights == weights.to(half)).all()):
            return half
    return None


def _name(half: torch.dtype | None) -> str:
    return str(half).removeprefix("torch.")


def common_length(lengths: Tensor, rounding: float) -> float | None:
    """The one length that all have, 1 if it could be 1; None if they differ by more than `rounding`."""
    if float((lengths - 1).abs().max()) <= rounding:
        return 1.0
    mean = float(lengths.mean())
    return mean if float((lengths / mean - 1).abs().max()) <= rounding else None


def shifted(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same SAE for an encoder that sees x, as the file's does, in terms of one that sees x - b_dec."""
    moved = weights["W_enc"] @ weights["b_dec"]
    found = weights | {"b_enc": weights["b_enc"] + moved}
    if "b_mag" in weights:
        found["b_mag"] = weights["b_mag"] + weights["r_mag"].exp() * moved
    return found


def with_lengths(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same SAE with decoder rows of unit norm, for a file whose codes have the rows' lengths in them: exact, also
    where latents compete by what has the lengths in it."""
    lengths = weights["W_dec"].norm(dim=1).clamp(min=torch.finfo(torch.float64).tiny)
    found = weights | {"W_enc": weights["W_enc"] * lengths[:, None], "W_dec": weights["W_dec"] / lengths[:, None]}
    return found | {name: weights[name] * lengths for name in IN_CODE_UNITS if name in weights}


@says_itself
def wanted(path: Path, found: str, architecture: str | None) -> None:
    """Raise CheckpointError if the file holds another architecture than was asked for."""
    if architecture is not None and found != architecture:
        raise CheckpointError(f"{path} holds a {found!r} SAE, asked for as {architecture!r}")
