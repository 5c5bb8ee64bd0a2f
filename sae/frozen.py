"""Weights that training leaves as they are: what takes no gradients (`requires_grad`), or a decoder as it was drawn.

A step without a gradient is only one of the ways in which a weight moves: starts, revivals, constraints and moving
averages write weights, too. So what is frozen is kept, and put back after each of them.
"""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor

from sae.dictionary import Dictionary
from sae.errors import ConfigError
from sae.protocol import SAE

UNIT = 1e-3
"""How far from 1 the length of a frozen direction may be where an SAE's directions are of unit norm."""


def without_gradients(sae: SAE) -> list[str]:
    """The names of the weights that take no gradients."""
    return [name for name, weight in sae.named_parameters() if not weight.requires_grad]


class Frozen:
    """The frozen weights of one SAE.

    Made before `_start`, so that weights without gradients stay what they were given as. Raises ConfigError when all
    are, and for a decoder whose rows would have to be of unit norm and are not: nothing could make them so.
    """

    def __init__(self, architecture: str, sae: SAE) -> None:
        self.sae = sae
        names = without_gradients(sae)
        weights = dict(sae.named_parameters())
        if not weights:
            raise ConfigError(f"the {architecture} SAE has no weights that could be trained")
        if len(names) == len(weights):
            raise ConfigError(
                f"{names[0]} of the {architecture} SAE takes no gradients: sae.requires_grad_(True); nor does any "
                "other weight of it. To train with the decoder as it was drawn, Trainee(..., frozen_decoder=True)"
            )
        self.values: dict[str, Tensor] = {name: weights[name].detach().clone() for name in names}
        for name, part in sae.named_modules() if isinstance(sae, torch.nn.Module) else ():
            if isinstance(part, Dictionary) and part.unit_norm and not part.W_dec.requires_grad:
                worst = float((part.lengths().detach() - 1).abs().max())
                if not worst <= UNIT:
                    raise ConfigError(
                        f"{name}{'.' if name else ''}W_dec of the {architecture} SAE takes no gradients and has a row "
                        f"whose length is {worst:.3g} off 1: divide its rows by their lengths first"
                    )

    def keep_decoder(self) -> None:
        """From now on the decoder is frozen as it is."""
        weights = dict(self.sae.named_parameters())
        for name in self.sae.decoder_weights():
            self.values.setdefault(name, weights[name].detach().clone())

    @torch.no_grad()
    def restore(self) -> None:
        """Put every frozen weight back, whatever a start, a step, a revival or an average has done to it."""
        if self.values:
            weights = dict(self.sae.named_parameters())
            for name, value in self.values.items():
                weights[name].copy_(value)

    def digest(self) -> str:
        """A hash of what was frozen so far, names and numbers; empty where nothing is."""
        found = hashlib.sha256()
        for name, value in self.values.items():
            found.update(name.encode() + value.cpu().numpy().tobytes())
        return found.hexdigest() if self.values else ""
