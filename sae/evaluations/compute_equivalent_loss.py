"""What a reconstruction costs in the host's own currency: the share of its training compute that is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize_scalar, nnls
from torch import Tensor

from sae.errors import InputError
from sae.evaluations._given import numbers
from sae.values import real, says_itself

# Of the exponent of the line: language models have about .05 (in compute) to .5.
EXPONENTS = (0.01, 3.0)
# Points of the envelope that three parameters are fitted to.
LEAST_POINTS = 4
NORMAL_95 = 1.96


@says_itself
@dataclass(frozen=True)
class Curve:
    """Checkpoints of one training run, by rising compute."""

    compute: Float[Tensor, " checkpoints"]
    """Above 0, in one unit for all curves: FLOP, or tokens where the host alone is asked about."""
    loss: Float[Tensor, " checkpoints"]
    """Held-out cross-entropy, nats a token, of the same tokens at every checkpoint."""


@dataclass(frozen=True)
class Equivalent:
    """A share of the host's training compute."""

    share: float | None
    """None where the checkpoints do not reach: `said` tells on which side."""
    low: float | None
    """`share` where the loss is 1.96 standard errors larger; None without an error, or outside."""
    high: float | None
    """`share` where it is 1.96 standard errors smaller."""
    said: str
    """Empty, or what lies outside of the range of the checkpoints."""
    extrapolated: float | None = None
    """What the line would say outside of its range; None inside. Nothing was measured there."""


@dataclass(frozen=True)
class Line:
    """L = floor + scale * (C / unit)^-exponent, fitted by least squares to the envelope of all curves."""

    floor: float
    scale: float
    exponent: float
    unit: float
    """The geometric mean of the envelope's compute."""
    points: int
    residual: float
    """Root of the mean squared residual, nats."""
    losses: tuple[float, float]
    """The smallest and the largest loss of the envelope."""

    def loss(self, compute: float) -> float:
        """The loss at so much compute."""
        return self.floor + self.scale * float((compute / self.unit) ** -self.exponent)

    def compute(self, loss: float) -> float:
        """The compute at which the line has this loss, which is above the floor."""
        return self.unit * float(((loss - self.floor) / self.scale) ** (-1 / self.exponent))


@dataclass(frozen=True)
class ComputeEquivalent:
    """What `compute_equivalent_loss` found."""

    curve: Equivalent
    """From the host's own checkpoints."""
    by_line: Equivalent | None
    """From the scaling line; None with too few points for one."""
    line: Line | None


@says_itself
def compute_equivalent_loss(
    host: Curve,
    delta: float,
    error: float | None = None,
    others: Sequence[Curve] = (),
    warm_up: float = 0.1,
) -> ComputeEquivalent:
    """The share of the host's training compute at which its own loss is that of the splice, which is what Gao et al.
    (2024, arXiv 2406.04093, section 4.1) give for GPT-4: 10% at 16M latents.

    `delta` is the increase of the loss in nats a token (`downstream_loss`), added to the host's last checkpoint, so
    that the places left out of the splice do no harm; `error` its standard error; `others` the curves of hosts of other
    sizes. The splice of the host's own activations has delta 0 and share 1; controls are further calls with theirs.

    Two answers. `curve`: the last compute at which the host's loss was as large, linear in log compute between
    checkpoints. A checkpoint from the middle of a schedule of learning rates is worse than a model that was trained for
    that compute alone, so this share flatters. `by_line`: along L = a + b C^-c through the envelope (points that no
    point of at most their compute undercuts) of all curves, from the line's own loss at the host's compute, so that how
    far the host is from the line does not count. Checkpoints before the share `warm_up` of their run's compute are no
    part of the envelope: what a run does there is its schedule, and nobody undercuts the first one.

    Nothing is extrapolated without a word: see `Equivalent`. Raises InputError for curves of fewer than two
    checkpoints, or whose compute does not rise; ConfigError for a delta that is no number.
    """
    delta, warm_up = float(real("delta", delta)), float(real("warm_up", warm_up, least=0, below=1))
    spread = None if error is None else NORMAL_95 * real("error", error, least=0)
    curves = [_checked(f"curve {place}" if place else "host", curve) for place, curve in enumerate((host, *others))]
    compute, loss = curves[0]

    def asked(more: float) -> Equivalent:
        return _on_curve(compute, loss, delta + more)

    line = _line(curves, warm_up)
    if line is None:
        return ComputeEquivalent(_with_interval(asked, spread), None, None)
    full, fitted = float(compute[-1]), line

    def along(more: float) -> Equivalent:
        return _on_line(fitted, full, delta + more)

    return ComputeEquivalent(_with_interval(asked, spread), _with_interval(along, spread), line)


