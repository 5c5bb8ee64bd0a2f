"""dictionary_learning's folder: `config.json` and the weights, `ae.safetensors` (saprmarks/dictionary_learning).

It publishes the weights as `ae.pt`, a pickle, which is never loaded: the error says how to convert it. The class in
`config.json` says what the tensors mean:

| `dict_class` | ours | encoder | codes have the rows' lengths in them |
|---|---|---|---|
| AutoEncoder | relu_l1 | ReLU(encoder (x - bias)) | no |
| AutoEncoderNew | relu_l1 | ReLU(encoder x) | no |
| AutoEncoderTopK | topk | the k largest of ReLU(encoder (x - b_dec)) | no |
| BatchTopKSAE | batch_topk | above the threshold | no |
| MatryoshkaBatchTopKSAE | matryoshka | above the threshold | no |
| GatedAutoEncoder | gated | as in the paper | yes |
| JumpReluAutoEncoder | jumprelu | x W_enc + b_enc above the threshold | yes |

Shapes: encoder.weight (n_latents, d_in) and decoder.weight (d_in, n_latents); where they are called W_enc and W_dec,
(d_in, n_latents) and (n_latents, d_in).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from sae.errors import CheckpointError
from sae.interop._files import checked, k_of, read_settings, read_tensors, table, weights_in, whole
from sae.interop._layers import ROUNDING, build, shifted, wanted, with_lengths
from sae.layer import Layer
from sae.values import path_of, says_itself

CONFIG, WEIGHTS = "config.json", "ae.safetensors"


@dataclass(frozen=True)
class Form:
    """What a class of theirs stores, and how it reads rows."""

    ours: str
    vectors: dict[str, str]
    """Their names of the vectors over latents; beside them stand ours."""
    bias: str
    matrices: tuple[str, str] = ("encoder.weight", "decoder.weight")
    centred: bool = True
    """Whether the encoder sees x - bias."""
    lengths_in_codes: bool = False
    threshold: bool = False
    """Whether one threshold replaces the batch at inference."""


RELU, RAW = {"encoder.bias": "b_enc"}, ("W_enc", "W_dec")
FORMS = {
    "AutoEncoder": Form("relu_l1", RELU, "bias"),
    "AutoEncoderNew": Form("relu_l1", RELU, "decoder.bias", centred=False),
    "AutoEncoderTopK": Form("topk", RELU, "b_dec"),
    "BatchTopKSAE": Form("batch_topk", RELU, "b_dec", threshold=True),
    "MatryoshkaBatchTopKSAE": Form("matryoshka", {"b_enc": "b_enc"}, "b_dec", RAW, threshold=True),
    "GatedAutoEncoder": Form(
        "gated", {"gate_bias": "b_enc", "mag_bias": "b_mag", "r_mag": "r_mag"}, "decoder_bias", lengths_in_codes=True
    ),
    "JumpReluAutoEncoder": Form(
        "jumprelu", {"b_enc": "b_enc", "threshold": "theta"}, "b_dec", RAW, centred=False, lengths_in_codes=True
    ),
}
# Whole numbers beside the weights; `k` is compared with the config's.
COUNTS = ("k", "group_sizes")


@says_itself
def read(
    folder: str | os.PathLike[str],
    architecture: str | None = None,
    *,
    k: int | None = None,
    rounding: float = ROUNDING,
) -> Layer:
    """The SAE in `folder`, for raw rows; codes as theirs.

    `k`: for classes without one, what further training would steer to; None means n_latents. `rounding`: how far
    decoder lengths may differ, as a share, and still count as one.
    Raises CheckpointError for a folder that is not whole or not converted, a class that is not in the table, or not
    of `architecture`.
    """
    folder, k = path_of("folder", folder), k_of(k)
    path, settings = weights_in(folder, WEIGHTS), folder / CONFIG
    trainer = table(settings, read_settings(settings), "trainer")
    kind = trainer.get("dict_class")
    form = FORMS.get(kind) if isinstance(kind, str) else None
    if form is None:
        raise CheckpointError(f"{settings}: trainer.dict_class = {kind!r}, expected one of {', '.join(FORMS)}")
    wanted(settings, form.ours, architecture)
    d_in, n_latents = whole(settings, trainer, "activation_dim"), whole(settings, trainer, "dict_size")
    encoder, decoder = form.matrices
    wide, tall = (d_in, n_latents), (n_latents, d_in)
    shapes: dict[str, tuple[int, ...]] = {form.bias: (d_in,), **dict.fromkeys(form.vectors, (n_latents,))}
    shapes |= {encoder: wide, decoder: tall} if form.matrices == RAW else {encoder: tall, decoder: wide}
    if form.threshold:
        shapes["threshold"] = ()
    tensors, _ = read_tensors(path)
    # AutoEncoderTopK keeps a threshold too, and encodes without it
    found = checked(path, tensors, shapes, (*COUNTS, "threshold") if kind == "AutoEncoderTopK" else COUNTS)
    turned = form.matrices == RAW
    weights = {
        "W_enc": found[encoder].T if turned else found[encoder],
        "W_dec": found[decoder] if turned else found[decoder].T,
        "b_dec": found[form.bias],
        **{name: found[theirs] for theirs, name in form.vectors.items()},
    }
    if "theta" in weights:
        # below 0 a threshold never cuts: their ReLU does
        weights["theta"] = weights["theta"].clamp(min=0)
    if form.threshold:
        weights["threshold"] = found["threshold"]
    if not form.centred:
        weights = shifted(weights)
    if form.lengths_in_codes:
        weights = with_lengths(weights)
    return build(path, form.ours, weights, _options(path, settings, form, tensors, trainer, k), rounding)


def _options(
    path: Path, settings: Path, form: Form, tensors: dict[str, Tensor], trainer: dict[str, Any], k: int | None
) -> dict[str, Any]:
    """Options of our architecture. Raises CheckpointError where config and weights disagree."""
    n_latents = whole(settings, trainer, "dict_size")
    if form.ours not in ("topk", "batch_topk", "matryoshka"):
        return {"k": n_latents if k is None else k}
    options: dict[str, Any] = {"k": whole(settings, trainer, "k")}
    stored = tensors["k"].flatten().tolist() if "k" in tensors else [options["k"]]
    asked = options["k"] if k is None else k
    if stored != [options["k"]] or asked != options["k"]:
        raise CheckpointError(f"{path}: k = {stored}, in {settings.name} k = {options['k']}, asked for as {k}")
    if form.ours == "matryoshka":
        sizes = tensors["group_sizes"].flatten().tolist() if "group_sizes" in tensors else []
        if not sizes or min(sizes) < 1 or sum(sizes) != n_latents:
            raise CheckpointError(f"{path}: group_sizes = {sizes}, expected whole numbers that add up to {n_latents}")
        options["prefixes"] = [sum(sizes[: i + 1]) / n_latents for i in range(len(sizes))]
    return options
