"""SAELens's folder, version 6: `cfg.json` and `sae_weights.safetensors` (SAELens `saes/sae.py`, `save_model`).

    pre = (x - b_dec) W_enc + b_enc      x_hat = codes W_dec + b_dec      W_enc (d_in, d_sae), W_dec (d_sae, d_in)

| ours | `architecture` in cfg.json | tensors besides W_enc, W_dec, b_dec |
|---|---|---|
| relu_l1 | standard | b_enc |
| topk, abs_topk, archetypal | topk | b_enc |
| jumprelu | jumprelu | b_enc, threshold |
| gated | gated | b_gate, b_mag, r_mag |
| batch_topk | jumprelu | b_enc, threshold |
| matryoshka | jumprelu | b_enc, threshold |
| matching_pursuit | matching_pursuit | none, and no W_enc |

Written weights take raw rows and give raw reconstructions: the normaliser is folded into W_enc, W_dec and b_dec. The
codes are ours, in normalised units, so that decoder rows have the length of the normaliser's scale; read again, that
length becomes the scale. At a cut (k-th place, threshold) rounding may decide otherwise than before, as it may in any
other order of summation. The batch-wise two are written in their inference form, as SAELens does, and come back as
jumprelu; a training checkpoint (batchtopk, matryoshka_batchtopk, with `topk_threshold`) is read as what it is.
AbsTopK, with its two latents a direction, and the archetypal SAE give the codes of a TopK SAE, and come back as one.
Matching pursuit needs directions of length 1 for rows as they are, so that its codes are in the units of the rows:
ours times the normaliser's scale. It is written to take k steps whatever is left, and one that may stop before is not
read.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from torch import Tensor

from sae.errors import CheckpointError
from sae.files import drop, one_line, place, staged_safetensors, staged_text, unwritten
from sae.interop._files import checked, insist, k_of, read_settings, read_tensors, switch, table, weights_in, whole
from sae.interop._layers import COMPETE, ROUNDING, build, shifted, wanted, with_lengths
from sae.layer import Layer
from sae.values import path_of, says_itself

CFG, WEIGHTS = "cfg.json", "sae_weights.safetensors"

READ_AS = {
    "standard": "relu_l1",
    "topk": "topk",
    "jumprelu": "jumprelu",
    "gated": "gated",
    "batchtopk": "batch_topk",
    "matryoshka_batchtopk": "matryoshka",
    "matching_pursuit": "matching_pursuit",
}
TRAINED_AS = {ours: theirs for theirs, ours in READ_AS.items()}
WRITTEN_AS = TRAINED_AS | {"batch_topk": "jumprelu", "matryoshka": "jumprelu", "abs_topk": "topk", "archetypal": "topk"}

# Their names of the vectors over latents; beside them stand ours.
VECTORS = {
    "standard": {"b_enc": "b_enc"},
    "topk": {"b_enc": "b_enc"},
    "jumprelu": {"b_enc": "b_enc", "threshold": "theta"},
    "gated": {"b_gate": "b_enc", "b_mag": "b_mag", "r_mag": "r_mag"},
    "batchtopk": {"b_enc": "b_enc"},
    "matryoshka_batchtopk": {"b_enc": "b_enc"},
    "matching_pursuit": {},
}
ONLY = {
    "normalize_activations": ("none", False, None),
    "reshape_activations": ("none", "hook_z"),
    "finetuning_scaling_factor": (False, None),
}
# Of matching pursuit: what makes it take k steps, and what SAELens takes where a folder does not say.
STEPS = {"residual_threshold": (0, 0.0), "stop_on_duplicate_support": (False,)}
STEPS_UNSAID = {"residual_threshold": 1e-2, "stop_on_duplicate_support": True}
# What `metadata.sae_lens_version` has to be at least, for SAELens not to take the folder for one of version 5.
FORMAT = "6.0.0"


def refusal(architecture: str) -> str:
    """Why `write` refuses a layer of this architecture, in one line; empty if it does not."""
    if architecture in WRITTEN_AS:
        return ""
    return f"SAELens has no {architecture!r}; can be written: {', '.join(sorted(WRITTEN_AS))}"


@says_itself
def write(layer: Layer, folder: str | os.PathLike[str], metadata: dict[str, Any] | None = None) -> None:
    """Write `layer` so that `sae_lens.SAE.load_from_disk(folder)` gives the same codes and reconstructions.

    `metadata` goes into cfg.json beside ours, e.g. `{"hook_name": "blocks.8.hook_resid_pre"}`. Both files are made
    first and put in their places last, cfg.json after the weights: a folder that has it is whole. Raises
    CheckpointError, and leaves what is in the folder as it is, for an architecture that SAELens does not have, for
    weights that are not finite, for metadata that JSON cannot say, and where nothing can be written.
    """
    folder = path_of("folder", folder)
    if refused := refusal(layer.architecture):
        raise CheckpointError(refused)
    given = {} if metadata is None else metadata
    if not isinstance(given, dict):
        raise CheckpointError(f"metadata = {given!r}, expected a dict")
    kind, sae, options = WRITTEN_AS[layer.architecture], layer.sae, layer.sae.options()
    tensors = _folded(layer)
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    tensors = {name: t.float().contiguous() for name, t in checked(folder / WEIGHTS, tensors, shapes).items()}
    details = {"k": sae.k}
    if layer.architecture == "matryoshka":
        details["matryoshka_widths"] = sae.widths()  # type: ignore[attr-defined]  # of this architecture only
    cfg: dict[str, Any] = {
        "architecture": kind,
        "d_in": sae.d_in,
        "d_sae": sae.n_latents,
        "dtype": "float32",
        "device": "cpu",
        "apply_b_dec_to_input": True,
        "normalize_activations": "none",
        "reshape_activations": "none",
        "metadata": {
            **given,
            "sae_lens_version": FORMAT,
            "sae_lens_training_version": None,
            "exported_by": "strata",
            "training_architecture": TRAINED_AS.get(layer.architecture, kind),
            "training_architecture_details": details,
        },
    }
    if kind == "topk":
        cfg |= {"k": options["k"], "rescale_acts_by_decoder_norm": False}
    if kind == "matching_pursuit":
        cfg |= {name: allowed[-1] for name, allowed in STEPS.items()} | {"max_iterations": sae.k}
    try:
        text = json.dumps(cfg, indent=2, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{folder / CFG}: the metadata cannot be written as JSON: {one_line(error)}") from error
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritten(folder, error) from error
    weights = staged_safetensors(folder / WEIGHTS, tensors)
    try:
        settings = staged_text(folder / CFG, text)
    except CheckpointError:
        drop(weights)
        raise
    (folder / CFG).unlink(missing_ok=True)  # old settings must not stand beside new weights
    place(folder / WEIGHTS, weights)
    place(folder / CFG, settings)


@says_itself
def read(
    folder: str | os.PathLike[str],
    architecture: str | None = None,
    *,
    k: int | None = None,
    rounding: float = ROUNDING,
) -> Layer:
    """The SAE in `folder`, for raw rows; codes as SAELens has them, unless decoder lengths differ (`_layers`).

    `architecture`: refuse any other; where the folder states none (from before SAELens did), it decides, and has to
    be given. `k`: of standard, gated and jumprelu what further training would steer to, None means the file's own,
    else n_latents; of topk what a folder that states none has. `rounding`: how far decoder lengths may differ, as a
    share, and count as one.
    Raises CheckpointError for a folder that is not whole, settings that a `Layer` cannot follow, an architecture that
    is not ours, or another than `architecture`.
    """
    folder, k = path_of("folder", folder), k_of(k)
    settings, weights = folder / CFG, weights_in(folder, WEIGHTS)
    cfg = read_settings(settings)
    kind = _kind(settings, cfg, architecture)
    wanted(settings, READ_AS[kind], architecture)
    insist(settings, cfg, ONLY, "a layer has one mean and one scale, which the weights must already contain")
    d_in, n_latents = whole(settings, cfg, "d_in"), whole(settings, cfg, "d_sae")
    shapes: dict[str, tuple[int, ...]] = {"W_enc": (d_in, n_latents), "W_dec": (n_latents, d_in), "b_dec": (d_in,)}
    shapes |= dict.fromkeys(VECTORS[kind], (n_latents,))
    if kind == "matching_pursuit":
        insist(settings, STEPS_UNSAID | cfg, STEPS, "a layer takes k steps, whatever is left")
        del shapes["W_enc"]
    batchwise = kind in ("batchtopk", "matryoshka_batchtopk")
    if batchwise:
        shapes["topk_threshold"] = ()
    tensors, _ = read_tensors(weights)
    # version 5 saved ones beside every SAE, used or not
    if "scaling_factor" in tensors and bool((tensors["scaling_factor"] == 1).all()):
        del tensors["scaling_factor"]
    found = checked(weights, tensors, shapes)
    if kind == "matching_pursuit":
        reads = switch(settings, cfg, "apply_b_dec_to_input", True)
        ours = {"W_dec": found["W_dec"], "b_dec": found["b_dec"] * reads}  # their decoder has no bias without
        return build(weights, READ_AS[kind], ours, _options(settings, cfg, kind, k), rounding)
    ours = {"W_enc": found["W_enc"].T, "W_dec": found["W_dec"], "b_dec": found["b_dec"]}
    ours |= {name: found[theirs] for theirs, name in VECTORS[kind].items()}
    if "theta" in ours:
        # below 0 a threshold never cuts: their ReLU does
        ours["theta"] = ours["theta"].clamp(min=0)
    if batchwise:
        ours["threshold"] = found["topk_threshold"]
    if not switch(settings, cfg, "apply_b_dec_to_input", True):
        ours = shifted(ours)
    if switch(settings, cfg, "rescale_acts_by_decoder_norm", False) and READ_AS[kind] in COMPETE:
        # they rank pre * length and divide by the length again when they decode
        ours = with_lengths(ours)
    return build(weights, READ_AS[kind], ours, _options(settings, cfg, kind, k), rounding)


def _folded(layer: Layer) -> dict[str, Tensor]:
    """The tensors to write, in float64. With B = scale b_dec + mean, (x - B) / scale is what our encoder sees, so that
    biases and thresholds stay as they are."""
    state = {name: value.detach().cpu().double() for name, value in layer.sae.state_dict().items()}
    mean, scale = layer.normaliser.mean.cpu().double(), layer.normaliser.scale
    decoder, kind = state["W_dec"], WRITTEN_AS[layer.architecture]
    if kind == "matching_pursuit":
        return {"W_dec": decoder, "b_dec": state["b_dec"] * scale + mean}
    encoder = state["W_enc"]
    if layer.sae.options().get("norm", "unit") != "unit":
        # rows of any length: our codes have the length in them
        lengths = decoder.norm(dim=1)
        encoder, decoder = encoder * lengths[:, None], decoder / lengths[:, None]
        state["b_enc"] = state["b_enc"] * lengths
    if "threshold" in state:
        state["theta"] = state["threshold"].clamp(min=0).expand(layer.sae.n_latents)
    tensors = {"W_enc": encoder.T / scale, "W_dec": decoder * scale, "b_dec": state["b_dec"] * scale + mean}
    return tensors | {theirs: state[ours] for theirs, ours in VECTORS[kind].items()}


@says_itself
def _kind(path: Path, cfg: dict[str, Any], architecture: str | None) -> str:
    """SAELens's word for the architecture. Raises CheckpointError where version 5 and 6 contradict each other.

    Version 5 said `standard` of a TopK SAE, with `activation_fn` beside it; read as ReLU it gives numbers that look
    right (SAELens#553). So the activation is looked at wherever it is there, and nothing is taken for ReLU by default:
    where a folder is older than any statement of it, the caller's `architecture` decides.
    """
    kind = cfg.get("architecture")
    activation = cfg.get("activation_fn") if cfg.get("activation_fn") is not None else cfg.get("activation_fn_str")
    if kind is None and activation is None:
        if isinstance(architecture, str) and architecture in TRAINED_AS:
            return TRAINED_AS[architecture]
        raise CheckpointError(
            f"{path} has neither 'architecture' nor 'activation_fn', expected one of them. Folders from before "
            "SAELens stated it (most are ReLU) are read as what you know them to be: read(folder, 'relu_l1'), or "
            f"another of {', '.join(TRAINED_AS)}"
        )
    if kind in (None, "standard") and activation == "topk":
        kind = "topk"
    kind = "standard" if kind is None else kind
    if not isinstance(kind, str) or kind not in READ_AS:
        raise CheckpointError(f"{path}: architecture = {kind!r}, expected one of {', '.join(READ_AS)}")
    if activation not in (None, "topk" if kind == "topk" else "relu"):
        raise CheckpointError(f"{path}: architecture = {kind!r} with activation_fn = {activation!r}")
    return str(kind)


def _options(path: Path, cfg: dict[str, Any], kind: str, k: int | None) -> dict[str, Any]:
    """Options of our architecture. Raises CheckpointError for a k that is missing where it decides, or no number."""
    given = table(path, cfg, "activation_fn_kwargs")
    if kind in ("topk", "batchtopk", "matryoshka_batchtopk", "matching_pursuit"):
        stated = cfg.get("k", given.get("k"))
        if kind == "matching_pursuit":
            stated = cfg["d_in"] if cfg.get("max_iterations") is None else cfg["max_iterations"]
        options: dict[str, Any] = {"k": whole(path, {"k": k if stated is None else stated}, "k")}
        if k is not None and options["k"] != k:
            raise CheckpointError(f"{path}: k = {stated!r}, asked for as k = {k}")
    else:
        metadata = table(path, cfg, "metadata")
        recorded = table(path, metadata, "training_architecture_details").get("k")
        # of a BatchTopK that became jumprelu, k may be a fraction: then it says nothing to us
        usable = isinstance(recorded, int | float) and float(recorded).is_integer() and 1 <= recorded <= cfg["d_sae"]
        options = {"k": k or (int(recorded or 0) if usable else cfg["d_sae"])}
    if kind == "matryoshka_batchtopk":
        inner = cfg.get("matryoshka_widths")
        if not isinstance(inner, list | None):
            raise CheckpointError(f"{path}: matryoshka_widths = {inner!r}, expected a list")
        inner = inner or []
        widths = sorted(
            {*(whole(path, {"matryoshka_widths": width}, "matryoshka_widths") for width in inner), cfg["d_sae"]}
        )
        options["prefixes"] = [width / cfg["d_sae"] for width in widths]
    return options
