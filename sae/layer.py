"""A layer of a tower: a trained SAE together with the normaliser of its input.

Codes are in normalised units; rows go in and come out in the units of the layer below.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from sae.normaliser import Normaliser
from sae.protocol import SAE
from sae.records import Codes


@dataclass(frozen=True)
class Layer:
    """`encode` and `decode` for un-normalised rows."""

    architecture: str
    sae: SAE
    normaliser: Normaliser

    @torch.no_grad()
    def encode(self, rows: Float[Tensor, "batch d_in"]) -> Codes:
        """Codes of rows that are in the units of the layer below."""
        return self.sae.encode(self.normaliser.apply(rows))

    @torch.no_grad()
    def decode(self, codes: Codes) -> Float[Tensor, "batch d_in"]:
        """Rows in the units of the layer below."""
        return self.normaliser.undo(self.sae.decode(codes))

    @torch.no_grad()
    def decode_with(
        self, codes: Float[Tensor, "batch n_latents"], directions: Float[Tensor, "n_latents d_in"]
    ) -> Float[Tensor, "batch d_in"]:
        """Decode dense codes with other directions in place of the SAE's own; its bias stays."""
        return self.normaliser.undo(codes @ directions + self.sae.bias())
