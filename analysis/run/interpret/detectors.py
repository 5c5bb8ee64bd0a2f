"""Is a latent a detector of a class? Chosen on training rows, scored on held-out ones, against shuffled labels.

Every shuffle of the labels chooses the class anew, as the real labels do, because what F1 reaches by luck grows with
the class: a null that kept the real class would be too easy for latents of a rare one. P-values are corrected over the
latents of a depth (Benjamini and Hochberg 1995). Activations stay as they are: a shuffle keeps how often and how
strongly a latent fires.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from analysis.run.interpret.explain import benjamini_hochberg
from sae.errors import DataError

# So many shuffles are done in one product: 50 shuffles of 8,000 rows and 10 classes are 16 MB; fewer of more classes.
AT_ONCE, CLASSES_AT_ONCE = 50, 500
NULL_POINT = 0.95


@dataclass(frozen=True)
class Shown:
    """Rows of a split as a latent sees them."""

    activations: Float[Tensor, "rows latents"]
    labels: Int[Tensor, " rows"]
    n_classes: int

    def __post_init__(self) -> None:
        if len(self.activations) != len(self.labels):
            raise DataError(f"{len(self.activations)} rows of activations for {len(self.labels)} labels")


@dataclass(frozen=True)
class Detectors:
    """One entry a latent; NaN (class -1) for one that never fires on training or held-out rows."""

    chosen: Int[Tensor, " latents"]
    """The class with the largest mean activation on training rows."""
    f1: Float[Tensor, " latents"]
    """Harmonic mean of precision and recall of firing as a sign of the class, held out."""
    precision: Float[Tensor, " latents"]
    """Of the held-out rows on which a latent fires, the share that has its class."""
    recall: Float[Tensor, " latents"]
    """Of the held-out rows of its class, the share on which it fires."""
    null: Float[Tensor, " latents"]
    """95% point of `f1` over shuffles."""
    share_null: Float[Tensor, " latents"]
    """95% point over shuffles of the largest share of activation that falls on one class, held out."""
    p: Float[Tensor, " latents"]
    """Share of shuffles, the real labels among them, with as large an `f1`."""
    q: Float[Tensor, " latents"]
    """`p` corrected over the latents that have one: the share of false finds among those up to this one."""


def detectors(train: Shown, held_out: Shown, permutations: int, generator: torch.Generator) -> Detectors:
    """Class, held-out F1 and its null for every latent. Raises DataError for fewer than 19 permutations, with which
    no latent could pass 5%, and for splits that do not belong together."""
    if permutations < 19:
        raise DataError(f"{permutations} permutations: needs at least 19 to tell 5%")
    sizes = [(shown.activations.shape[1], shown.n_classes) for shown in (train, held_out)]
    if sizes[0] != sizes[1]:
        raise DataError(f"latents and classes are {sizes[0]} in training rows, {sizes[1]} in held-out ones")
    chosen, f1 = _score(train, held_out, [train.labels], [held_out.labels])
    fires = (train.activations > 0).any(0) & (held_out.activations > 0).any(0)
    null, shares = [], []
    at_once = min(AT_ONCE, max(1, CLASSES_AT_ONCE // train.n_classes))
    for start in range(0, permutations, at_once):
        count = min(at_once, permutations - start)
        on_train = [_shuffled(train.labels, generator) for _ in range(count)]
        on_held_out = [_shuffled(held_out.labels, generator) for _ in range(count)]
        null.append(_score(train, held_out, on_train, on_held_out)[1])
        shares.append(_top_share(held_out, on_held_out))
    shuffled = torch.cat(null)
    precision, recall = _both(held_out, chosen[0])
    p = (1 + (shuffled >= f1).sum(0).double()) / (1 + permutations)
    blank = torch.full_like(p, torch.nan)
    return Detectors(
        chosen=torch.where(fires, chosen[0], -1),
        f1=torch.where(fires, f1[0], blank),
        precision=torch.where(fires, precision, blank),
        recall=torch.where(fires, recall, blank),
        null=torch.where(fires, shuffled.quantile(NULL_POINT, 0), blank),
        share_null=torch.where(fires, torch.cat(shares).quantile(NULL_POINT, 0), blank),
        p=torch.where(fires, p, blank),
        q=corrected(torch.where(fires, p, blank)),
    )


def best_class(shown: Shown) -> Int[Tensor, " latents"]:
    """The class with the largest mean activation; -1 for a latent that never fires."""
    rows = torch.bincount(shown.labels, minlength=shown.n_classes).clamp(min=1)
    means = _by_class(shown.activations, [shown.labels], shown.n_classes)[0] / rows
    return torch.where((shown.activations > 0).any(0), means.argmax(1), -1)


def corrected(p: Float[Tensor, " latents"]) -> Float[Tensor, " latents"]:
    """Benjamini-Hochberg q-values over the entries that are not NaN."""
    return torch.from_numpy(benjamini_hochberg(p.double().numpy())).to(p.dtype)


def _shuffled(labels: Tensor, generator: torch.Generator) -> Tensor:
    return labels[torch.randperm(len(labels), generator=generator)]


def _by_class(values: Float[Tensor, "rows latents"], labelings: list[Tensor], n_classes: int) -> Tensor:
    """Sums of `values` (shuffles, latents, classes) over the rows of each class, in one product."""
    onehot = torch.cat([torch.nn.functional.one_hot(labels, n_classes) for labels in labelings], 1)
    sums = values.T @ onehot.to(values.dtype)
    return sums.reshape(values.shape[1], len(labelings), n_classes).transpose(0, 1).double()


def _score(
    train: Shown, held_out: Shown, on_train: list[Tensor], on_held_out: list[Tensor]
) -> tuple[Int[Tensor, "shuffles latents"], Float[Tensor, "shuffles latents"]]:
    """The class of each latent by training labels, and F1 for it by held-out labels."""
    rows = torch.bincount(train.labels, minlength=train.n_classes).clamp(min=1)
    chosen = (_by_class(train.activations, on_train, train.n_classes) / rows).argmax(2)
    fired = (held_out.activations > 0).to(held_out.activations.dtype)
    hits = _by_class(fired, on_held_out, held_out.n_classes).gather(2, chosen[..., None])[..., 0]
    class_rows = torch.bincount(held_out.labels, minlength=held_out.n_classes)[chosen]
    # F1 = 2 hits / (fired + rows of the class); a latent that never meets its class has 0, not 0 / 0
    return chosen, 2 * hits / (fired.sum(0).double() + class_rows).clamp(min=1)


def _both(held_out: Shown, chosen: Int[Tensor, " latents"]) -> tuple[Tensor, Tensor]:
    """Precision and recall of firing as a sign of the chosen class."""
    fired = (held_out.activations > 0).to(held_out.activations.dtype)
    by_class = _by_class(fired, [held_out.labels], held_out.n_classes)[0]
    hits = by_class.gather(1, chosen[:, None])[:, 0]
    rows = torch.bincount(held_out.labels, minlength=held_out.n_classes)[chosen]
    return hits / by_class.sum(1).clamp(min=1), hits / rows.clamp(min=1)


def _top_share(held_out: Shown, labelings: list[Tensor]) -> Float[Tensor, "shuffles latents"]:
    mass = _by_class(held_out.activations, labelings, held_out.n_classes)
    share: Tensor = mass.amax(2) / mass.sum(2).clamp(min=1e-12)
    return share
