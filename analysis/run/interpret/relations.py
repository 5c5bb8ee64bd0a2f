"""Latents beside latents: below, at the same depth, and in towers of other seeds."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True)
class Nearest:
    """For each latent the most related others, most related first; -1 and NaN behind the last one there is."""

    others: Int[Tensor, "latents most"]
    values: Float[Tensor, "latents most"]


def correlation(a: Float[Tensor, "rows m"], b: Float[Tensor, "rows n"]) -> Float[Tensor, "m n"]:
    """Pearson correlation of every column of `a` with every column of `b`; 0 where a column does not vary."""
    left, right = (_standard(columns) for columns in (a, b))
    found: Tensor = left.T @ right
    return found


def coactive(here: Float[Tensor, "rows latents"], below: Float[Tensor, "rows n_below"], most: int) -> Nearest:
    """The latents below whose activation rises and falls with a latent's: by correlation, only above 0."""
    return _largest(correlation(here, below), most)


def nearest_directions(directions: Float[Tensor, "latents d_in"], most: int) -> Nearest:
    """The latents of the same depth whose directions are closest: by cosine, only above 0."""
    unit = torch.nn.functional.normalize(directions, dim=1)
    return _largest((unit @ unit.T).fill_diagonal_(-1), most)


def _largest(related: Float[Tensor, "m n"], most: int) -> Nearest:
    values, others = related.topk(min(most, related.shape[1]), dim=1)
    short = most - values.shape[1]
    values, others = (torch.nn.functional.pad(part, (0, short), value=-1) for part in (values, others))
    known = values > 0
    return Nearest(torch.where(known, others, -1), torch.where(known, values, torch.nan))


def _standard(columns: Float[Tensor, "rows n"]) -> Float[Tensor, "rows n"]:
    centred = columns - columns.mean(0)
    norm = centred.norm(dim=0)
    # a column that does not vary is rounding noise after centring, not zero
    varies = norm > 1e-5 * columns.norm(dim=0)
    return torch.where(varies, centred / norm.clamp(min=1e-30), 0.0)
