"""What a latent does to the host's answer: ablation, steering, and attribution with its check.

`tower.host_map` gives host state = offset + codes @ directions, so taking a latent out, or setting it, moves a state
along one direction, and the host runs on from there: no approximation. All changes are measured from the decoded
state, not from the host's own, so that the reconstruction error is in neither side of the difference.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.stats import spearmanr
from torch import Tensor

# Pairs of a row and a latent whose states are held at once: 256 numbers each are 20 MB.
CHUNK = 20_000
Z95 = 1.96
# A latent is steered to a strong but real activation: this point of those that it has.
STRONG = 0.95
Readout = Callable[[Tensor], Tensor]
"""Host states to logits, differentiable."""


@dataclass(frozen=True)
class Decoded:
    """Rows as the tower gives them back to the host: state = offset + codes @ directions."""

    codes: Float[Tensor, "rows latents"]
    directions: Float[Tensor, "latents d_host"]
    offset: Float[Tensor, " d_host"]
    readout: Readout
    along: Float[Tensor, "latents d_host"] | None = None
    """What ablation moves along, if not `directions`: for the question what any move of that length would do."""

    def states(self) -> Float[Tensor, "rows d_host"]:
        """Decoded host states."""
        return self.offset + self.codes @ self.directions


@dataclass(frozen=True)
class Effect:
    """A mean change of each class probability, in -1..1, with half its 95% interval (normal approximation)."""

    mean: Float[Tensor, "latents classes"]
    """NaN for a latent that has no row to be measured on."""
    half: Float[Tensor, "latents classes"]
    """NaN below two rows."""
    rows: Int[Tensor, " latents"]
    """Rows that each mean is over."""


@dataclass(frozen=True)
class Focus:
    """How strongly latents move class probabilities, and how much of that falls on the class that each stands for."""

    effect: float
    """Mean over latents of what rises (steering) or falls (ablation) in all, in 0..1; NaN without a latent."""
    focus: float
    """Share of all that rises or falls which is on the latents' own classes: sums over latents, divided once, so that
    latents without an effect do not count. NaN where nothing moves."""
    latents: int


@dataclass(frozen=True)
class Attribution:
    """Gradient times activation, the linear guess at what ablation does to a logit."""

    mean: Float[Tensor, "latents classes"]
    """Mean over the rows on which a latent is on, in logits; NaN where there are none."""
    rank_correlation: float
    """Spearman's rho between attribution and the true change by ablation, over all pairs of a row and an active
    latent, for the class that the row is answered with; NaN below three pairs, and where either side does not vary."""
    pairs: int


@torch.no_grad()
def ablation(given: Decoded) -> Effect:
    """Change of class probabilities when a latent's code is set to 0, over the rows on which it is on."""
    before = given.readout(given.states()).softmax(1)
    sums = _Sums(given.codes.shape[1], before.shape[1])
    for rows, latents, without in _without(given):
        sums.add(latents, without.softmax(1) - before[rows])
    return sums.effect()


@torch.no_grad()
def steering(given: Decoded, strengths: Float[Tensor, " latents"]) -> Effect:
    """Change of class probabilities when a latent's code is set to its strength, over all rows given.

    A strength of NaN leaves the latent out.
    """
    states = given.states()
    before = given.readout(states).softmax(1)
    sums = _Sums(given.codes.shape[1], before.shape[1])
    for latent in (~torch.isnan(strengths)).nonzero().flatten().tolist():
        change = strengths[latent] - given.codes[:, latent]
        after = given.readout(states + change[:, None] * given.directions[latent]).softmax(1)
        sums.add(torch.full((len(states),), latent), after - before)
    return sums.effect()


def focus(effect: Effect, own: Int[Tensor, " latents"], sign: int) -> Focus:
    """What rises (`sign` 1) or falls (-1), over latents that have a class of their `own` (-1: none) and an effect."""
    known = (own >= 0) & ~torch.isnan(effect.mean).any(1)
    moved = (sign * effect.mean[known].double()).clamp(min=0)
    if not len(moved):
        return Focus(math.nan, math.nan, 0)
    on_own = float(moved.gather(1, own[known][:, None]).sum())
    whole = float(moved.sum())
    return Focus(whole / len(moved), on_own / whole if whole > 0 else math.nan, len(moved))


def strong_activations(codes: Float[Tensor, "rows latents"]) -> Float[Tensor, " latents"]:
    """The 95% point of each latent's activations above 0; NaN where there are none."""
    return torch.where(codes > 0, codes, torch.nan).nanquantile(STRONG, 0)


def attribution(given: Decoded) -> Attribution:
    """Gradient of each logit at the decoded state, along each latent's direction, times its code."""
    states = given.states().requires_grad_()
    with torch.enable_grad():
        logits = given.readout(states)
        # a readout may branch on sums of rows, so gradients are taken one class at a time, for all rows together
        slopes = [torch.autograd.grad(column.sum(), states, retain_graph=True)[0] for column in logits.unbind(1)]
    per_class = torch.stack([slope @ given.directions.T for slope in slopes], 2) * given.codes[..., None]
    on = (given.codes > 0).sum(0)
    mean = per_class.sum(0) / torch.where(on > 0, on, torch.nan)[:, None]
    answered = logits.detach().argmax(1)
    guessed, true = [], []
    with torch.no_grad():
        for rows, latents, without in _without(given):
            said = answered[rows]
            guessed.append(per_class[rows, latents, said])
            true.append(logits[rows, said] - without.gather(1, said[:, None])[:, 0])
    pairs = sum(len(part) for part in guessed)
    rho = math.nan
    if pairs > 2:
        guess, change = torch.cat(guessed).numpy(), torch.cat(true).numpy()
        if np.ptp(guess) > 0 and np.ptp(change) > 0:
            rho = float(spearmanr(guess, change).statistic)
    return Attribution(mean.detach(), rho, pairs)


def _without(given: Decoded) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """(rows, latents, logits without that latent) for all pairs of a row and an active latent, chunk by chunk."""
    states = given.states()
    pairs = (given.codes > 0).nonzero()
    for start in range(0, len(pairs), CHUNK):
        rows, latents = pairs[start : start + CHUNK].unbind(1)
        along = given.directions if given.along is None else given.along
        part = given.codes[rows, latents][:, None] * along[latents]
        yield rows, latents, given.readout(states[rows] - part)


class _Sums:
    """Sums and sums of squares per latent, divided once."""

    def __init__(self, latents: int, classes: int) -> None:
        self.total = torch.zeros(latents, classes, dtype=torch.float64)
        self.squares = torch.zeros(latents, classes, dtype=torch.float64)
        self.rows = torch.zeros(latents, dtype=torch.int64)

    def add(self, latents: Tensor, change: Tensor) -> None:
        self.total.index_add_(0, latents, change.double())
        self.squares.index_add_(0, latents, change.double() ** 2)
        self.rows.index_add_(0, latents, torch.ones_like(latents))

    def effect(self) -> Effect:
        n = torch.where(self.rows > 0, self.rows, torch.nan)[:, None]
        mean = self.total / n
        spread = ((self.squares / n - mean**2).clamp(min=0) * n / torch.where(n > 1, n - 1, torch.nan)).sqrt()
        return Effect(mean.float(), (Z95 * spread / n.sqrt()).float(), self.rows)
