"""sparsify's folder: `cfg.json` and `sae.safetensors` (EleutherAI/sparsify, `sparse_coder.py`; package eai-sparsify).

    top   = TopK(ReLU(encoder.weight (x - b_dec) + encoder.bias))
    x_hat = top W_dec + b_dec

Shapes: encoder.weight and W_dec (n_latents, d_in), encoder.bias (n_latents), b_dec (d_in): ours, under other names.
Transcoders, skip connections, n-gram tables and the group-wise maximum are not SAEs of ours and are refused. Folders
from before `transcode` was a setting of the SAE are named transcoders only by the run's `config.json`, in the folder
above: it is looked at where there is one.
"""

from __future__ import annotations

import os
from typing import Any

from sae.interop._files import checked, insist, read_settings, read_tensors, weights_in, whole
from sae.interop._layers import ROUNDING, build, wanted
from sae.layer import Layer
from sae.values import path_of, says_itself

WHY = "only TopK autoencoders can be read"
NAMES = {"encoder.weight": "W_enc", "encoder.bias": "b_enc", "W_dec": "W_dec", "b_dec": "b_dec"}

# Folders from before the setting existed (versions below 1.0) are all TopK.
ONLY: dict[str, tuple[Any, ...]] = {
    "activation": ("topk", None),
    "transcode": (False, None),
    "skip_connection": (False, None),
    "signed": (False, None),
    "embed_skip": (False, None),
    "gram_lookup": (False, None),
}


@says_itself
def read(folder: str | os.PathLike[str], architecture: str | None = None, *, rounding: float = ROUNDING) -> Layer:
    """The TopK SAE in `folder`; rows and codes in its own units (normaliser: mean 0, scale 1).

    `rounding`: how far decoder lengths may differ, as a share, and still count as one; by default, in
    a folder of 16-bit numbers, by what those explain. Codes are not touched by it, reconstructions change by that share
    at most.
    Raises CheckpointError for a folder that is not whole, not TopK, or not of `architecture`.
    """
    folder = path_of("folder", folder)
    wanted(folder, "topk", architecture)
    settings, weights = folder / "cfg.json", weights_in(folder, "sae.safetensors")
    cfg = read_settings(settings)
    insist(settings, cfg, ONLY, WHY)
    run = folder.absolute().parent / "config.json"
    if run.is_file():
        said = read_settings(run)
        named = {name: ONLY[name] for name in ("transcode", "skip_connection")}
        for found_there in (said, said.get("sae")):
            if isinstance(found_there, dict):
                insist(run, found_there, named, WHY)
    d_in = whole(settings, cfg, "d_in")
    # 0 latents: expansion_factor times d_in
    n_latents = whole(settings, cfg, "num_latents") if cfg.get("num_latents") else 0
    n_latents = n_latents or d_in * whole(settings, cfg, "expansion_factor")
    wide, tall = (n_latents, d_in), (n_latents,)
    shapes = {"encoder.weight": wide, "encoder.bias": tall, "W_dec": wide, "b_dec": (d_in,)}
    found = checked(weights, read_tensors(weights)[0], shapes)
    k = whole(settings, cfg, "k")
    return build(weights, "topk", {ours: found[name] for name, ours in NAMES.items()}, {"k": k}, rounding)
