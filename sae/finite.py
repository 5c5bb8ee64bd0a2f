"""What training stops at: a loss or a weight that is not finite. Both kinds of step ask here."""

from __future__ import annotations

import math

import torch

from sae.errors import NumericError
from sae.protocol import SAE
from sae.records import Loss


def check_loss(loss: Loss, step: int) -> None:
    """Raise NumericError that names the step and the term when the loss is not finite."""
    if math.isfinite(loss.total.item()):
        return
    for name, value in loss.terms.items():
        if not math.isfinite(value.item()):
            raise NumericError(f"training stopped at step {step}: the loss term {name!r} is {value.item()}")
    raise NumericError(f"training stopped at step {step}: the loss is not finite")


def check_weights(sae: SAE, step: int) -> None:
    """Raise NumericError for a weight that is not finite. A NaN in an encoder need not reach the loss: no comparison
    with it is true, so its latent just never fires."""
    for name, parameter in sae.named_parameters():
        weight = parameter.detach()
        # the sum first: it needs no copy of a large matrix
        if not bool(torch.isfinite(weight.sum())) and not bool(torch.isfinite(weight).all()):
            raise NumericError(f"training stopped at step {step}: the weight {name!r} is not finite")
