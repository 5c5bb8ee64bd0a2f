"""What a depth that reads codes has to beat besides: SAEs that were trained where latents fire together by chance.

A depth that reads the codes of a layer can catch three things that are no structure of what the layer reads. Each has
a null that keeps it; of the first it is the whole worth that counts, of the others their lead over `curveball_null`s
of their own, since such codes may be easier to explain all in all:

curveball_null   exactly k latents fire in a row, each as often and as strongly as it does (`sae.curveball`)
reencoded        latents with directions in common fire together: codes dealt out by chance are decoded and encoded
                 again by the layer itself
relearned        a layer that was trained splits and mixes what it finds: codes dealt out by chance are decoded, what
                 the layer leaves of its rows is added by chance, and a layer is trained on that as this one was, from
                 another seed
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from sae.curveball import curveball
from sae.floors import Floor, Rows, Trainer, scored
from sae.layer import Layer
from sae.nulls import dense_part, parts
from sae.records import Codes
from sae.rows import width_of
from sae.rule import DEALT, REENCODED, RELEARNED, SHUFFLED


@dataclass(frozen=True)
class Below:
    """The layer whose codes a depth reads."""

    layer: Layer
    train: Trainer
    """As this layer was trained, from another seed: from its own start it would find its own directions again, more of
    them than a layer finds of what is there, and mix them less."""
    fit: Rows
    """What it was trained on."""
    held: Rows


def code_nulls(
    train: Trainer, below: Below, fit: Codes, held: Codes, draw: torch.Generator, *, keep: bool = False
) -> list[Floor]:
    """Variance explained, by SAEs that `train` makes, of held-out codes of each null; `fit` and `held` are the real
    codes, of `below`. `keep`: with the errors of each row."""
    dealt, dealt_held = curveball(fit, draw), curveball(held, draw)
    found = [_worth(train, DEALT, dealt, dealt_held, keep)]
    layer = below.layer
    found += _beside_shuffled(train, REENCODED, again(layer, dealt), again(layer, dealt_held), draw, keep)
    rows = torch.cat(list(_rebuilt(layer, dealt, left_over(layer, below.fit, fit, draw))))
    twin = below.train(rows)
    codes = encoded(twin, rows)
    rows = torch.cat(list(_rebuilt(layer, dealt_held, left_over(layer, below.held, held, draw))))
    found += _beside_shuffled(train, RELEARNED, codes, encoded(twin, rows), draw, keep)
    return found


def again(layer: Layer, codes: Codes) -> Codes:
    """Codes decoded and encoded again, part by part where they are many."""
    return Codes.joined([layer.encode(rows) for rows in _rebuilt(layer, codes)])


def encoded(layer: Layer, rows: Float[Tensor, "rows d_in"]) -> Codes:
    """The codes of rows, part by part where they are many."""
    return Codes.joined([layer.encode(rows[part]) for part in parts(rows, layer.sae.n_latents)])


def left_over(layer: Layer, rows: Rows, codes: Codes, draw: torch.Generator) -> Float[Tensor, "rows d_in"]:
    """What the layer leaves of its rows, in another order."""
    left = torch.empty(len(rows), width_of(rows), dtype=torch.float32, device="cpu")
    for part in parts(rows, layer.sae.n_latents):
        left[part] = dense_part(rows, part) - layer.decode(codes.part(part))
    return left[torch.randperm(len(left), generator=draw, device="cpu")]


def _rebuilt(layer: Layer, codes: Codes, added: Tensor | None = None) -> Iterator[Float[Tensor, "part d_in"]]:
    for part in parts(codes, width_of(codes)):
        rows = layer.decode(codes.part(part))
        yield rows if added is None else rows + added[part]


def _beside_shuffled(
    train: Trainer, name: str, fit: Codes, held: Codes, draw: torch.Generator, keep: bool
) -> list[Floor]:
    if bool((dense_part(fit).amax(0) == dense_part(fit).amin(0)).all()):  # a layer that died says the same of all
        return [Floor(one, "held_out", "variance_explained", 0.0, len(held)) for one in (name, name + SHUFFLED)]
    shuffled = _worth(train, name + SHUFFLED, curveball(fit, draw), curveball(held, draw), keep)
    return [_worth(train, name, fit, held, keep), shuffled]


def _worth(train: Trainer, name: str, fit: Codes, held: Codes, keep: bool) -> Floor:
    return scored(name, "held_out", train(fit), held, keep)
