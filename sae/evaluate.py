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
from numbers import Real
from typing import Any, ClassVar, Literal, Protocol, get_args

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sae.ambient import reading
from sae.discover import find_all
from sae.errors import ConfigError, InputError, NotFoundError, NumericError
from sae.given import check_codes, check_numbers, check_sparse, check_tensor, check_whole, whole_numbers
from sae.records import Codes
from sae.values import choice, says_itself, whole

On = Literal["input", "examples"]
# Columns of class marks that are held at once.
CLASSES_AT_ONCE = 500
AXES: dict[str, tuple[str, ...]] = {
    "x": ("batch", "d_in"), "x_hat": ("batch", "d_in"), "host": ("batch", "d_host"), "host_hat": ("batch", "d_host"),
    "logits": ("batch", "n_classes"), "labels": ("batch",), "chosen": ("n_latents",),
    "directions": ("n_latents", "d_in"), "references": ("n_refs", "d_in"),
    "host_directions": ("n_latents", "d_host"), "host_offset": ("d_host",),
}  # fmt: skip
"""The axes of the fields of `Seen`: where two have one of one name, it has one length."""
SHAPES = {name: f"({', '.join(axes)}{',' if len(axes) == 1 else ''})" for name, axes in AXES.items()}
WHOLE = ("labels", "chosen")
NUMBERS = tuple(name for name in AXES if name not in WHOLE)


