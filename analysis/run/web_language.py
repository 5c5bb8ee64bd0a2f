"""A language model and an SAE on it as a page runs them: `union.bin` with its manifest, `tokens.json`, `latents.json`.

Matrices have eight bits a weight with a scale for each row, and those that would cost most have sixteen, so that the
loss on held-out text rises by less than `MOST_LOSS` nats in all. The SAE's normaliser is folded into its weights: the
page's codes are the layer's, and a direction is what one unit of a latent adds to the row. The manifest holds what
PyTorch gives from the weights as they stand in the file, by which a page tests itself before it shows anything.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from analysis.run.web_format import Writer, read
from analysis.run.web_latents import TURNED, described
from analysis.run.web_tokens import text_of
from analysis.run.web_union import HEAD, PageModel, noise, written
from sae.architectures.topk import TopK
from sae.errors import ConfigError, DataError
from sae.layer import Layer
from sae.temporary import replacing

FORMAT, VERSION = "strata web language model", 1
MOST_BYTES = 8_000_000
MOST_LOSS = 0.02
FAR = 10.0
"""Rows of more than that many times the median norm are no rows of the SAE's."""
TOLERANCE = 1e-3
MEASURED = 32
"""Contexts on which the loss is compared."""
BEGINNINGS = (
    "Fellow-citizens of the Senate and House of Representatives:",
    "Our relations with foreign nations",
    "Tonight I ask the Congress to",
)
PROMPTS = (
    *BEGINNINGS,
    "The war with Mexico cost 1,000,000 men",
    "na\u00efve \u201cpeace\u201d \u2014 \U0001f600\n\n\tdon't",
)
"""On which a page tests itself."""
COUNT, TEMPERATURE, SEED = 60, 0.7, 1
"""Of the text that stands there without scripts, and of the first that the page writes."""


@dataclass(frozen=True)
class Given:
    """What is exported. `encode` is the tokeniser's own, `tokens` what a page needs of it (`page_tokens`); `contexts`
    (texts, places) are token ids of text that the model was not trained on; `about` goes into the manifest as it is."""

    union: dict[str, Tensor]
    layer: Layer
    hook: str
    tokens: dict[str, Any]
    encode: Callable[[str], list[int]]
    contexts: Tensor
    names: list[str | None] = field(default_factory=list)
    about: dict[str, Any] = field(default_factory=dict)


def export(given: Given, out: Path) -> list[Path]:
    """Write the files into `out`; gives them. Raises as `encoded` does, DataError where nothing can be written."""
    manifest, content = encoded(given)
    model = PageModel(manifest, read(manifest, content))
    seen = described(model, given.contexts, given.tokens, given.names)
    manifest["sample"] = _sample(model, given, seen)
    beside = {"tokens.json": _json(given.tokens), "latents.json": _json(seen)}
    manifest["beside"] = {name: hashlib.sha256(part).hexdigest() for name, part in beside.items()}
    found = {"union.bin": content, **beside, "union.json": _json(manifest)}  # the manifest last
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, part in found.items():
            with replacing(out / name) as temporary:
                temporary.write_bytes(part)
    except OSError as error:
        raise DataError(f"cannot write into {out}: {error}") from error
    return [out / name for name in found]


