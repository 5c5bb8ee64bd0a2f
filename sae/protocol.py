"""What every architecture offers. The training loop, the tower and the measures need nothing else: any object that has
it can be trained, whatever it is derived from. Of a `sae.dictionary.Dictionary` training knows more: `sae.steps` may
take a faster step for it, and its directions are kept at unit length, or as they were drawn where they are frozen.

Inputs are normalised rows (see `sae.normaliser`). `encode`, `decode`, `directions` and `loss` change no state, so
that measuring an SAE can never alter it; only the training loop calls the underscore methods, which may.
`sae.dictionary.Dictionary` has most of this ready for an architecture with a linear encoder and decoder.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sae.records import Codes, Loss

KMeaning = Literal["at most", "on average", "as a target"]


@runtime_checkable
class SAE(Protocol):
    """A sparse autoencoder on rows of width `d_in` with `n_latents` latents."""

    k_is_met: ClassVar[KMeaning]
    """Whether a row has at most k active latents, k on average over the training batch, or whether a penalty is
    steered towards k."""
    d_in: int
    n_latents: int
    k: int
    bf16: bool
    """Take products with the encoder in bfloat16: set by the training loop while it trains (`train.bf16`). An SAE that
    cannot may make it a property whose setter raises ConfigError for true."""

    def encode(self, x: Float[Tensor, "batch d_in"]) -> Codes:
        """The sparse codes of each row. A row's codes never depend on the other rows of the batch."""
        ...

    def decode(self, codes: Codes) -> Float[Tensor, "batch d_in"]:
        """Rows from codes, the bias included."""
        ...

    def directions(self) -> Float[Tensor, "n_latents d_in"]:
        """The decoder rows, each of unit norm."""
        ...

    def encoder_directions(self) -> Float[Tensor, "n_latents d_in"]:
        """The encoder rows, of any length."""
        ...

    def bias(self) -> Float[Tensor, " d_in"]:
        """What `decode` adds to the weighted directions."""
        ...

    def loss(self, x: Float[Tensor, "batch d_in"], dead: Bool[Tensor, " n_latents"] | None) -> Loss:
        """The training loss of a batch. `dead` marks latents that have not fired for long; None means none."""
        ...

    def options(self) -> dict[str, Any]:
        """The options that, with `d_in` and `n_latents`, build an SAE of the same shape."""
        ...

    def latent_axes(self) -> dict[str, int]:
        """Names in `state_dict` of what has a part for each latent -> the axis along which latent i has part i.

        What a revived latent had learned is forgotten there and nowhere else. A length that only happens to be
        `n_latents` is no such axis, so nothing is guessed from shapes or names.
        """
        ...

    def decoder_weights(self) -> tuple[str, ...]:
        """The parameters that `directions` is made of, which training leaves alone where the decoder is frozen; empty
        for an SAE whose decoder cannot be."""
        ...

    def parameters(self) -> Iterator[torch.nn.Parameter]: ...

    def named_parameters(self) -> Iterator[tuple[str, torch.nn.Parameter]]: ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state_dict: dict[str, Any]) -> Any: ...

    def to(self, device: str, /) -> Any:
        """Move every parameter and all other state to a device, in place."""
        ...

    def _start(self, sample: Float[Tensor, "rows d_in"], generator: torch.Generator) -> None:
        """Set the parameters before training, from a sample of the rows."""
        ...

    def _before_step(self) -> None:
        """After the gradients are there, before the optimiser uses them."""
        ...

    def _constrain(self) -> None:
        """After the optimiser's step: restore what must hold of saved weights."""
        ...

    def _adapt(self, loss: Loss) -> None:
        """After a step on `loss`: move the state that no gradient moves (thresholds, penalty weights)."""
        ...

    def _revive(self, latents: Int[Tensor, " dead"], rows: Float[Tensor, "dead d_in"]) -> None:
        """Start `latents` anew, each pointing at a row of its own."""
        ...
