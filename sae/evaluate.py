"""Measures: what they see, what they say, and one pass that runs every measure whose needs are met.

A measure is a class in `sae.measures` with
    version   raised when its meaning changes, so that old results are never mixed with new ones
    on        "input": the rows the SAE reads; "examples": its activations on host examples
    needs     the fields of `Seen` it reads besides `codes`
    update(seen)          add a batch to its sums
    reading() -> Reading  divide once, at the end
Averages of ratios would weight batches by accident; sums divided once do not.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal, Protocol

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sae.discover import find_all
from sae.errors import InputError, NumericError
from sae.records import Codes
from sae.values import says_itself

On = Literal["input", "examples"]
# Columns of class marks that are held at once.
CLASSES_AT_ONCE = 500
ROWS = ("x", "x_hat", "host", "host_hat", "logits", "labels")
NUMBERS = ("x", "x_hat", "host", "host_hat", "logits", "directions", "references", "host_directions", "host_offset")


@says_itself
@dataclass(frozen=True, kw_only=True)
class Seen:
    """A batch as a measure sees it. None: not known here, and measures that need it are left out.

    Raises NumericError, naming the field and its first bad row (number, for a vector), where a number is NaN or
    infinite, and InputError where the fields are not of the same rows. Checked here, once for all measures:
    comparisons with NaN are false, and one row broadcasts, so most of them would go on to read a plausible number.
    """

    codes: Codes
    scale: float = 1.0
    """Units of the SAE's input for an activation of 1."""
    unit: float = 1.0
    """Host units for an activation of 1."""
    x: Float[Tensor, "batch d_in"] | None = None
    x_hat: Float[Tensor, "batch d_in"] | None = None
    host: Float[Tensor, "batch d_host"] | None = None
    host_hat: Float[Tensor, "batch d_host"] | None = None
    logits: Float[Tensor, "batch n_classes"] | None = None
    """Of the host, with `host_hat` spliced in."""
    labels: Int[Tensor, " batch"] | None = None
    n_classes: int = 0
    chosen: Int[Tensor, " n_latents"] | None = None
    """The class of each latent, chosen on training rows; -1 for a latent that never fired there."""
    directions: Float[Tensor, "n_latents d_in"] | None = None
    references: Float[Tensor, "n_refs d_in"] | None = None
    """What a copying latent would point at: input axes or training rows."""
    host_directions: Float[Tensor, "n_latents d_host"] | None = None
    """host reconstruction = host_offset + codes @ host_directions; None where it is not affine in these codes."""
    host_offset: Float[Tensor, " d_host"] | None = None
    """See `host_directions`."""
    below: Codes | None = None
    """Codes of the depth below on the same examples; at depth 1 the host's activations as codes."""

    def __post_init__(self) -> None:
        for name in ("scale", "unit"):
            if not math.isfinite(getattr(self, name)):
                raise NumericError(f"{name} is {getattr(self, name)}, not a number")
        codes = (("codes", self.codes.values), ("below", None if self.below is None else self.below.values))
        for name, rows in (*codes, *((name, getattr(self, name)) for name in ROWS)):
            if rows is not None and rows.ndim != (1 if name == "labels" else 2):
                raise InputError(
                    f"{name} has shape {tuple(rows.shape)}, expected one leading dimension: codes.flat(), "
                    "rows.flatten(0, -2)"
                )
        for one, other in (("x", "x_hat"), ("host", "host_hat")):
            rows, back = getattr(self, one), getattr(self, other)
            if rows is not None and back is not None and rows.shape != back.shape:
                raise InputError(f"{other} has shape {tuple(back.shape)}, expected that of {one}, {tuple(rows.shape)}")
        for name, rows in (*codes, *((name, getattr(self, name)) for name in NUMBERS)):
            # one sum is quick, and not finite if any number is not; but a sum may overflow too, so look closer
            if rows is not None and not bool(torch.isfinite(rows.sum())):
                bad = (~torch.isfinite(rows)).reshape(len(rows), -1).any(1).nonzero().flatten().tolist()
                if bad:
                    raise NumericError(f"{name}: row {bad[0]} holds NaN or infinity ({len(bad)} such rows)")

    @cached_property
    def dense(self) -> Float[Tensor, "batch n_latents"]:
        """The codes with a column for every latent, made once for all measures."""
        return self.codes.dense()

    @cached_property
    def fired(self) -> Float[Tensor, "batch n_latents"]:
        """1 where a latent is above 0."""
        return (self.dense > 0).to(self.dense.dtype)

    @cached_property
    def by_class(self) -> ClassSums:
        """Sums per latent and class, made once for all measures. Needs labels."""
        assert self.labels is not None
        classes = torch.nn.functional.one_hot(self.labels, self.n_classes).to(self.dense.dtype)
        # float64 from here on, so that batches can be added up without losing small activations
        return ClassSums((self.dense.T @ classes).double(), (self.fired.T @ classes).double(), classes.sum(0).double())


