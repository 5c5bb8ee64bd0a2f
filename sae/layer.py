"""A layer of a tower: a trained SAE together with the normaliser of its input.

Codes are in normalised units; rows go in and come out in the units of the layer below. Rows may have any leading
dimensions, such as (text, position, d_in), which codes and what is decoded from them keep.
"""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from sae.ambient import reading
from sae.given import AnyRows, check_codes, rows_of
from sae.normaliser import Normaliser
from sae.protocol import SAE
from sae.records import Codes
from sae.values import says_itself


@dataclass(frozen=True)
class Layer:
    """`encode` and `decode` for un-normalised rows."""

    architecture: str
    sae: SAE
    normaliser: Normaliser

    @says_itself
    def encode(self, rows: AnyRows) -> Codes:
        """Codes of rows (..., d_in), of any floating-point type, that are in the units of the layer below.

        Raises InputError for rows of another type, width or device, NumericError for NaN and infinity.
        """
        device = self.sae.bias().device
        with reading(device.type):
            flat = rows_of(rows, self.sae.d_in, device)
            codes = self.sae.encode(self.normaliser.apply(flat))
            return codes.shaped(tuple(rows.shape[:-1]))

    @says_itself
    def decode(self, codes: Codes) -> Float[Tensor, "*leading d_in"]:
        """Rows in the units of the layer below. Raises InputError for codes of another SAE, NumericError for NaN."""
        check_codes(codes, self.sae.n_latents)
        with reading(codes.values.device.type):
            found = self.normaliser.undo(self.sae.decode(codes.flat()))
            return found.reshape(*codes.values.shape[:-1], self.sae.d_in)

    def decode_with(
        self, codes: Float[Tensor, "*leading n_latents"], directions: Float[Tensor, "n_latents d_in"]
    ) -> Float[Tensor, "*leading d_in"]:
        """Decode dense codes with other directions in place of the SAE's own; its bias stays."""
        with reading(codes.device.type):
            return self.normaliser.undo(codes @ directions + self.sae.bias())
