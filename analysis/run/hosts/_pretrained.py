"""Weights that were trained before: a safetensors file, and beside it NAME.json, which says what they are.

The manifest is an object with `sha256` (of the weights' file), `layers`, `width`, `context` and `tokeniser_sha256`;
what else it holds is for readers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.plan import paths
from analysis.run.hosts._followed import Checkpoints
from analysis.run.text import tokenisers
from analysis.system.digests import digest
from sae.errors import CheckpointError, ConfigError, DataError

if TYPE_CHECKING:
    from torch import Tensor

SIZES = ("layers", "width", "context")
SCALING = "scaling.json"


@dataclass(frozen=True)
class Pretrained:
    """Weights whose file was found to be what its manifest says."""

    path: Path
    said: Mapping[str, Any]
    """The manifest."""

    def read(self, like: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The tensors in float32, of the names and shapes of `like`. Raises DataError for others."""
        from sae.files import read_safetensors

        try:
            found, _ = read_safetensors(self.path)
        except CheckpointError as error:
            raise DataError(f"{error}; get it again") from error
        for name in sorted({*like, *found}):
            here, there = (tuple(part[name].shape) if name in part else "missing" for part in (found, like))
            if here != there:
                raise DataError(f"{self.path}: tensor {name} is {here}; expected {there}")
        return {name: value.float() for name, value in found.items()}


def checkpoints(weights: Path, **sizes: int) -> list[Checkpoints]:
    """What `scaling.json` beside the weights tells of their training, and of other sizes; empty without one. Those of
    `sizes` come first. Raises DataError for a file that cannot be read, or does not have them."""
    path = weights.with_name(SCALING)
    if not path.is_file():
        return []
    try:
        told = json.loads(path.read_text(encoding="utf-8"))["sizes"]
        found = [
            (
                all(one[name] == value for name, value in sizes.items()),
                Checkpoints(
                    str(one["size"]),
                    tuple(float(point["flops"]) for point in one["points"]),
                    tuple(float(point["held_out_loss"]) for point in one["points"]),
                ),
            )
            for one in told
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} cannot be read: {type(error).__name__}: {error}; get it again") from error
    own = [curve for mine, curve in found if mine]
    if len(own) != 1:
        raise DataError(f"{path}: {len(own)} of its sizes are that of {weights.name}; expected one")
    return own + [curve for mine, curve in found if not mine]


def pretrained(weights: Any, tokeniser: str, **sizes: int) -> Pretrained:
    """The weights that the option names, for a host of these sizes and this tokeniser. Raises DataError where they are
    missing, altered, or were trained on another tokeniser's ids; ConfigError for other sizes."""
    if not isinstance(weights, str):
        raise ConfigError(f"host option weights = {weights!r}: must be the path of a safetensors file, as text")
    path = paths.find().root / weights  # as `analysis.plan.weights` finds it, which makes it part of a run's key
    said = _manifest(path)
    found = _digest(path)
    if found != said["sha256"]:
        raise DataError(
            f"{path}: sha256 {found[:12]}..., {path.with_suffix('.json').name} says {said['sha256'][:12]}...; get both "
            "again"
        )
    for name, value in sizes.items():
        if said[name] != value:
            raise ConfigError(f"host option {name} = {value}: the weights in {weights} have {said[name]}")
    own = tokenisers.fingerprint(tokeniser)
    if own is not None and own != said["tokeniser_sha256"]:
        raise DataError(
            f"{path}: trained on ids of a tokeniser of sha256 {said['tokeniser_sha256'][:12]}...; the one here, "
            f"{tokeniser}, has {own[:12]}...: train it again, or get both again"
        )
    return Pretrained(path, said)


def _manifest(path: Path) -> dict[str, Any]:
    place = path.with_suffix(".json")
    for file in (path, place):
        if not file.is_file():
            raise DataError(
                f"{file} is not there; `weights` names a safetensors file with its manifest, {place.name}, beside it: "
                "get both, or leave `weights` out to train the host"
            )
    try:
        said = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{place} cannot be read as JSON ({error}); get it again") from error
    kinds: dict[str, type] = {"sha256": str, "tokeniser_sha256": str} | dict.fromkeys(SIZES, int)
    for name, kind in kinds.items():
        if not isinstance(said, dict) or type(said.get(name)) is not kind:
            raise DataError(f"{place}: expected an object with `{name}`, {kind.__name__}; get it again")
    return dict(said)


def _digest(path: Path) -> str:
    try:
        return digest(path)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}; get it again") from error