@dataclass(frozen=True)
class ClassSums:
    """Per latent and class: the summed activation, and the number of rows on which the latent fires."""

    mass: Float[Tensor, "n_latents n_classes"]
    fires: Float[Tensor, "n_latents n_classes"]
    rows: Float[Tensor, " n_classes"]
    """How many rows each class has."""

    def __add__(self, other: ClassSums) -> ClassSums:
        return ClassSums(self.mass + other.mass, self.fires + other.fires, self.rows + other.rows)

    def class_means(self) -> Float[Tensor, "n_latents n_classes"]:
        """Mean activation over the rows of each class, zeros included."""
        return self.mass / self.rows.clamp(min=1)

    def best_class(self) -> Int[Tensor, " n_latents"]:
        """Per latent the class with the largest mean activation; -1 for a latent that never fires."""
        return torch.where(self.fires.sum(1) > 0, self.class_means().argmax(1), -1)


def shuffled_sums(seen: Seen, times: int, generator: torch.Generator) -> list[ClassSums]:
    """Class sums under `times` shuffles of the labels, in as few products as memory allows: what chance
    gives to these very latents."""
    assert seen.labels is not None
    shuffles = [seen.labels[torch.randperm(len(seen.labels), generator=generator, device="cpu")] for _ in range(times)]
    rows = torch.bincount(seen.labels, minlength=seen.n_classes).double()
    at_once = max(1, CLASSES_AT_ONCE // max(1, seen.n_classes))
    found: list[ClassSums] = []
    for start in range(0, times, at_once):
        some = shuffles[start : start + at_once]
        classes = torch.cat([torch.nn.functional.one_hot(labels, seen.n_classes) for labels in some], 1)
        mass = torch.split((seen.dense.T @ classes.to(seen.dense.dtype)).double(), seen.n_classes, 1)
        fires = torch.split((seen.fired.T @ classes.to(seen.dense.dtype)).double(), seen.n_classes, 1)
        found += [ClassSums(*sums, rows) for sums in zip(mass, fires, strict=True)]
    return found


@dataclass(frozen=True)
class Reading:
    """A measure's value. `n` counts what it was averaged over; `latents` has one value each, NaN where undefined."""

    value: float
    n: int
    latents: Float[Tensor, " n_latents"] | None = None


class Measure(Protocol):
    """See the module's docstring."""

    version: ClassVar[int]
    on: ClassVar[On]
    needs: ClassVar[tuple[str, ...]]

    def update(self, seen: Seen) -> None: ...

    def reading(self) -> Reading: ...


def evaluate(batches: Iterable[Seen], on: On, only: tuple[str, ...] = ()) -> dict[str, Reading]:
    """Run every measure that reads `on` and has what it needs (or only those named), in one pass over `batches`."""
    measures: dict[str, Measure] | None = None
    for seen in batches:
        if measures is None:
            measures = {
                name: measure()
                for name, measure in find_all("sae.measures").items()
                if measure.on == on  # type: ignore[attr-defined]  # discovered: its class is only known as callable
                and all(getattr(seen, field) is not None for field in measure.needs)  # type: ignore[attr-defined]
                and (not only or name in only)
            }
        for measure in measures.values():
            measure.update(seen)
    return {name: measure.reading() for name, measure in (measures or {}).items()}


def versions() -> dict[str, int]:
    """The version of every measure there is."""
    return {name: int(measure.version) for name, measure in find_all("sae.measures").items()}  # type: ignore[attr-defined]
