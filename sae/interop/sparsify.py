"""sparsify's folder: `cfg.json` and `sae.safetensors` (EleutherAI/sparsify, `sparse_coder.py`; package eai-sparsify).

    top   = TopK(ReLU(encoder.weight (x - b_dec) + encoder.bias))
    x_hat = top W_dec + b_dec

Shapes: encoder.weight and W_dec (n_latents, d_in), encoder.bias (n_latents), b_dec (d_in): ours, under other names.
Transcoders, skip connections and the group-wise maximum are not SAEs of ours and are refused.
"""

from __future__ import annotations

from pathlib import Path

from sae.interop._files import checked, insist, read_settings, read_tensors, weights_in, whole
from sae.interop._layers import ROUNDING, build, wanted
from sae.layer import Layer

NAMES = {"encoder.weight": "W_enc", "encoder.bias": "b_enc", "W_dec": "W_dec", "b_dec": "b_dec"}

# Folders from before the setting existed (versions below 1.0) are all TopK.
ONLY = {"activation": ("topk",), "transcode": (False,), "skip_connection": (False,), "signed": (False,)}


def read(folder: Path, architecture: str | None = None, *, rounding: float = ROUNDING) -> Layer:
    """The TopK SAE in `folder`; rows and codes in its own units (normaliser: mean 0, scale 1).

    `rounding`: how far decoder lengths may differ, as a share, and still count as one; a folder in bfloat16 needs
    about 1e-2. Codes are not touched by it, reconstructions change by that share at most.
    Raises CheckpointError for a folder that is not whole, not TopK, or not of `architecture`.
    """
    wanted(folder, "topk", architecture)
    settings, weights = folder / "cfg.json", weights_in(folder, "sae.safetensors")
    cfg = read_settings(settings)
    insist(settings, cfg, ONLY, "only TopK autoencoders can be read")
    d_in = whole(settings, cfg, "d_in")
    # 0 latents: expansion_factor times d_in
    n_latents = whole(settings, cfg, "num_latents") if cfg.get("num_latents") else 0
    n_latents = n_latents or d_in * whole(settings, cfg, "expansion_factor")
    wide, tall = (n_latents, d_in), (n_latents,)
    shapes = {"encoder.weight": wide, "encoder.bias": tall, "W_dec": wide, "b_dec": (d_in,)}
    found = checked(weights, read_tensors(weights)[0], shapes)
    k = whole(settings, cfg, "k")
    return build(weights, "topk", {ours: found[name] for name, ours in NAMES.items()}, {"k": k}, rounding)
