"""When a tower should stop: before it trains a depth on nothing, and with a sentence that says why.

A depth that reads nothing still trains, and its loss looks splendid: zeros are easy to give back. The log with which
this project began followed such a tower down to losses of 1e-44.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from sae.config import StopConfig
from sae.normaliser import chunks
from sae.records import Codes

# Rows that are compared with each other for being the same.
SAMPLE = 2000


@dataclass(frozen=True)
class Stop:
    """Why a tower stopped: the first threshold that was passed, and the sentence for a reader."""

    depth: int
    """The depth that is not trained."""
    reason: str
    """live_share, input_variance, loss or distinct_rows."""
    value: float
    limit: float
    sentence: str


def reason_to_stop(
    depth: int,
    rows: Float[Tensor, "rows d_in"] | Codes,
    live_share: float,
    loss: float,
    variance: float,
    limits: StopConfig,
) -> Stop | None:
    """Why `depth` should not be trained on `rows`, or None.

    Of the depth below: `live_share` of its latents that fire on its training rows, and its last `loss` (reconstruction
    error per coordinate, in units of its input's variance where that is normalised). `variance` is that of `rows` in
    host units, as a share of the host's.
    """
    below = depth - 1
    same = distinct_share(rows)
    checks = (
        ("live_share", live_share, limits.live_share,
         f"only {live_share:.1%} of the latents of depth {below} ever switch on"),
        ("input_variance", variance, limits.input_variance,
         f"what depth {below} passes on hardly varies (its variance is {variance:.1e} of the network's)"),
        ("loss", loss, limits.loss,
         f"depth {below} already gives its input back with an error of {loss:.1e}, so that there is nothing to learn"),
        ("distinct_rows", same, limits.distinct_rows,
         f"depth {below} says the same about almost everything (only {same:.1%} of its outputs differ)"),
    )  # fmt: skip
    for reason, value, limit, why in checks:
        if value < limit:
            sentence = f"The tower stops before depth {depth}: {why} (limit {limit:g})."
            return Stop(depth, reason, float(value), limit, sentence)
    return None


def distinct_share(rows: Float[Tensor, "rows d_in"] | Codes) -> float:
    """How many different rows there are among the rows (a sample of them), as a share of their number."""
    step = max(1, len(rows) // SAMPLE)
    some = Codes(rows.values[::step], rows.indices[::step], rows.n_latents) if isinstance(rows, Codes) else rows[::step]
    whole = torch.cat(list(chunks(some)))
    return len(torch.unique(whole, dim=0)) / len(whole)


def variance_of(rows: Float[Tensor, "rows d_in"] | Codes) -> float:
    """Mean squared distance of the rows from their mean."""
    n = len(rows)
    mean = (
        sum((part.double().sum(0) for part in chunks(rows)), start=torch.zeros((), dtype=torch.float32, device="cpu"))
        / n
    )
    return sum(float((part - mean).double().pow(2).sum()) for part in chunks(rows)) / n
