"""TPP: whether a few latents carry one class and leave the others alone."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sae.errors import InputError
from sae.evaluations._features import columns, means
from sae.evaluations._given import rows_with_codes, whole
from sae.evaluations._logistic import Probe, fit
from sae.records import Codes
from sae.seeding import stream
from sae.values import real, says_itself


@dataclass(frozen=True)
class Perturbed:
    """What the ablation of k latents a class does to the probes, on held-out rows."""

    score: float
    """Mean fall of the balanced accuracy of a class's own probe - mean fall of the other classes' probes. About .5
    where the latents carry all of a class and nothing else; 0 where they carry nothing, or all classes alike."""
    own: float
    """The first of the two."""
    other: float
    """The second of the two."""
    falls: Float[Tensor, "classes probes"]
    """Fall of the accuracy of each probe where a class's latents are ablated."""
    latents: tuple[tuple[int, ...], ...]
    """Of each class; fewer than k where fewer act on its probe."""


@dataclass(frozen=True)
class Perturbations:
    """What `targeted_perturbation` found."""

    by_k: dict[int, Perturbed]
    random: dict[int, Perturbed]
    """Control: as many latents of each class drawn from those that fire on its training rows."""
    accuracies: Float[Tensor, " classes"]
    """Balanced accuracy of the probes before: a probe near .5 has nothing to lose."""


@says_itself
def targeted_perturbation(
    train: Float[Tensor, "rows width"],
    train_codes: Codes,
    train_classes: Int[Tensor, " rows"],
    held_out: Float[Tensor, "held_out width"],
    held_out_codes: Codes,
    held_out_classes: Int[Tensor, " held_out"],
    directions: Float[Tensor, "n_latents width"],
    *,
    ks: tuple[int, ...] = (2, 5, 10, 20, 50),
    l2: float = 10.0,
    seed: int = 0,
) -> Perturbations:
    """Targeted probe perturbation of SAEBench (Karvonen et al. 2025, arXiv 2503.09532). A logistic probe of each class
    against the rest is fitted to the activations. Its latents are those of largest max(0, mean in class - mean
    elsewhere) * (direction . probe), on training rows. On held-out rows they are taken away, value * direction at a
    time so that what the SAE leaves over stays, and the balanced accuracy of every class's probe is read again.

    Rows are one a text (such as the mean over its places) or one a token; an activation of 1 adds `directions`, in the
    rows' units. As in SAEBench, but for: balanced accuracy in place of a balanced draw of rows, and latents drawn at
    random beside. Other codes (neurons, a random dictionary) are further calls.

    Raises InputError for fewer than two classes, a class that one of the sides lacks, or shapes that do not fit;
    NumericError for NaN and infinity.
    """
    train, held_out, directions = rows_with_codes(train, train_codes, held_out, held_out_codes, directions)
    classes = whole("training classes", train_classes, len(train))
    held_classes = whole("held-out classes", held_out_classes, len(held_out))
    names = sorted(set(classes.tolist()))
    if len(names) < 2 or set(held_classes.tolist()) != set(names):
        raise InputError(
            f"classes are {names} in training and {sorted(set(held_classes.tolist()))} held out, expected the same two "
            "or more"
        )
    marks = [(classes == name, held_classes == name) for name in names]
    probes = [fit(train, mark, real("l2", l2, above=0)) for mark, _ in marks]
    before = _accuracies(probes, held_out, marks)
    ranked, firing = [], []
    for probe, (mark, _) in zip(probes, marks, strict=True):
        inside = means(train_codes, mark)
        acts = (inside - means(train_codes, ~mark)).clamp(min=0) * (directions @ probe.weights)
        order = acts.argsort(descending=True, stable=True)
        ranked.append(order[acts[order] > 0])
        firing.append(inside.nonzero().flatten())
    shuffled = [
        some[torch.randperm(len(some), generator=stream(seed, "latents", place), device="cpu").to(some.device)]
        for place, some in enumerate(firing)
    ]

    def perturbed(choice: list[Tensor], counts: list[int]) -> Perturbed:
        chosen = [latents[:count] for latents, count in zip(choice, counts, strict=True)]
        falls = torch.stack(
            [
                before - _accuracies(probes, held_out - columns(held_out_codes, some) @ directions[some], marks)
                for some in chosen
            ]
        )
        own = float(falls.diagonal().mean())
        other = float((falls.sum() - falls.trace()) / (falls.numel() - len(falls)))
        return Perturbed(own - other, own, other, falls, tuple(tuple(some.tolist()) for some in chosen))

    by_k, random = {}, {}
    for k in ks:
        by_k[k] = perturbed(ranked, [k] * len(names))
        random[k] = perturbed(shuffled, [len(some) for some in by_k[k].latents])
    return Perturbations(by_k, random, before)


def _accuracies(
    probes: list[Probe], rows: Tensor, marks: list[tuple[Bool[Tensor, " rows"], Bool[Tensor, " held_out"]]]
) -> Float[Tensor, " classes"]:
    """Balanced accuracy of each class's probe: half the shares of its rows and of the rest that it gets right."""
    found = []
    for probe, (_, mark) in zip(probes, marks, strict=True):
        says = probe.logits(rows) > 0
        found.append((float(says[mark].double().mean()) + float((~says[~mark]).double().mean())) / 2)
    return torch.tensor(found, dtype=torch.float64, device="cpu")