def encoded(given: Given) -> tuple[dict[str, Any], bytes]:
    """Manifest and file. Raises ConfigError for a model or an SAE that a page cannot run, or of over 8 MB."""
    shape, sae = _shape(given), given.layer.sae
    if not isinstance(sae, TopK):
        raise ConfigError(f"the SAE on {given.hook} is {given.layer.architecture}; a page runs topk alone")
    matrices = {name: values for name, values in given.union.items() if values.ndim == 2 and name != "positions"}
    manifest: dict[str, Any] = {
        "format": FORMAT, "version": VERSION, "file": "union.bin", "model": shape, "about": given.about,
        "sae": {"hook": given.hook, "hook_after": _block(given.hook, shape["layers"]) + 1, "k": int(sae.k),
                "latents": sae.n_latents, "far": 1.0, "turned": TURNED},
        "start": _start(given), "beginnings": list(BEGINNINGS),
    }  # fmt: skip
    folded = _folded(given.layer)
    contexts = given.contexts[:MEASURED]
    exact = PageModel(manifest, given.union | folded)
    dtypes, rounding = _dtypes(exact, matrices, contexts)
    writer = Writer()
    for name, values in given.union.items():
        writer.add(name, _numpy(values), dtypes.get(name, "f32"), 0)
    for name, values in folded.items():
        writer.add(name, _numpy(values), "f16" if values.ndim == 2 else "f32")
    rounded = PageModel(manifest, read(manifest | _of(writer), bytes(writer.content)))
    with torch.no_grad():
        states = rounded.read(contexts)
    manifest["sae"]["far"] = round(FAR * float(states.norm(dim=-1).median()), 4)
    tests = _tests(rounded, given, writer)
    if len(writer.content) > MOST_BYTES:
        raise ConfigError(
            f"the language model and its SAE hold {len(writer.content):,} bytes, more than the {MOST_BYTES:,} that a "
            "reader should wait for: a narrower model or fewer latents can be exported"
        )
    rounding |= {
        "tokens": int(contexts[:, 1:].numel()),
        "loss": exact.loss(contexts),
        "rounded": rounded.loss(contexts),
    }
    return manifest | _of(writer) | {"rounding": rounding, "test": tests}, bytes(writer.content)


def _of(writer: Writer) -> dict[str, Any]:
    return {"bytes": len(writer.content), "sha256": writer.sha256, "tensors": writer.tensors}


def _shape(given: Given) -> dict[str, Any]:
    """Sizes of the model. Raises ConfigError for a tensor that is not there, or has another size."""
    union = given.union
    layers = len({name.split(".")[1] for name in union if name.startswith("blocks.")})
    vocabulary, width = union["embed"].shape if "embed" in union else (0, 0)
    block = {
        "ln1.weight": (width,), "ln1.bias": (width,), "ln2.weight": (width,), "ln2.bias": (width,),
        "attn.qkv.weight": (3 * width, width), "attn.qkv.bias": (3 * width,),
        "attn.out.weight": (width, width), "attn.out.bias": (width,),
        "mlp.up.weight": (4 * width, width), "mlp.up.bias": (4 * width,),
        "mlp.down.weight": (width, 4 * width), "mlp.down.bias": (width,),
    }  # fmt: skip
    wanted = {f"blocks.{n}.{name}": size for n in range(layers) for name, size in block.items()}
    wanted |= {"embed": (vocabulary, width), "ln.weight": (width,), "ln.bias": (width,)}
    for name, size in wanted.items():
        found = tuple(union[name].shape) if name in union else None
        if found != size or not layers:
            raise ConfigError(f"the model's {name} is {found or 'missing'}, expected {size}: a page runs Union alone")
    if width % HEAD or set(union) != {*wanted, "positions"}:
        extra = sorted(set(union) - set(wanted) - {"positions"})
        raise ConfigError(f"the model has width {width} and {extra or 'no positions'}: a page runs Union alone")
    if vocabulary != len(given.tokens["pieces"]) or int(given.contexts.max()) >= vocabulary:
        raise ConfigError(
            f"the model knows {vocabulary} tokens, its tokeniser {len(given.tokens['pieces'])}, and the text reaches "
            f"{int(given.contexts.max())}: one of them is another model's"
        )
    if given.layer.sae.d_in != width:
        raise ConfigError(f"the SAE reads rows of {given.layer.sae.d_in} numbers, and the model has rows of {width}")
    places = len(union["positions"])  # it is trained on contexts as long as that
    parameters = sum(values.numel() for values in union.values())
    return {
        "layers": layers,
        "width": width,
        "vocabulary": vocabulary,
        "places": places,
        "head": HEAD,
        "parameters": parameters,
    }


def _block(hook: str, layers: int) -> int:
    """The block whose output a hook is. Raises ConfigError."""
    known = [f"blocks.{n}.hook_resid_post" for n in range(layers)]
    if hook not in known:
        raise ConfigError(f"the SAE's hook is {hook!r}; a page steers {', '.join(known)}")
    return known.index(hook)


def _start(given: Given) -> list[int]:
    """A token that all texts begin with, such as one that marks a beginning."""
    first = set(given.contexts[:, 0].tolist())
    return sorted(first) if len(first) == 1 and first <= {number for _, number in given.tokens["added"]} else []


