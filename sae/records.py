"""The records that pass between an SAE, the training loop and the measures. Plain data, no behaviour to learn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import pad

from sae.values import says_itself


@says_itself
@dataclass(frozen=True)
class Codes:
    """Sparse codes of a batch: for each row the active latents and their values. Rows may have several dimensions.

    `values` are non-negative and 0 where a row has fewer active latents than columns; an index behind a value of
    0 means nothing. Codes are in the SAE's normalised units (see `sae.normaliser`). Whether they are codes is checked
    where they enter (`sae.given.check_codes`).
    """

    values: Float[Tensor, "*batch k"]
    indices: Int[Tensor, "*batch k"]
    n_latents: int

    def dense(self) -> Float[Tensor, "*batch n_latents"]:
        """The same codes with a column for every latent."""
        full = self.values.new_zeros(*self.values.shape[:-1], self.n_latents)
        # add, not set: padding repeats an index with value 0 and must not overwrite a real value
        return full.scatter_add(-1, self.indices, self.values)

    @classmethod
    def from_dense(cls, full: Float[Tensor, "*batch n_latents"]) -> Codes:
        """Codes with a column for every latent, for measures of activations that are not sparse."""
        indices = torch.arange(full.shape[-1], device=full.device).expand(full.shape)
        return cls(full, indices, full.shape[-1])

    @classmethod
    def from_active(cls, full: Float[Tensor, "batch n_latents"]) -> Codes:
        """The same codes as `full`, with as many columns as the busiest row has values above 0."""
        active = int((full > 0).sum(1).max()) if len(full) else 0
        values, indices = full.topk(max(1, active), dim=1, sorted=False)
        return cls(torch.relu(values), indices, full.shape[1])

    @classmethod
    def joined(cls, pieces: Sequence[Codes]) -> Codes:
        """Codes of one SAE, batch after batch, with as many columns as the widest of them."""
        most = max(piece.values.shape[1] for piece in pieces)
        values, indices = (
            torch.cat([pad(getattr(piece, name), (0, most - piece.values.shape[1])) for piece in pieces])
            for name in ("values", "indices")
        )
        return cls(values, indices, pieces[0].n_latents)

    def part(self, rows: slice) -> Codes:
        """The codes of some of the rows."""
        return Codes(self.values[rows], self.indices[rows], self.n_latents)

    def l0(self) -> float:
        """Mean number of active latents a row."""
        return float((self.values > 0).sum()) / max(1, math.prod(self.values.shape[:-1]))

    def fired(self) -> Bool[Tensor, " n_latents"]:
        """Which latents are above 0 anywhere in the batch."""
        # the largest value of each latent: many times faster than to select the indices of those above 0
        values = self.values.detach().flatten()
        most = values.new_zeros(self.n_latents)
        return most.scatter_reduce_(0, self.indices.flatten(), values, "amax") > 0

    def flat(self) -> Codes:
        """The same codes with one leading dimension."""
        return self.shaped((-1,))

    def shaped(self, leading: tuple[int, ...]) -> Codes:
        """The same codes with these leading dimensions, or one dimension for (-1,)."""
        if self.values.shape[:-1] == leading:
            return self
        k, rows = self.values.shape[-1], math.prod(self.values.shape[:-1])
        leading = (rows,) if leading == (-1,) else leading  # -1 says nothing where there are no entries
        return Codes(self.values.reshape(*leading, k), self.indices.reshape(*leading, k), self.n_latents)

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class Loss:
    """A batch's loss: `total` is what is differentiated; `terms` are its weighted parts, for logs and messages."""

    total: Float[Tensor, ""]
    terms: dict[str, Tensor]
    codes: Codes

    @classmethod
    def of(cls, terms: dict[str, Tensor], codes: Codes) -> Loss:
        """The loss whose total is the sum of its terms."""
        return cls(torch.stack(list(terms.values())).sum(), terms, codes)


@dataclass(frozen=True)
class StepRecord:
    """What the training loop tells its observer after a step."""

    step: int
    steps: int
    rows_seen: int
    """Rows (with repetition) trained on so far."""
    loss: float
    terms: dict[str, float] = field(default_factory=dict)
    dead_share: float = 0.0
    """Share of latents that have not fired for `dead_after` rows."""
    l0: float = 0.0
    """Mean number of active latents a row, in the codes that were trained on."""
    path: str = ""
    """What the step is made of: torch, or compiled kernels."""
    recall: float | None = None
    """Share of the true k largest that the shortlist found; None where there is no shortlist."""
