"""What the property tests of measures share: random batches, and a table of what each measure promises."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import pytest
import torch
from hypothesis import settings
from hypothesis import strategies as st

from sae.discover import find_all
from sae.evaluate import Reading, Seen
from sae.records import Codes

MEASURES = find_all("sae.measures")
LATENTS, D_IN, CLASSES = 10, 5, 3
PER_ROW = ("x", "x_hat", "host", "host_hat", "logits", "labels")
UNBOUNDED = (-math.inf, math.inf)

quick = settings(max_examples=6, derandomize=True, deadline=None, database=None)
each = pytest.mark.parametrize("name", MEASURES)
factors = st.sampled_from([1e-3, 0.7, 30.0, 1e4])
seeds = st.integers(0, 2**16)


@dataclass(frozen=True, kw_only=True)
class Promise:
    """What a measure promises. `test_the_table_knows_every_measure` fails for one that has no row below."""

    bounds: tuple[float, float] = (0.0, 1.0)
    """Of the value and, where there are any, of the values per latent."""
    power: int = 0
    """Data a times as large give a value a**power times as large: 0 is free of scale, 1 host units, 2 their square."""
    turns: bool = True
    """Rotating data and reconstruction together changes nothing."""
    best: float | None = None
    """The value of a perfect reconstruction, and no other comes nearer to it; None: does not judge reconstructions."""
    mean: float | None = None
    """The value of predicting the mean of the rows."""


PROMISES = {
    "activation_mass": Promise(bounds=(0, math.inf), power=1),
    "class_precision": Promise(),
    "class_recall": Promise(),
    "copy_score": Promise(),
    "cosine": Promise(bounds=(-1, 1), best=1.0, mean=0.0),
    "csp": Promise(),
    "dead_count": Promise(bounds=(0, LATENTS)),
    "density": Promise(bounds=(-math.inf, 0)),
    "eligible_share": Promise(),
    "exclusive_share": Promise(),
    "firing_rate": Promise(),
    "fri": Promise(bounds=UNBOUNDED, power=2),
    "host_accuracy": Promise(),
    "host_variance_explained": Promise(bounds=(-math.inf, 1), best=1.0, mean=0.0),
    "l0": Promise(bounds=(0, LATENTS)),
    "live_copies": Promise(),
    "near_duplicates": Promise(),
    "live_share": Promise(),
    "ltes": Promise(bounds=(0.5, 1), turns=False),  # counts coordinates
    "mean_activation": Promise(bounds=(0, math.inf), power=1),
    "pds": Promise(bounds=(-1, 1)),
    "phi": Promise(),
    "relative_mass": Promise(bounds=(0, math.inf), turns=False),  # a sum of |coordinates|
    "selectivity": Promise(),
    "shrinkage": Promise(bounds=UNBOUNDED, best=1.0, mean=math.nan),
    "top_class_share": Promise(),
    "variance_explained": Promise(bounds=(-math.inf, 1), best=1.0, mean=0.0),
}


@st.composite
def batches(draw: st.DrawFn, lively: bool = False) -> Seen:
    """All that a measure may ask for, in float64; latents that fire never, seldom, often and always.

    Unless `lively`, the SAE may also be dead, or fire everywhere.
    """
    g = torch.Generator().manual_seed(draw(seeds))
    rows, offset = draw(st.integers(40, 70)), draw(st.sampled_from([0.0, 3.0, -1e5]))

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=g, dtype=torch.float64)

    dense = torch.relu(normal(rows, LATENTS) + torch.linspace(-1.5, 1.5, LATENTS))
    dense[:, 0], dense[:, 1] = 0, 0.1 + normal(rows).abs()
    labels = torch.randint(0, CLASSES, (rows,), generator=g)
    only = draw(st.integers(0, CLASSES - 1))
    dense[1:, 2], dense[0, 2] = 0, 1  # fires once
    dense[:, 9], dense[:, 8] = (labels == only) * dense[:, 1], (labels == 0) * dense[:, 1]  # on one class alone
    dense[:, 3] *= draw(st.sampled_from([0.0, 1.0]))  # live latents odd and even in number
    if not lively:
        dense = dense * draw(st.sampled_from([1.0, 1.0, 0.0])) + draw(st.sampled_from([0.0, 0.0, 1.0]))
    # the parts of x differ in size, and the reconstruction is both shrunk and noisy
    parts = normal(rows, D_IN) * torch.arange(1, D_IN + 1)
    noise = draw(st.sampled_from([0.1, 1.0, 5.0]))
    given = Seen(
        codes=Codes.from_dense(dense), scale=1.5, unit=0.7,
        x=parts + offset, x_hat=0.8 * parts + noise * normal(rows, D_IN) + offset,
        host=2 * parts + offset, host_hat=1.5 * parts + noise * normal(rows, D_IN) + offset,
        logits=normal(rows, CLASSES), labels=labels, n_classes=CLASSES,
        chosen=torch.randint(-1, CLASSES, (LATENTS,), generator=g),
        directions=normal(LATENTS, D_IN), references=torch.eye(D_IN, dtype=torch.float64) + 0.3 * normal(D_IN, D_IN),
    )  # fmt: skip
    # the codes below hang together; of two of them one is dead and one constant
    below = torch.relu(normal(rows, 6) + normal(rows, 1))
    below[:, 2], below[:, 4] = 0, 0.3
    return replace(
        given, host_directions=normal(LATENTS, D_IN), host_offset=normal(D_IN) + offset, below=Codes.from_dense(below)
    )


def part(seen: Seen, rows: torch.Tensor | slice) -> Seen:
    """The rows `rows` of a batch."""
    both = {name: getattr(seen, name) for name in ("codes", "below")}
    codes = {name: Codes(z.values[rows], z.indices[rows], z.n_latents) for name, z in both.items()}
    return replace(seen, **codes, **{name: getattr(seen, name)[rows] for name in PER_ROW})


def in_order(seen: Seen, order: torch.Tensor) -> Seen:
    """The batch with its latents in another order."""
    weights = {name: getattr(seen, name)[order] for name in ("chosen", "directions", "host_directions")}
    return replace(seen, codes=Codes.from_dense(seen.dense[:, order]), **weights)


def times(seen: Seen, factor: float, *fields: str) -> Seen:
    """The batch with some fields multiplied."""
    return replace(seen, **{name: getattr(seen, name) * factor for name in fields})


def read(name: str, *several: Seen) -> Reading:
    measure = MEASURES[name]()
    for seen in several:
        measure.update(seen)
    reading = measure.reading()
    assert isinstance(reading, Reading)
    return reading


def assert_same(a: Reading, b: Reading, power: float = 1.0, order: torch.Tensor | None = None) -> None:
    """`b` is `a` but for rounding, with values `power` times as large and latents in `order`."""
    assert a.n == b.n
    assert b.value == pytest.approx(a.value * power, rel=1e-7, abs=1e-10, nan_ok=True)
    assert (a.latents is None) == (b.latents is None)
    if a.latents is not None and b.latents is not None:
        expected = a.latents if order is None else a.latents[order]
        torch.testing.assert_close(b.latents, expected * power, rtol=1e-7, atol=1e-10, equal_nan=True)
