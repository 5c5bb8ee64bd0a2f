"""How few tokens' logits the ablation of one latent moves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sae.errors import InputError
from sae.evaluations._estimate import Estimate, mean
from sae.evaluations._given import numbers, whole
from sae.evaluations._spliced import GoOn, logits_of, pieces, random_like
from sae.given import check_codes
from sae.records import Codes
from sae.seeding import stream
from sae.values import says_itself
from sae.values import whole as whole_number

# Units in the last place.
ROUNDING = 4.0


@dataclass(frozen=True)
class Sparsity:
    """Of the effects of one kind of change."""

    value: Estimate | None
    """Mean over cases of (L1 / L2)^2 / (V T): 1 / (V T) where one logit moves, 1 where all move alike. None where no
    case has an effect."""
    shares: Float[Tensor, " effective"]
    """Of each case that has an effect."""
    no_effect: int
    """Cases that move no logit by more than the rounding of the largest: their share is not defined, and left out."""
    size: float
    """Root mean square of the logit differences of all cases, in nats: what is sparse may be so for being small."""


@dataclass(frozen=True)
class Sparsities:
    """What `ablation_sparsity` found; all kinds of change on the same cases."""

    own: Sparsity
    random: Sparsity
    """Of random directions, each as long as the change it stands for."""
    others: dict[str, Sparsity]
    after: int
    """T, the places whose logits are looked at."""
    vocabulary: int


@says_itself
def ablation_sparsity(
    go_on: GoOn,
    contexts: Int[Tensor, "cases places"],
    activations: Float[Tensor, "cases places width"],
    at: Int[Tensor, " cases"],
    change: Float[Tensor, "cases width"],
    others: Mapping[str, Float[Tensor, "cases width"]] | None = None,
    *,
    groups: Int[Tensor, " cases"] | None = None,
    after: int = 16,
    seed: int = 0,
) -> Sparsities:
    """Gao et al. (2024, arXiv 2406.04093, section 4.5): `change` is added to a case's activations at its place `at`
    alone, which for the ablation of latent j is -value_j * direction_j (what the SAE leaves over stays). The logits of
    T = `after` places from there on, the ablated one first, less those without the change, less the median over the
    vocabulary at each place (a constant moves no probability), are one vector; its (L1 / L2)^2 / (V T) is the share.

    The share is a mean over cases, as the paper defines it. Which latent is ablated: see `drawn_latents`. `others` are
    controls on the same cases: `drawn_neurons`, or the latents of a random dictionary. Random directions always stand
    beside it. `groups`, such as contexts, are for the errors. A case costs one pass of the host a change, of at + T
    places.

    Raises InputError for shapes that do not fit or a place with fewer than T places from it on, NumericError for NaN.
    """
    contexts = whole("contexts", contexts, "cases", "places")
    activations = numbers("activations", activations, *contexts.shape, "width")
    cases, width = len(contexts), activations.shape[2]
    at = whole("places", at, cases)
    after = whole_number("after", after, 1)
    groups = None if groups is None else whole("groups", groups, cases)
    if not cases:
        raise InputError("no case was given, expected one or more")
    if int(at.max()) + after > contexts.shape[1]:
        case = int(at.argmax())
        raise InputError(
            f"case {case}: {contexts.shape[1] - int(at[case])} places from place {int(at[case])} on, expected {after}"
        )
    own = numbers("change", change, cases, width)
    changes = {"own": own, "random": random_like(own, seed)}
    changes |= {f"of {name}": numbers(name, other, cases, width) for name, other in (others or {}).items()}
    shares: dict[str, list[Tensor]] = {name: [] for name in changes}
    squares = dict.fromkeys(changes, 0.0)
    vocabulary = 0
    for part in pieces(cases):
        read = contexts[part, : int(at[part].max()) + after]
        base = activations[part, : read.shape[1]]
        row = torch.arange(len(read), device=at.device)
        window = at[part, None] + torch.arange(after, device=at.device)
        clean = logits_of(go_on, read, base)[row[:, None], window]
        vocabulary = clean.shape[-1]
        # what differences of equal numbers come to: without this the noise of a change that does nothing looks dense
        largest = clean.double().flatten(1).abs().amax(1)
        rounding = ROUNDING * torch.finfo(clean.dtype).eps * largest * (after * vocabulary) ** 0.5
        for name, vectors in changes.items():
            changed = base.clone()
            changed[row, at[part]] += vectors[part]
            moved = (logits_of(go_on, read, changed)[row[:, None], window] - clean).double()
            moved = (moved - moved.median(-1, keepdim=True).values).flatten(1)
            square = moved.pow(2).sum(1)
            share = moved.abs().sum(1).pow(2) / (square * moved.shape[1])
            shares[name].append(torch.where(square.sqrt() > rounding, share, torch.nan))
            squares[name] += float(square.sum())

    def found(name: str) -> Sparsity:
        share = torch.cat(shares[name])
        some = ~share.isnan()
        return Sparsity(
            value=mean(share[some], None if groups is None else groups[some]) if bool(some.any()) else None,
            shares=share[some],
            no_effect=int((~some).sum()),
            size=(squares[name] / (cases * after * vocabulary)) ** 0.5,
        )

    named = {name: found(f"of {name}") for name in others or {}}
    return Sparsities(found("own"), found("random"), named, after, vocabulary)


@dataclass(frozen=True)
class Drawn:
    """One latent or neuron a case, and the change that its ablation is."""

    which: Int[Tensor, " cases"]
    change: Float[Tensor, "cases width"]


@says_itself
def drawn_latents(codes: Codes, directions: Float[Tensor, "n_latents width"], seed: int = 0) -> Drawn:
    """Of each case's active latents one, each as likely as another, ablated: what the paper does with all of them in
    turn. An activation of 1 adds `directions`, in the host's units. Raises InputError for a case without one."""
    check_codes(codes)
    directions = numbers("directions", directions, codes.n_latents, "width")
    active = codes.values > 0
    if codes.values.ndim != 2 or not bool(active.any(1).all()):
        without = f"case {int((~active.any(1)).nonzero()[0])} has none" if codes.values.ndim == 2 else "codes.flat()"
        raise InputError(f"codes have shape {tuple(active.shape)}, expected (cases, k), one active or more: {without}")
    chance = torch.rand(active.shape, generator=stream(seed, "latents"), device="cpu", dtype=torch.float32).to(
        active.device
    )
    place = torch.where(active, chance, -1.0).argmax(1, keepdim=True)
    which, value = codes.indices.gather(1, place)[:, 0], codes.values.gather(1, place)
    return Drawn(which, -value.to(directions) * directions[which])


@says_itself
def drawn_neurons(activations: Float[Tensor, "cases width"], mean: Float[Tensor, " width"], seed: int = 0) -> Drawn:
    """Of each case one neuron, each as likely as another, set to its mean: no value of a neuron stands for none."""
    activations = numbers("activations", activations, "cases", "width")
    off = activations - numbers("mean", mean, activations.shape[1])
    which = torch.randint(
        0, off.shape[1], (len(off),), generator=stream(seed, "neurons"), device="cpu", dtype=torch.int64
    ).to(off.device)
    return Drawn(which, torch.zeros_like(off).scatter(1, which[:, None], -off.gather(1, which[:, None])))