@says_itself
@dataclass(frozen=True, kw_only=True)
class Seen:
    """A batch as a measure sees it. None: not known here, and measures that need it are left out.

    Raises NumericError, naming the field and its first bad row (number, for a vector), where a number is NaN or
    infinite, and InputError where a field is of another type, where two fields differ in the length of an axis that
    both have (rows, latents, a width, classes), and for a class that is not among `n_classes`. Checked here, once for
    all measures: comparisons with NaN are false, and one row broadcasts, so most of them would go on to read a
    plausible number.
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
    """0: as many as there are logits."""
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
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
                raise NumericError(f"{name} is {value}, not a number")
        whole("n_classes", self.n_classes)
        self._check_axes()
        object.__setattr__(self, "n_classes", self.sizes.get("n_classes", 0))
        for name in WHOLE:
            if getattr(self, name) is not None:
                least = -1 if name == "chosen" else 0
                if not self.n_classes and name == "labels":
                    raise InputError("labels are given without n_classes, expected how many classes there are")
                found = whole_numbers(name, getattr(self, name), SHAPES[name], least, self.n_classes - 1)
                object.__setattr__(self, name, found)
        for name in NUMBERS:
            rows = getattr(self, name)
            if rows is not None:
                check_numbers(name, rows if rows.ndim == 2 else rows[:, None])
        for name in ("codes", "below"):
            if getattr(self, name) is not None:
                check_codes(getattr(self, name), what=name)
        self._widen()

    def _check_axes(self) -> None:
        """Raise InputError for a field of another type, or whose shape is not that of the fields before it."""
        for name in ("codes", "below"):
            codes = getattr(self, name)
            if codes is not None or name == "codes":
                check_sparse(codes, name)
                _check_leading(name, codes.values, 2)
        for name, axes in AXES.items():
            rows = getattr(self, name)
            if rows is None:
                continue
            if name in WHOLE:
                check_whole(name, rows, SHAPES[name])
            else:
                check_tensor(name, rows, SHAPES[name])
            _check_leading(name, rows, len(axes))
        for one, other in (("x", "x_hat"), ("host", "host_hat")):
            rows, back = getattr(self, one), getattr(self, other)
            if rows is not None and back is not None and rows.shape != back.shape:
                raise InputError(f"{other} has shape {tuple(back.shape)}, expected that of {one}, {tuple(rows.shape)}")

    @cached_property
    def sizes(self) -> dict[str, int]:
        """How long each axis is that a field has, by its name in `AXES`. Raises InputError where two fields differ."""
        known = {"batch": (len(self.codes), "codes"), "n_latents": (self.codes.n_latents, "codes")}
        if self.n_classes:
            known["n_classes"] = (self.n_classes, "n_classes")
        if self.below is not None:
            if len(self.below) != len(self.codes):
                raise InputError(f"below has {len(self.below)} rows, expected {len(self.codes)}, as codes has")
            known["n_below"] = (self.below.n_latents, "below")
        for name, axes in AXES.items():
            rows = getattr(self, name)
            if rows is None:
                continue
            for axis, length in zip(axes, rows.shape, strict=True):
                wanted, by = known.setdefault(axis, (length, name))
                if length != wanted:
                    found = f"{name} has shape {tuple(rows.shape)}"
                    raise InputError(f"{found}, expected {SHAPES[name]} with {axis} = {wanted}, as {by} has")
        return {axis: length for axis, (length, _) in known.items()}

    def _widen(self) -> None:
        """Half precision, in which sums of many rows lose what is added, becomes float32; what is multiplied with each
        other is in one format."""
        for name in ("codes", "below"):
            codes = getattr(self, name)
            if codes is not None and codes.values.element_size() < 4:
                object.__setattr__(self, name, Codes(codes.values.float(), codes.indices, codes.n_latents))
        kind = torch.float32
        for rows in (self.directions, self.references):
            kind = kind if rows is None else torch.promote_types(kind, rows.dtype)
        for name in ("directions", "references"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, getattr(self, name).to(kind))

    @cached_property
    def dense(self) -> Float[Tensor, "batch n_latents"]:
        """The codes with a column for every latent, made once for all measures."""
        return self.codes.dense()

    @cached_property
    def fired(self) -> Float[Tensor, "batch n_latents"]:
        """1 where a latent is above 0."""
        return (self.dense > 0).to(self.dense.dtype)

    @cached_property
    @reading()
    def by_class(self) -> ClassSums:
        """Sums per latent and class, made once for all measures. Needs labels."""
        assert self.labels is not None
        classes = torch.nn.functional.one_hot(self.labels, self.n_classes).to(self.dense.dtype)
        # float64 from here on, so that batches can be added up without losing small activations
        return ClassSums((self.dense.T @ classes).double(), (self.fired.T @ classes).double(), classes.sum(0).double())


def _check_leading(name: str, rows: Tensor, axes: int) -> None:
    if rows.ndim != axes:
        raise InputError(
            f"{name} has shape {tuple(rows.shape)}, expected {'one axis' if axes == 1 else 'one leading dimension'}: "
            "codes.flat(), rows.flatten(0, -2)"
        )


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


@reading()
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


@reading()
@says_itself
def evaluate(batches: Iterable[Seen], on: On, only: tuple[str, ...] = ()) -> dict[str, Reading]:
    """Run every measure that reads `on` and has what it needs (or only those named), in one pass over `batches`.

    Raises InputError for a batch that is not of the SAE of the first one, or lacks what that one had; NotFoundError
    for a name in `only` that no measure has.
    """
    kinds, measures, first = find_all("sae.measures"), dict[str, Measure](), None
    _check_asked(batches, on, only, list(kinds))
    for seen in batches:
        if not isinstance(seen, Seen):
            raise InputError(f"a batch is of type {type(seen).__name__}, expected sae.evaluate.Seen")
        if first is None:
            first = seen
            measures = {
                name: measure()
                for name, measure in kinds.items()
                if measure.on == on  # type: ignore[attr-defined]  # discovered: its class is only known as callable
                and all(getattr(seen, field) is not None for field in measure.needs)  # type: ignore[attr-defined]
                and (not only or name in only)
            }
        else:
            _check_alike(first, seen)
        for measure in measures.values():
            measure.update(seen)
    return {name: measure.reading() for name, measure in measures.items()}


def _check_asked(batches: Any, on: Any, only: Any, known: list[str]) -> None:
    choice("on", on, get_args(On))
    if isinstance(batches, Seen):
        raise InputError("batches are one Seen, expected several: [seen]")
    if not isinstance(batches, Iterable):
        raise InputError(f"batches are of type {type(batches).__name__}, expected several sae.evaluate.Seen")
    if isinstance(only, str) or not isinstance(only, Iterable):
        raise ConfigError(f"only = {only!r}: must be names of measures, such as ('l0',)")
    for name in only:
        if name not in known:
            raise NotFoundError("measure", str(name), known)


def _check_alike(first: Seen, seen: Seen) -> None:
    """Raise InputError where a later batch is of another SAE, or lacks a field: its sums are added to the others'."""
    if seen is first:
        return
    for axis, length in seen.sizes.items():
        if axis != "batch" and first.sizes.get(axis, length) != length:
            raise InputError(f"a batch has {axis} = {length}, expected {first.sizes[axis]}, as the first batch has")
    for name in (*AXES, "below"):
        if getattr(first, name) is not None and getattr(seen, name) is None:
            raise InputError(f"a batch lacks {name}, expected it in all of them, as in the first batch")


def versions() -> dict[str, int]:
    """The version of every measure there is."""
    return {name: int(measure.version) for name, measure in find_all("sae.measures").items()}  # type: ignore[attr-defined]
