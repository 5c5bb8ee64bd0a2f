"""Whether a feature that people know of is one latent: the loss of the best one-dimensional probe."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sae.errors import InputError
from sae.evaluations._features import Features, columns, features, means, width
from sae.evaluations._given import mask, numbers, whole
from sae.evaluations._logistic import Score, fit, fit_choosing, fit_single, score
from sae.seeding import stream
from sae.values import real, says_itself


@dataclass(frozen=True)
class ProbeLosses:
    """What `probe_loss` found of one binary task; scores are on held-out rows, in nats a row."""

    latent: int
    """Whose probe has the least cross-entropy on the TRAINING rows."""
    train: float
    """That least cross-entropy. It is what choosing among all latents makes of it: read `best`."""
    best: Score
    """Of that latent's probe."""
    top: dict[int, Score]
    """By k: of a probe on the k latents whose means over the two labels differ most on training rows."""
    chosen: dict[int, tuple[int, ...]]
    """Those latents, most different first."""
    chance: Score
    """Of the training rows' share of positive labels: the entropy of the base rate."""
    shuffled: Score
    """Of the latent and its probe that win where the training labels are shuffled: what choosing gives by itself."""
    unconverged: int
    """Probes of single latents that Newton's method had not finished."""


@says_itself
def probe_loss(
    train: Features,
    train_labels: Bool[Tensor, " rows"],
    held_out: Features,
    held_out_labels: Bool[Tensor, " held_out"],
    *,
    groups: Int[Tensor, " held_out"] | None = None,
    ks: tuple[int, ...] = (1, 5),
    l2: float = 1.0,
    seed: int = 0,
) -> ProbeLosses:
    """Probe loss of Gao et al. (2024, arXiv 2406.04093, section 4.2): the least cross-entropy over latents of a
    one-dimensional logistic probe, by Newton's method, on a binary task; and sparse probing with k latents (Gurnee et
    al. 2023, arXiv 2305.01610; chosen by difference of means as in SAEBench, arXiv 2503.09532).

    `train` and `held_out` are codes, or dense columns: neurons, PCA and random dictionaries are further calls. Latents
    are chosen, and probes fitted, on training rows alone. `groups` are the documents of held-out rows, for errors.
    A probe on the activations themselves is `raw_probe`. Time and memory go with the values that are not 0 (16,384
    latents, 20,000 rows, 32 of them active: some 100 MB).

    Raises InputError for shapes that do not fit or rows of one label only, NumericError for NaN and infinity.
    """
    train, held_out = features("training features", train), features("held-out features", held_out)
    if width(train) != width(held_out):
        raise InputError(f"held-out features have {width(held_out)} latents, expected {width(train)} as in training")
    labels, held_labels = _labels(train, train_labels, "training"), _labels(held_out, held_out_labels, "held-out")
    groups = None if groups is None else whole("groups", groups, len(held_labels))
    l2 = real("l2", l2, above=0)
    probes = fit_single(train, labels, l2)
    order = torch.randperm(len(labels), generator=stream(seed, "labels"), device="cpu").to(labels.device)
    by_chance = fit_single(train, labels[order], l2)

    def of_best(weights: Tensor, biases: Tensor, losses: Tensor) -> Score:
        best = losses.argmin()
        return score(columns(held_out, best[None])[:, 0] * weights[best] + biases[best], held_labels, groups)

    apart = (means(train, labels) - means(train, ~labels)).abs()
    top, chosen = {}, {}
    for k in ks:
        latents = apart.topk(min(k, len(apart))).indices
        probe = fit(columns(train, latents), labels, l2)
        top[k] = score(probe.logits(columns(held_out, latents)), held_labels, groups)
        chosen[k] = tuple(latents.tolist())
    base = torch.full(
        (len(held_labels),), float(torch.logit(labels.double().mean())), dtype=torch.float64, device="cpu"
    )
    return ProbeLosses(
        latent=int(probes.losses.argmin()),
        train=float(probes.losses.min()),
        best=of_best(probes.weights, probes.biases, probes.losses),
        top=top,
        chosen=chosen,
        chance=score(base.to(held_labels.device), held_labels, groups),
        shuffled=of_best(by_chance.weights, by_chance.biases, by_chance.losses),
        unconverged=probes.unconverged,
    )


@dataclass(frozen=True)
class RawProbe:
    """A probe on all columns of the activations."""

    score: Score
    l2: float
    """The penalty that was the best on a fifth of the training rows."""


@says_itself
def raw_probe(
    train: Float[Tensor, "rows width"],
    train_labels: Bool[Tensor, " rows"],
    held_out: Float[Tensor, "held_out width"],
    held_out_labels: Bool[Tensor, " held_out"],
    *,
    groups: Int[Tensor, " held_out"] | None = None,
    seed: int = 0,
) -> RawProbe:
    """Logistic regression on activations, its L2 penalty chosen on training rows: what the rows themselves tell about a
    task, which no latent by itself need reach. Memory 16 bytes * rows * width. Raises as `probe_loss` does."""
    train = numbers("training rows", train, "rows", "width")
    held_out = numbers("held-out rows", held_out, "rows", train.shape[1])
    labels, held_labels = _labels(train, train_labels, "training"), _labels(held_out, held_out_labels, "held-out")
    probe = fit_choosing(train, labels, seed)
    return RawProbe(score(probe.logits(held_out), held_labels, groups), probe.l2)


def _labels(rows: Features, labels: Tensor, which: str) -> Tensor:
    found = mask(f"{which} labels", labels, len(rows))
    positive = int(found.sum())
    if not 0 < positive < len(found):
        raise InputError(f"{positive} of {len(found)} {which} labels are true, expected some of both")
    return found
