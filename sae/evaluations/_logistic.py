"""Logistic regression by Newton's method: on a few or on hundreds of columns, and on single latents, all at once."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import softplus

from sae.evaluations._estimate import Estimate, mean
from sae.evaluations._features import Entries, Features, blocks
from sae.seeding import stream

STEPS = 60
# Of the loss, in nats a row: what the next step would still gain.
CLOSE = 1e-9
# Penalties that a probe on many columns chooses from, on a fifth of its rows.
PENALTIES = (1.0, 10.0, 100.0, 1000.0)


@dataclass(frozen=True)
class Score:
    """How well probabilities fit labels of held-out rows."""

    loss: Estimate
    """Cross-entropy, nats a row."""
    accuracy: Estimate
    """Share of the rows whose label is the likelier one."""


def score(
    logits: Float[Tensor, " rows"], labels: Bool[Tensor, " rows"], groups: Int[Tensor, " rows"] | None = None
) -> Score:
    """The score of log-odds; errors are over `groups`, such as documents (None: rows are independent)."""
    loss = softplus(torch.where(labels, -logits, logits).double())
    return Score(mean(loss, groups), mean(((logits > 0) == labels).double(), groups))


@dataclass(frozen=True)
class Probe:
    """log-odds = rows @ weights + bias."""

    weights: Float[Tensor, " width"]
    bias: float
    l2: float
    """Of the penalty l2 / 2 * ||weights * deviation||^2, beside the loss summed over rows."""

    def logits(self, rows: Float[Tensor, "rows width"]) -> Float[Tensor, " rows"]:
        """The log-odds of rows."""
        return rows.double() @ self.weights + self.bias


def fit(
    rows: Float[Tensor, "rows width"], labels: Bool[Tensor, " rows"], l2: float, start: Probe | None = None
) -> Probe:
    """A probe on standardised columns, written for rows as they are. Both labels have to be there.

    Memory: 16 bytes * rows * width, and 8 * width^2.
    """
    x = rows.double()
    centre = x.mean(0)
    deviation = (x - centre).pow(2).mean(0).sqrt()
    deviation = torch.where(deviation > 1e-12 * (centre.abs() + 1), deviation, torch.inf)  # a constant says nothing
    x = torch.cat([(x - centre) / deviation, torch.ones_like(x[:, :1])], 1)
    y = labels.double()
    penalty = torch.full((x.shape[1],), l2, dtype=torch.float64, device=x.device)
    penalty[-1] = 0.0
    at = torch.zeros_like(penalty)
    at[-1] = torch.logit(y.mean())
    if start is not None:
        finite = torch.where(torch.isinf(deviation), 0.0, deviation)
        at = torch.cat([start.weights * finite, (start.weights @ centre + start.bias)[None]])

    def loss(weights: Tensor) -> Tensor:
        logits = x @ weights
        return softplus(logits).sum() - logits @ y + 0.5 * penalty @ weights.pow(2)

    now = loss(at)
    for _ in range(STEPS):
        chance = torch.sigmoid(x @ at)
        gradient = x.T @ (chance - y) + penalty * at
        curvature = x.T @ (x * (chance * (1 - chance))[:, None]) + torch.diag(penalty + 1e-9)
        step = torch.linalg.solve(curvature, gradient)
        gain = 0.5 * float(gradient @ step)
        if gain < CLOSE * len(x):
            break
        size = 1.0
        while not bool((then := loss(at - size * step)) <= now) and size > 1e-6:
            size /= 2
        at, now = at - size * step, then
    weights = at[:-1] / deviation
    return Probe(weights, float(at[-1] - weights @ centre), l2)


def fit_choosing(rows: Float[Tensor, "rows width"], labels: Bool[Tensor, " rows"], seed: int) -> Probe:
    """A probe whose penalty, of PENALTIES, is the best on a fifth of the rows, which it is then fitted to as well."""
    order = torch.randperm(len(rows), generator=stream(seed, "probe"), device="cpu").to(rows.device)
    apart, rest = order[: len(rows) // 5], order[len(rows) // 5 :]
    both = all(0 < int(labels[part].sum()) < len(part) for part in (apart, rest))
    probe, tried = None, []
    for l2 in sorted(PENALTIES, reverse=True) if both else ():
        probe = fit(rows[rest], labels[rest], l2, probe)
        tried.append((score(probe.logits(rows[apart]), labels[apart]).loss.value, l2))
    return fit(rows, labels, min(tried)[1] if tried else PENALTIES[-1], probe)


@dataclass(frozen=True)
class SingleProbes:
    """One probe a latent: log-odds = weight * value + bias."""

    weights: Float[Tensor, " n"]
    biases: Float[Tensor, " n"]
    losses: Float[Tensor, " n"]
    """Cross-entropy on the rows they were fitted to, nats a row."""
    unconverged: int
    """Probes that Newton's method had not finished; their losses are still those of their weights."""


