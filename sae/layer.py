"""A layer of a tower: a trained SAE together with the normaliser of its input.

Codes are in normalised units; rows go in and come out in the units of the layer below. Rows may have any leading
dimensions, such as (text, position, d_in), which codes and what is decoded from them keep.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from sae.ambient import reading
from sae.errors import InputError
from sae.given import AnyRows, check_codes, check_numbers, check_sae, check_tensor, rows_of
from sae.normaliser import Normaliser
from sae.protocol import SAE
from sae.records import Codes
from sae.values import says_itself


@says_itself
@dataclass(frozen=True)
class Layer:
    """`encode` and `decode` for un-normalised rows.

    Raises InputError for something else than a name, an SAE and a normaliser of the width that it reads: a mean of
    width 1 would broadcast.
    """

    architecture: str
    sae: SAE
    normaliser: Normaliser

    def __post_init__(self) -> None:
        if not isinstance(self.architecture, str) or not self.architecture:
            raise InputError(f"architecture of a layer = {self.architecture!r}, expected a name, such as 'topk'")
        if not isinstance(self.normaliser, Normaliser):
            kind = type(self.normaliser).__name__
            raise InputError(f"normaliser of a layer is of type {kind}, expected sae.normaliser.Normaliser")
        check_sae("SAE of a layer", self.sae)
        width, d_in = len(self.normaliser.mean), getattr(self.sae, "d_in", None)
        if d_in is not None and width != d_in:
            raise InputError(
                f"the normaliser is of rows of width {width}, the {self.architecture} SAE reads d_in = {d_in}"
            )

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
        """Rows in the units of the layer below; half and double precision are converted. Raises InputError for codes of
        another SAE, NumericError for NaN."""
        check_codes(codes, self.sae.n_latents)
        with reading(codes.values.device.type):
            flat = codes.flat()
            found = self.normaliser.undo(self.sae.decode(Codes(flat.values.float(), flat.indices, flat.n_latents)))
            return found.reshape(*codes.values.shape[:-1], self.sae.d_in)

    @says_itself
    def decode_with(
        self, codes: Float[Tensor, "*leading n_latents"], directions: Float[Tensor, "n_latents d_in"]
    ) -> Float[Tensor, "*leading d_in"]:
        """Decode dense codes with other directions in place of the SAE's own; its bias stays.

        Raises InputError for codes or directions of another shape or type, NumericError for NaN and infinity.
        """
        wanted = (self.sae.n_latents, self.sae.d_in)
        check_tensor("codes", codes, f"(..., {wanted[0]})")
        check_tensor("directions", directions, f"{wanted}")
        if not codes.ndim or codes.shape[-1] != wanted[0]:
            raise InputError(f"codes have shape {tuple(codes.shape)}, expected (..., {wanted[0]})")
        if tuple(directions.shape) != wanted:
            raise InputError(f"directions have shape {tuple(directions.shape)}, expected {wanted}")
        for name, rows in (("codes", codes.reshape(-1, wanted[0])), ("directions", directions)):
            check_numbers(name, rows)
        kind = torch.promote_types(torch.promote_types(codes.dtype, directions.dtype), torch.float32)
        with reading(codes.device.type):
            return self.normaliser.undo(codes.to(kind) @ directions.to(kind) + self.sae.bias())
