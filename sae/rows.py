"""Training rows: dense or k-sparse, in memory or memory-mapped; normalised batch by batch, never as a whole.

A tower of the `latents` kind trains on codes with few active entries. Given as `Codes` they stay sparse, and an
encoder that gathers weights for the active entries only (`sae.compiled.step`) can use that.
"""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float, Int
from torch import Tensor

from sae.given import TrainingRows, training_rows_of
from sae.normaliser import Normaliser
from sae.records import Codes
from sae.values import says_itself

# Above this share of active entries a dense product is cheaper than gathering.
SPARSE_SHARE = 0.1


@dataclass(frozen=True)
class Batch:
    """A batch of rows: normalised and dense, and as given if that is sparse."""

    x: Float[Tensor, "batch d_in"]
    given: Codes | None = None
    """The same rows before normalisation: x = (given - mean) / scale."""
    offset: Float[Tensor, " d_in"] | None = None
    """mean / scale, where `given` is there."""
    scale: float = 1.0


@dataclass(frozen=True)
class Rows:
    """All rows of a training run with the normaliser that was fitted on them."""

    given: Float[Tensor, "rows d_in"] | Codes
    normaliser: Normaliser

    @classmethod
    @says_itself
    def fit(cls, given: TrainingRows, normalise: bool = True) -> Rows:
        """Fit the normaliser, or leave the rows as they are. Raises InputError for rows of another type or number of
        axes, NumericError for rows that are not finite and, where they are to be normalised, that do not vary."""
        given = training_rows_of(given)
        return cls(given, Normaliser.fit(given) if normalise else Normaliser.identity(given))

    def __len__(self) -> int:
        return len(self.given)

    @property
    def width(self) -> int:
        """Columns of a row."""
        return width_of(self.given)

    def batch(self, chosen: Int[Tensor, " batch"], device: str = "cpu") -> Batch:
        """The rows with these numbers, on `device`."""
        if isinstance(self.given, Codes):
            sparse = Codes(self.given.values[chosen].float(), self.given.indices[chosen], self.given.n_latents)
            few = sparse.values.shape[1] <= SPARSE_SHARE * sparse.n_latents
            x = self.normaliser.apply(sparse.dense()).to(device)
            if not few:
                return Batch(x)
            return Batch(x, sparse, self.normaliser.mean / self.normaliser.scale, self.normaliser.scale)
        # the chosen rows are a copy already: in place, or a large sample would be in memory three times
        x = self.given[chosen].float().sub_(self.normaliser.mean).div_(self.normaliser.scale)
        return Batch(x.to(device))


def width_of(given: Float[Tensor, "rows d_in"] | Codes) -> int:
    """Columns of rows in either form."""
    return given.n_latents if isinstance(given, Codes) else given.shape[1]