def fit_single(given: Features, labels: Bool[Tensor, " rows"], l2: float = 1.0) -> SingleProbes:
    """A logistic probe of every latent by itself. Rows where a latent is 0 are counted, not visited, so time and memory
    go with the values that are not 0. `l2` is the penalty l2 / 2 * (weight * root mean square of the firings)^2 beside
    the loss summed over rows: about 1 row's worth, and enough for latents whose firings tell the labels apart.
    """
    parts = [_newton(part, labels, l2) for part in blocks(given)]
    weights, biases, losses = (
        torch.cat([getattr(part, name) for part in parts]) for name in ("weights", "biases", "losses")
    )
    return SingleProbes(weights, biases, losses, sum(part.unconverged for part in parts))


def _newton(part: Entries, labels: Tensor, l2: float) -> SingleProbes:
    fires, positive = part.sums(torch.ones_like(part.values)), int(labels.sum())
    scale = (part.sums(part.values.pow(2)) / fires.clamp(min=1)).sqrt().clamp(min=1e-30)
    value, is_true = part.values / scale[part.latents], labels[part.rows]
    sign = torch.where(is_true, -1.0, 1.0).double()
    fires_true = part.sums(is_true.double())
    silent_true, silent_false = positive - fires_true, (len(labels) - positive) - (fires - fires_true)

    def look(weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        """The loss of each latent, and the log-odds of its entries."""
        logits = weight[part.latents] * value + bias[part.latents]
        silent = silent_true * softplus(-bias) + silent_false * softplus(bias)
        return part.sums(softplus(sign * logits)) + silent, logits

    weight = torch.zeros(part.n, dtype=torch.float64, device=labels.device)
    bias = torch.full_like(weight, float(torch.logit(labels.double().mean())))
    loss, logits = look(weight, bias)
    working = torch.ones_like(weight, dtype=torch.bool)
    for _ in range(STEPS):
        chance, silent = torch.sigmoid(logits), torch.sigmoid(bias)
        off, curve = chance - is_true.double(), chance * (1 - chance)
        to_weight = part.sums(off * value) + l2 * weight
        to_bias = part.sums(off) + silent * silent_false - (1 - silent) * silent_true
        ww, wb = part.sums(curve * value.pow(2)) + l2, part.sums(curve * value)
        bb = part.sums(curve) + silent * (1 - silent) * (silent_true + silent_false) + 1e-9
        root = ww * bb - wb.pow(2)  # above 0: the penalty adds l2 * bb to what Cauchy and Schwarz leave
        by_weight, by_bias = (bb * to_weight - wb * to_bias) / root, (ww * to_bias - wb * to_weight) / root
        working = 0.5 * (by_weight * to_weight + by_bias * to_bias) > CLOSE * len(labels)
        if not bool(working.any()):
            break
        size, total = working.double(), loss + 0.5 * l2 * weight.pow(2)
        for _ in range(20):  # until no latent's loss has risen
            new = weight - size * by_weight, bias - size * by_bias
            new_loss, new_logits = look(*new)
            risen = new_loss + 0.5 * l2 * new[0].pow(2) > total
            if not bool(risen.any()):
                break
            size = torch.where(risen, size / 2, size)
        better = ~risen
        weight, bias = torch.where(better, new[0], weight), torch.where(better, new[1], bias)
        loss, logits = (new_loss, new_logits) if bool(better.all()) else look(weight, bias)
    return SingleProbes(weight / scale, bias, loss / len(labels), int(working.sum()))