def _folded(layer: Layer) -> dict[str, Tensor]:
    """Encoder and bias that read rows as they are, and what one unit of each latent adds to a row."""
    assert isinstance(layer.sae, TopK)
    scale, encoder = layer.normaliser.scale, layer.sae.W_enc.detach()
    bias = layer.sae.b_enc.detach() - encoder @ (layer.normaliser.mean / scale + layer.sae.bias().detach())
    return {"sae.encoder": encoder / scale, "sae.bias": bias, "sae.directions": layer.sae.W_dec.detach() * scale}


def _dtypes(exact: PageModel, matrices: dict[str, Tensor], contexts: Tensor) -> tuple[dict[str, str], dict[str, Any]]:
    """The dtype of each matrix: eight bits, sixteen for those that cost most, until all cost less than `MOST_LOSS`."""

    def loss(eight: set[str]) -> float:
        writer = Writer()
        for name in matrices:
            writer.add(name, _numpy(matrices[name]), "i8" if name in eight else "f16", 0)
        made = _of(writer)
        rounded = {name: torch.from_numpy(v) for name, v in read({"file": "", **made}, bytes(writer.content)).items()}
        return PageModel(exact.manifest, exact.at | rounded).loss(contexts)

    base, eight = exact.loss(contexts), set(matrices)
    if loss(eight) - base >= MOST_LOSS:
        cost = {name: loss({name}) for name in matrices}
        for name in sorted(cost, key=lambda name: -cost[name]):
            eight.discard(name)
            if loss(eight) - base < MOST_LOSS:
                break
    dtypes = {name: "i8" if name in eight else "f16" for name in matrices}
    return dtypes | {"positions": "f16"}, {"in_eight_bits": len(eight), "matrices": len(matrices)}


def _tests(model: PageModel, given: Given, writer: Writer) -> dict[str, Any]:
    """What a page tests itself on: of each prompt its ids, the codes and logits behind its last token (in the file),
    the logits with a latent held high; some of the noise that texts are written with."""
    prompts = [(manifest_start(model) + given.encode(text))[: model.manifest["model"]["places"]] for text in PROMPTS]
    with torch.no_grad():
        rows = [model.read(torch.tensor([ids])) for ids in prompts]
        codes = [model.codes(row)[0, -1] for row in rows]
        latent = int(torch.stack(codes).sum(0).argmax())
        value = TURNED * float(torch.stack(codes)[:, latent].max())
        logits = [model.go_on(row)[0, -1] for row in rows]
        steered = [model.go_on(model.clamped(row, latent, value))[0, -1] for row in rows]
    writer.add("test.logits", _numpy(torch.stack(logits)))
    writer.add("test.steered", _numpy(torch.stack(steered)))
    return {
        "prompts": [{"text": text, "ids": ids} for text, ids in zip(PROMPTS, prompts, strict=True)],
        "codes": [[[at, float(row[at])] for at in row.nonzero().flatten().tolist()] for row in codes],
        "clamp": {"latent": latent, "value": value},
        "noise": {"seed": 7, "place": 3, "values": noise(7, 3, 4).tolist()},
        "tolerance": TOLERANCE,
    }


def manifest_start(model: PageModel) -> list[int]:
    """The token that all texts begin with, if there is one."""
    found: list[int] = model.manifest["start"]
    return found


def _sample(model: PageModel, given: Given, seen: dict[str, Any]) -> dict[str, Any]:
    """What is there without scripts: a text as the model writes it, and with the first latent on offer held high."""
    ids = manifest_start(model) + given.encode(BEGINNINGS[0])
    latent = seen["offered"][0] if seen["offered"] else 0
    held = (latent, TURNED * seen["latents"][latent]["largest"])
    plain, steered = (
        text_of(written(model, ids, COUNT, TEMPERATURE, SEED, clamp)[len(manifest_start(model)) :], given.tokens)
        for clamp in (None, held)
    )
    return {"beginning": BEGINNINGS[0], "latent": latent, "plain": plain, "steered": steered,
            "count": COUNT, "temperature": TEMPERATURE, "seed": SEED}  # fmt: skip


def _json(content: Any) -> bytes:
    return (json.dumps(content, separators=(",", ":"), ensure_ascii=False, allow_nan=False) + "\n").encode()


def _numpy(values: Tensor) -> NDArray[np.float32]:
    return values.detach().float().numpy().astype(np.float32)
