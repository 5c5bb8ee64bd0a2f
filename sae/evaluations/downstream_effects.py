"""What adding a direction does to the next token, beside random directions of the same length."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sae.errors import InputError
from sae.evaluations._estimate import Estimate, mean
from sae.evaluations._given import numbers, whole
from sae.evaluations._spliced import GoOn, logits_of, pieces, random_like
from sae.values import says_itself
from sae.values import whole as whole_number


@dataclass(frozen=True)
class Effect:
    """On the predictions at the last place of each context."""

    kl: Estimate
    """KL(without || with the change), nats, mean over contexts."""
    largest: float
    """The largest |mean change of a log-probability| of any token, nats."""


@dataclass(frozen=True)
class Effects:
    """What `downstream_effects` found."""

    own: Effect
    changes: Float[Tensor, " vocabulary"]
    """Mean over contexts of each token's change of log-probability, nats."""
    raised: tuple[tuple[int, float], ...]
    """Tokens whose log-probability rises most, with the change; only those that rise."""
    lowered: tuple[tuple[int, float], ...]
    """Tokens whose log-probability falls most."""
    random: tuple[Effect, ...]
    """Of each random direction, with the same amounts at the same places."""
    p: float
    """(1 + random directions whose KL is at least as large) / (1 + random directions)."""


@says_itself
def downstream_effects(
    go_on: GoOn,
    contexts: Int[Tensor, "contexts places"],
    activations: Float[Tensor, "contexts places width"],
    direction: Float[Tensor, " width"],
    amounts: Float[Tensor, "contexts places"],
    *,
    randoms: int = 9,
    top: int = 10,
    seed: int = 0,
) -> Effects:
    """The change of log-probabilities of the token after each context where amounts * direction is added to its
    activations. For a clamped latent the amounts are those of `steering`; for an ablated one, -value.

    A direction moves a host by its length alone, so random directions of that length, with the same amounts at the same
    places, say what a latent has to beat (Gurnee 2024, "SAE reconstruction errors are (empirically) pathological", for
    the same control of errors). One pass of the host a context and direction.

    Raises InputError for shapes that do not fit or nothing to add, NumericError for NaN and infinity.
    """
    contexts = whole("contexts", contexts, "contexts", "places")
    activations = numbers("activations", activations, *contexts.shape, "width")
    direction = numbers("direction", direction, activations.shape[2])
    amounts = numbers("amounts", amounts, *contexts.shape)
    randoms, top = whole_number("randoms", randoms, 1), whole_number("top", top, 1)
    if not float(direction.norm()) * float(amounts.abs().sum()) > 0:
        raise InputError("direction times amounts is 0 at every place, expected something to add")
    vectors = torch.cat([direction[None], random_like(direction.expand(randoms, -1), seed)])
    logs: list[list[Tensor]] = [[] for _ in range(len(vectors) + 1)]
    for part in pieces(len(contexts)):
        base = activations[part]
        logs[0].append(_last(go_on, contexts[part], base))
        for place, vector in enumerate(vectors, 1):
            logs[place].append(_last(go_on, contexts[part], base + amounts[part, :, None] * vector))
    clean, own, *others = (torch.cat(column) for column in logs)
    changes = (own - clean).mean(0)
    effect, random = _effect(clean, own), tuple(_effect(clean, other) for other in others)
    up, down = changes.topk(min(top, len(changes))), (-changes).topk(min(top, len(changes)))
    return Effects(
        own=effect,
        changes=changes,
        raised=tuple((token, by) for token, by in zip(up.indices.tolist(), up.values.tolist(), strict=True) if by > 0),
        lowered=tuple(
            (token, -by) for token, by in zip(down.indices.tolist(), down.values.tolist(), strict=True) if by > 0
        ),
        random=random,
        p=(1 + sum(one.kl.value >= effect.kl.value for one in random)) / (1 + len(random)),
    )


def _last(go_on: GoOn, contexts: Tensor, activations: Tensor) -> Tensor:
    """Log-probabilities at the last place."""
    return logits_of(go_on, contexts, activations)[:, -1].double().log_softmax(-1)


def _effect(clean: Tensor, changed: Tensor) -> Effect:
    kl = (clean.exp() * (clean - changed)).sum(-1).clamp(min=0)  # below 0 only by rounding
    return Effect(mean(kl), float((changed - clean).mean(0).abs().max()))
