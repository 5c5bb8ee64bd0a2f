"""Labels of any whole numbers as classes 0, 1, 2, ..., and the sums that class measures read, without a dense column
a class: thousands of classes and of latents are no matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from sae.errors import InputError
from sae.evaluate import ClassSums
from sae.records import Codes
from sae.values import says_itself


@dataclass(frozen=True)
class Classes:
    """`names[index[row]]` is the label of a row."""

    names: tuple[int, ...]
    """Every label that occurs, ascending."""
    index: Int[Tensor, " rows"]

    @classmethod
    @says_itself
    def of(cls, labels: Any, n_rows: int, what: str = "labels") -> Classes:
        """From labels of any whole numbers, a tensor, an array or a list, one a row. Raises InputError."""
        try:
            given = labels.detach().cpu().numpy() if isinstance(labels, Tensor) else np.asarray(labels)
        except (TypeError, ValueError, RuntimeError, OverflowError) as error:
            raise InputError(f"{what} are no array: {error}") from error
        if given.ndim == 2 and given.shape[1] == 1:
            given = given[:, 0]
        if given.ndim != 1 or len(given) != n_rows:
            raise InputError(f"{what} have shape {given.shape}, expected ({n_rows},): one label a row")
        if given.dtype.kind == "f":
            bad = np.flatnonzero(~np.isfinite(given) | (given != np.floor(given)))
            if len(bad):
                raise InputError(f"{what}: row {bad[0]} is {given[bad[0]]}, expected whole numbers ({len(bad)} others)")
        elif given.dtype.kind not in "iub" and not all(isinstance(label, int) for label in given.tolist()):
            raise InputError(
                f"{what} are of {given.dtype}, expected whole numbers: np.unique(..., return_inverse=True)"
            )
        names, index = np.unique(given, return_inverse=True)
        return cls(tuple(int(name) for name in names), torch.from_numpy(index.reshape(-1).astype(np.int64)))

    def take(self, rows: Int[Tensor, " some"]) -> Classes:
        """Of some of the rows; the names stay."""
        return Classes(self.names, self.index[rows])

    def __len__(self) -> int:
        return len(self.names)


class SparseSums:
    """Class sums under several labellings at once (the real one, shuffled ones), added up part by part."""

    def __init__(self, n_latents: int, n_classes: int, labellings: list[Int[Tensor, " rows"]]) -> None:
        self.n_latents, self.n_classes, self.labellings = n_latents, n_classes, labellings
        size = n_latents * n_classes
        self.mass = [torch.zeros(size, dtype=torch.float64, device="cpu") for _ in labellings]
        self.fires = [torch.zeros(size, dtype=torch.float64, device="cpu") for _ in labellings]

    def add(self, codes: Codes, rows: slice) -> None:
        """The codes of these rows."""
        row, entry = (codes.values > 0).nonzero().unbind(1)
        latent, value = codes.indices[row, entry], codes.values[row, entry].double()
        for labels, mass, fires in zip(self.labellings, self.mass, self.fires, strict=True):
            place = latent * self.n_classes + labels[rows][row]
            mass.index_add_(0, place, value)
            fires.index_add_(0, place, torch.ones_like(value))

    def sums(self) -> list[ClassSums]:
        """Of each labelling."""
        shape = (self.n_latents, self.n_classes)
        return [
            ClassSums(mass.view(shape), fires.view(shape), torch.bincount(labels, minlength=self.n_classes).double())
            for labels, mass, fires in zip(self.labellings, self.mass, self.fires, strict=True)
        ]