def _with_interval(asked, spread: float | None) -> Equivalent:  # type: ignore[no-untyped-def]  # both are local
    found: Equivalent = asked(0.0)
    if spread is None or found.share is None:
        return found
    return Equivalent(found.share, asked(spread).share, asked(-spread).share, found.said)


def _checked(what: str, curve: Curve) -> tuple[np.ndarray, np.ndarray]:
    compute = numbers(f"compute of {what}", curve.compute, "checkpoints").double().cpu().numpy()
    loss = numbers(f"losses of {what}", curve.loss, len(compute)).double().cpu().numpy()
    if len(compute) < 2:
        raise InputError(f"{what} has {len(compute)} checkpoints, expected two or more")
    if compute[0] <= 0 or (np.diff(compute) <= 0).any():
        raise InputError(f"compute of {what} is {compute.tolist()}, expected numbers above 0 that rise")
    return compute, loss


def _on_curve(compute: np.ndarray, loss: np.ndarray, delta: float) -> Equivalent:
    target, full = loss[-1] + delta, compute[-1]
    as_large = np.flatnonzero(loss >= target)
    if not len(as_large):
        said = f"a loss of {target:.4g} is above that of every checkpoint ({loss.max():.4g}): the share is below "
        return Equivalent(None, None, None, said + f"{compute[0] / full:.3g}")
    last = int(as_large[-1])
    if last == len(loss) - 1:
        if delta < 0:
            return Equivalent(None, None, None, f"a loss of {target:.4g} is below the host's own: the share is above 1")
        return Equivalent(1.0, None, None, "")
    part = (loss[last] - target) / (loss[last] - loss[last + 1])
    at = np.log(compute[last]) + part * (np.log(compute[last + 1]) - np.log(compute[last]))
    return Equivalent(float(np.exp(at) / full), None, None, "")


def _on_line(line: Line, full: float, delta: float) -> Equivalent:
    target = line.loss(full) + delta
    if delta == 0:
        return Equivalent(1.0, None, None, "")
    if target <= line.floor:
        return Equivalent(None, None, None, f"a loss of {target:.4g} is below the line's floor ({line.floor:.4g})")
    share = line.compute(target) / full
    low, high = line.losses
    if not low <= target <= high:
        side = "below the smallest" if target < low else "above the largest"
        said = f"a loss of {target:.4g} is {side} that the line was fitted to ({low if target < low else high:.4g})"
        return Equivalent(None, None, None, said, share)
    return Equivalent(share, None, None, "")


def _line(curves: list[tuple[np.ndarray, np.ndarray]], warm_up: float) -> Line | None:
    """The scaling line of the envelope; None where that has too few points, or does not fall."""
    late = [compute >= warm_up * compute[-1] for compute, _ in curves]
    compute, loss = (
        np.concatenate([column[some] for column, some in zip(columns, late, strict=True)])
        for columns in zip(*curves, strict=True)
    )
    order = np.lexsort((loss, compute))
    compute, loss = compute[order], loss[order]
    before = np.concatenate([[np.inf], np.minimum.accumulate(loss)[:-1]])
    compute, loss = compute[loss < before], loss[loss < before]
    if len(compute) < LEAST_POINTS:
        return None
    unit = float(np.exp(np.log(compute).mean()))
    steps = np.log(compute / unit)

    def fitted(exponent: float) -> tuple[np.ndarray, float]:
        # for a given exponent the rest is linear; neither floor nor scale is below 0
        weights, residual = nnls(np.stack([np.ones_like(steps), np.exp(-exponent * steps)], 1), loss)
        return weights, float(residual)

    grid = np.geomspace(*EXPONENTS, 60)
    best = int(np.argmin([fitted(exponent)[1] for exponent in grid]))
    around = (grid[max(0, best - 1)], grid[min(len(grid) - 1, best + 1)])
    exponent = float(
        minimize_scalar(lambda e: fitted(e)[1], bounds=around, method="bounded", options={"xatol": 1e-9}).x
    )
    (floor, scale), residual = fitted(exponent)
    if not scale > 0:
        return None
    return Line(
        floor=float(floor), scale=float(scale), exponent=exponent, unit=unit, points=len(compute),
        residual=residual / len(compute) ** 0.5, losses=(float(loss.min()), float(loss.max())),
    )  # fmt: skip
