"""A host and its tower as a page of the site runs them, in one file with a manifest.

`trained` is the network of one seed, `random` its twin as it was drawn. What a page computes from an image is all in
the file, in the order in which it is needed: the host up to the hook, the encoder of every depth with its normaliser
folded in, directions in the host's layer (so that a latent of any depth is steered, and its depth decoded, in one
step), the rest of the host. A latent that fires on no image of the data set is left out: the codes of all of them stay
as they are. Matrices have twelve bits as long as the file holds at most 2 MB; where it would not, the higher depths,
on which least depends, have eight.

The manifest holds the outputs that PyTorch gives for five held-out images from the weights as they stand in the file,
and, of all held-out images, how many answers and codes the rounding changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from analysis.plan import edges, plugins
from analysis.plan.edges import HOST
from analysis.plan.paths import Paths
from analysis.plan.stage_configs import ActivationsStage
from analysis.plan.stage_folders import MANIFEST, damage, read_manifest
from analysis.results.tables import Results
from analysis.run.datasets._dataset import Dataset
from analysis.run.hosts.mlp import Mlp
from analysis.run.stages._load import examples_of, load_host, load_tower
from analysis.run.web_format import Floats, Writer, read, size
from sae.architectures.topk import TopK
from sae.errors import ConfigError, NotFoundError, StageError
from sae.nulls import random_directions
from sae.seeding import stream
from sae.tower import Tower

FORMAT, VERSION = "strata web network", 1
MOST_BYTES = 2_000_000
CONTROLS = {"trained": "none", "random": "random_host"}
"""What a network's files are called, and which of the tables' controls it is."""
DIRECTIONS = 30
"""Random directions, beside which a steered latent stands."""
PER_CLASS = 2
TESTED = 5
TOLERANCE = 2e-3
"""Largest difference from PyTorch at which a page goes on, for numbers of up to about 30."""
# As MNIST was made: the ink fits a box of 20 pixels, and its centre of mass is the centre of the image.
BOX = 20


@dataclass(frozen=True)
class Given:
    """One network of a run, as its stages left it."""

    network: str
    run: str
    seed: int
    host: Mlp
    dataset: Dataset
    hook: str
    tower: Tower

    @cached_property
    def states(self) -> dict[str, Tensor]:
        """(rows, width) of each split: what the host has at the hook."""
        return {s: self.host.activations(examples_of(self.dataset, s)[0], self.hook) for s in ("train", "held_out")}

    @cached_property
    def codes(self) -> dict[str, list[Tensor]]:
        """By split and depth: (rows, latents)."""
        return {s: [c.dense() for c in self.tower.all_codes(x, self.tower.depth)] for s, x in self.states.items()}

    @cached_property
    def live(self) -> list[Tensor]:
        """By depth the numbers of the latents that fire on any image."""
        both = zip(self.codes["train"], self.codes["held_out"], strict=True)
        return [((a > 0).any(0) | (b > 0).any(0)).nonzero().flatten() for a, b in both]


def given(results: Results, paths: Paths, seed: int, kind: str, network: str) -> Given:
    """What the run of `seed` trained. Raises NotFoundError for a seed or a network that is not there, ConfigError for
    what a page cannot run, StageError for stages that are not here or not as they were written."""
    plugins.load(paths)
    experiment, rows = results.experiment, results.runs
    if kind != "latents":
        raise ConfigError(
            f"--kind {kind}: only towers on latents can be exported: their codes are functions of an image"
        )
    if seed not in set(rows["seed"]):
        raise NotFoundError(f"seed of {experiment}", str(seed), [str(one) for one in sorted(set(rows["seed"]))])
    rows = rows[(rows["seed"] == seed) & (rows["control"] == CONTROLS[network])]
    if rows.empty:
        raise NotFoundError(f"network of {experiment}, seed {seed},", network, [])
    row = rows.iloc[0]
    folder = paths.runs / "measures" / str(row["measures"])
    inputs = {
        edges.Role.parse(name): paths.runs / at for name, at in _sound(folder, experiment, paths)["inputs"].items()
    }
    planned = sorted(role.depth for role in inputs if (role.part, role.kind) == ("tower", kind))
    if not planned:
        raise ConfigError(f"{experiment} has no tower on latents: nothing to export")
    layers = [inputs[edges.tower("latents", depth)] for depth in planned]
    for one in (inputs[HOST], inputs[edges.ACTIVATIONS], *layers):
        _sound(one, experiment, paths)
    host, dataset = load_host(inputs[HOST])
    tower = load_tower("latents", layers)
    _check(experiment, host, dataset, tower)
    assert isinstance(host, Mlp)
    return Given(
        network, str(row["run"]), seed, host, dataset, ActivationsStage.read(inputs[edges.ACTIVATIONS]).hook, tower
    )


def _sound(folder: Path, experiment: str, paths: Paths) -> dict[str, Any]:
    """The manifest of a stage, every file of which is as it was written. Raises StageError."""
    if not (folder / MANIFEST).exists():
        raise StageError(f"{paths.relative(folder)} is not here: `strata run {experiment}` makes it")
    if found := damage(folder):
        raise StageError(f"{found}; `strata run {experiment}` makes it again")
    return read_manifest(folder)


def _check(experiment: str, host: object, dataset: Dataset, tower: Tower) -> None:
    """Raises ConfigError for what a page cannot run."""
    others = sorted({layer.architecture for layer in tower.layers if not isinstance(layer.sae, TopK)})
    labels = dataset.classes is not None
    faults = {
        f"its host is {type(host).__name__}; expected the tool's mlp": type(host) is not Mlp,
        "its tower stopped before depth 1": not tower.layers,
        f"its tower is made of {', '.join(others)}; expected topk": bool(others),
        "its examples are no grey images": not dataset.are_images or len(dataset.shape) != 2,
        f"its data set {dataset.name} has no labels": not labels,
    }
    for fault, there in faults.items():
        if there:
            raise ConfigError(f"{experiment} cannot be exported: {fault}")


class Network:
    """What stands in a file, as PyTorch runs it: the numbers that a page must give."""

    def __init__(self, manifest: dict[str, Any], tensors: dict[str, Floats]) -> None:
        self.manifest = manifest
        self.at = {name: torch.from_numpy(values.copy()) for name, values in tensors.items()}

    def state(self, pixels: Tensor) -> Tensor:
        """Images (rows, height, width) in 0..255 -> (rows, width) at the hook."""
        return self._run(pixels.float().flatten(1) / 255, 0, self.manifest["host"]["hook_after"])

    def logits(self, state: Tensor) -> Tensor:
        """(rows, width) at the hook -> (rows, classes)."""
        return self._run(state, self.manifest["host"]["hook_after"], self.manifest["host"]["layers"])

    def _run(self, rows: Tensor, first: int, last: int) -> Tensor:
        for layer in range(first, last):
            rows = rows @ self.at[f"host.{layer}.weights"] + self.at[f"host.{layer}.bias"]
            rows = torch.relu(rows) if layer < self.manifest["host"]["layers"] - 1 else rows
        return rows

    def codes(self, state: Tensor) -> list[Tensor]:
        """By depth: (rows, kept latents)."""
        found, rows = [], state
        for depth in self.manifest["depths"]:
            pre = rows @ self.at[f"depth.{depth['depth']}.encoder"] + self.at[f"depth.{depth['depth']}.bias"]
            top = pre.topk(depth["k"], 1)
            found.append(torch.zeros_like(pre).scatter_(1, top.indices, torch.relu(top.values)))
            rows = found[-1]
        return found

    def decoded(self, codes: Tensor, depth: int) -> Tensor:
        """(rows, kept latents) of a depth -> (rows, width) at the hook."""
        return self.at[f"depth.{depth}.offset"] + codes @ self.at[f"depth.{depth}.directions"]


def encoded(one: Given, names: list[list[str | None]]) -> tuple[dict[str, Any], bytes]:
    """Manifest and file of a network; `names` by depth, of every latent. Raises ConfigError for one of over 2 MB."""
    writer = Writer()
    first = list(one.host.hooks()).index(one.hook) + 1
    for number, module in enumerate(one.host.layers):
        assert isinstance(module, torch.nn.Linear)
        writer.add(f"host.{number}.weights", _numpy(module.weight.T), "i12")
        writer.add(f"host.{number}.bias", _numpy(module.bias))
    width = one.states["train"].shape[1]
    unit = random_directions(DIRECTIONS, width, stream(one.seed, "directions of a page"))
    writer.add("random_directions", _numpy(unit), "i8", 0)
    rows = examples_of(one.dataset, "held_out")[0]
    chosen = tested(one.dataset)
    writer.add("test.pixels", rows[chosen].numpy(), "u8")
    below: Tensor = torch.arange(width)
    parts = []
    for depth, (layer, kept) in enumerate(zip(one.tower.layers, one.live, strict=True), 1):
        assert isinstance(layer.sae, TopK)
        scale, weights = layer.normaliser.scale, layer.sae.W_enc.detach()
        bias = layer.sae.b_enc.detach() - weights @ (layer.normaliser.mean / scale + layer.sae.bias())
        mapped = one.tower.host_map(depth)
        assert mapped is not None, "a tower on latents is affine"
        parts.append((weights[kept][:, below].T / scale, bias[kept], mapped[0][kept], mapped[1]))
        below = kept
    fixed = len(writer.content) + sum(_rest(*part) for part in parts)
    dtypes = bits([part[0].shape for part in parts], MOST_BYTES - fixed)
    depths = []
    for depth, (part, dtype, kept) in enumerate(zip(parts, dtypes, one.live, strict=True), 1):
        encoder, bias, directions, offset = part
        writer.add(f"depth.{depth}.encoder", _numpy(encoder), dtype)
        writer.add(f"depth.{depth}.bias", _numpy(bias))
        writer.add(f"depth.{depth}.directions", _numpy(directions), "i8", 0)
        writer.add(f"depth.{depth}.offset", _numpy(offset))
        sae = one.tower.layers[depth - 1].sae
        k = min(int(sae.k), len(kept))
        called = [names[depth - 1][latent] for latent in kept.tolist()] if names else [None] * len(kept)
        depths.append({"depth": depth, "k": k, "width": sae.n_latents, "latents": kept.tolist(), "names": called})
    if len(writer.content) > MOST_BYTES:
        raise ConfigError(
            f"the {one.network} network and its tower hold {len(writer.content):,} bytes, more than the "
            f"{MOST_BYTES:,} that a reader should wait for: a narrower host or tower can be exported"
        )
    manifest = {
        "format": FORMAT, "version": VERSION, "network": one.network, "run": one.run, "seed": one.seed,
        "control": CONTROLS[one.network], "kind": one.tower.kind, "file": f"{one.network}.bin",
        "bytes": len(writer.content), "sha256": writer.sha256, "dataset": one.dataset.name,
        "classes": list(one.dataset.class_names),
        "preprocessing": {"height": rows.shape[1], "width": rows.shape[2], "divisor": 255, "box": BOX},
        "host": {"name": "mlp", "hook": one.hook, "hook_after": first, "layers": len(one.host.layers)},
        "state_length": float(one.states["train"].norm(dim=1).mean()),
        "depths": depths, "tensors": writer.tensors,
    }  # fmt: skip
    network = Network(manifest, read(manifest, bytes(writer.content)))
    return manifest | _outputs(one, network) | {"rounding": _rounding(one, network, rows)}, bytes(writer.content)


def bits(shapes: list[tuple[int, ...]], left: int) -> list[str]:
    """The dtype of each encoder, from depth 1 up: twelve bits where those above have at least eight in what is left."""
    found = []
    for place, shape in enumerate(shapes):
        rest = sum(size("i8", *other) for other in shapes[place + 1 :])
        found.append("i12" if size("i12", *shape) + rest <= left else "i8")
        left -= size(found[-1], *shape)
    return found


def _rest(encoder: Tensor, bias: Tensor, directions: Tensor, offset: Tensor) -> int:
    """Bytes of what a depth has beside its encoder."""
    single = 2 * len(bias) + len(directions) + len(offset)  # scales of both matrices among them
    return size("f32", single) + size("i8", *directions.shape)


def _outputs(one: Given, network: Network) -> dict[str, Any]:
    """What the network gives for the images that a page tests itself on: codes as pairs (kept latent, value)."""
    rows, _, ids = examples_of(one.dataset, "held_out")
    chosen = tested(one.dataset)
    state = network.state(rows[chosen])
    codes = [[_pairs(row) for row in depth] for depth in network.codes(state)]
    return {
        "test": {
            "examples": ids[chosen].tolist(),
            "logits": network.logits(state).tolist(),
            "codes": codes,
            "tolerance": TOLERANCE,
        }
    }


def _pairs(row: Tensor) -> list[list[float]]:
    """Which latents of a row fire, and how strongly."""
    return [[place, float(row[place])] for place in row.nonzero().flatten().tolist()]


def _rounding(one: Given, network: Network, rows: Tensor) -> dict[str, Any]:
    """What rounding the weights changes, over all held-out images."""
    exact, state = one.states["held_out"], network.state(rows)
    same = network.logits(state).argmax(1) == one.host.logits_from(exact, one.hook).argmax(1)
    found: dict[str, Any] = {
        "images": len(rows),
        "same_answer": int(same.sum()),
        "same_latents": [],
        "median_error": [],
    }
    for kept, true, codes in zip(one.live, one.codes["held_out"], network.codes(state), strict=True):
        true = true[:, kept]
        found["same_latents"].append(int(((true > 0) == (codes > 0)).all(1).sum()))
        found["median_error"].append(float((true - codes).abs().amax(1).median()))
    return found


def digits_of(dataset: Dataset) -> list[tuple[int, int]]:
    """The place among the held-out images, and the class, of the first `PER_CLASS` of every class, class by class."""
    labels = examples_of(dataset, "held_out")[1]
    assert labels is not None
    return [(int(at), c) for c in range(dataset.n_classes) for at in (labels == c).nonzero().flatten()[:PER_CLASS]]


def tested(dataset: Dataset) -> list[int]:
    """The places of the images on which a page tests itself: five of those, evenly spaced."""
    found = digits_of(dataset)
    return [found[int(place)][0] for place in np.unique(np.linspace(0, len(found) - 1, TESTED).astype(int))]


def _numpy(values: Tensor) -> Floats:
    found: Floats = values.detach().numpy().astype(np.float32)
    return found
