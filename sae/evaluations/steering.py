"""A latent held at a value while the host runs: what is changed, and by how much, at each place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sae.errors import InputError
from sae.evaluations._given import mask, numbers
from sae.evaluations._given import whole as whole_tokens
from sae.evaluations._spliced import GoOn, logits_of
from sae.seeding import stream
from sae.values import choice, real, says_itself, whole


@dataclass(frozen=True)
class Steered:
    """What the host goes on from."""

    activations: Float[Tensor, "contexts places width"]
    amounts: Float[Tensor, "contexts places"]
    """What was added at each place, in lengths of the direction; 0 where nothing was."""


@says_itself
def steering(
    activations: Float[Tensor, "contexts places width"],
    values: Float[Tensor, "contexts places"],
    direction: Float[Tensor, " width"],
    to: float,
    *,
    where: Literal["all", "last"] = "all",
    kept: Bool[Tensor, "contexts places"] | None = None,
) -> Steered:
    """Activations in which a latent has the value `to`, at all kept places or at each context's last kept one.

    `values` is what the latent is at each place, for an activation of 1 adding `direction`, both in the host's units.
    a + (to - value) * direction: what the SAE leaves over, and every other latent, stay as they are, so that `to` equal
    to its value changes nothing, and 0 ablates it (as Templeton et al. 2024 steer, "Scaling
    Monosemanticity"). `kept` leaves out attention sinks (None: all are kept). What it does to the
    next token is `downstream_effects`, with `amounts`.

    Raises InputError for shapes that do not fit or a context without a kept place, ConfigError for another `where` or
    a value that is no number, NumericError for NaN and infinity.
    """
    activations = numbers("activations", activations, "contexts", "places", "width")
    values = numbers("values", values, *activations.shape[:2])
    direction = numbers("direction", direction, activations.shape[2])
    to, where_ = float(real("to", to)), choice("where", where, ("all", "last"))
    kept = torch.ones_like(values, dtype=torch.bool) if kept is None else mask("kept", kept, *values.shape)
    if not bool(kept.any(1).all()):
        raise InputError(f"context {int((~kept.any(1)).nonzero()[0])} has no kept place, expected one or more")
    if where_ == "last":
        # the first place counted from the end
        last = kept.shape[1] - 1 - kept.flip(1).int().argmax(1)
        kept = torch.zeros_like(kept).scatter_(1, last[:, None], True)
    amounts = torch.where(kept, to - values, 0.0)
    return Steered(activations + amounts[..., None] * direction, amounts)


@says_itself
def steered_tokens(
    read: Callable[[Int[Tensor, "contexts places"]], Float[Tensor, "contexts places width"]],
    go_on: GoOn,
    value: Callable[[Float[Tensor, "contexts places width"]], Float[Tensor, "contexts places"]],
    direction: Float[Tensor, " width"],
    prompt: Int[Tensor, " places"],
    to: float | None,
    new: int,
    *,
    where: Literal["all", "last"] = "all",
    sinks: int = 0,
    temperature: float = 0.0,
    seed: int = 0,
) -> Int[Tensor, " new"]:
    """The next `new` tokens that a host writes with a latent held at `to` (None: as it is), by `steering` anew before
    each token: `value` is what the latent is in given activations. The first `sinks` places are left alone.

    `temperature` 0 takes the likeliest token, which makes texts side by side differ by the steering alone; else tokens
    are drawn, by the same random numbers for every `to`. Costs a pass over the whole text for each token.

    Raises InputError for a prompt of no more than its sinks, and as `steering` does.
    """
    text = whole_tokens("prompt", prompt, "places")[None]
    new, sinks = whole("new", new, 1), whole("sinks", sinks)
    temperature = real("temperature", temperature, least=0)
    if text.shape[1] <= sinks:
        raise InputError(f"the prompt has {text.shape[1]} places, expected more than the {sinks} sinks")
    generator = stream(seed, "tokens")
    for _ in range(new):
        with torch.no_grad():
            activations = read(text)
            values = value(activations)
        if to is not None:
            kept = (torch.arange(text.shape[1], device=text.device) >= sinks)[None]
            activations = steering(activations, values, direction, to, where=where, kept=kept).activations
        logits = logits_of(go_on, text, activations)[0, -1].double()
        if temperature:
            chances = (logits / temperature).softmax(-1).cpu()
            token = torch.multinomial(chances, 1, generator=generator).to(text.device)
        else:
            token = logits.argmax()[None]
        text = torch.cat([text, token[None]], 1)
    return text[0, -new:]
