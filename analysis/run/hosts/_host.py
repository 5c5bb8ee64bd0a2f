"""What a host offers. A host reads images; a hook is a named place in it whose activations can be read and replaced."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor


class Host(Protocol):
    """Built as `Class(image_shape, n_classes, seed, **options)`; untrained until `fit` is called."""

    def hooks(self) -> dict[str, int]:
        """Name and width of every hook."""
        ...

    def fit(self, images: UInt8[Tensor, "rows h w"], labels: Int[Tensor, " rows"]) -> None:
        """Train on images. A host that is not fitted is the randomly initialised control."""
        ...

    def forward_to(self, pixels: Float[Tensor, "rows h w"], hook: str) -> Float[Tensor, "rows width"]:
        """What the host has at `hook` for pixels in 0..1, as something that can be differentiated."""
        ...

    def forward_from(self, activations: Float[Tensor, "rows width"], hook: str) -> Float[Tensor, "rows n_classes"]:
        """`logits_from`, as something that can be differentiated."""
        ...

    def activations(self, images: UInt8[Tensor, "rows h w"], hook: str) -> Float[Tensor, "rows width"]:
        """What the host has at `hook` for each image."""
        ...

    def logits_from(self, activations: Float[Tensor, "rows width"], hook: str) -> Float[Tensor, "rows n_classes"]:
        """The logits with `activations` in place of the host's own at `hook`."""
        ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state_dict: dict[str, Any]) -> Any: ...


def check_hook(hook: str, host: Host) -> None:
    """Raise NotFoundError for a hook that the host does not have."""
    from sae.errors import NotFoundError

    if hook not in host.hooks():
        raise NotFoundError("hook", hook, list(host.hooks()))


def as_pixels(images: UInt8[Tensor, "rows h w"]) -> Float[Tensor, "rows h w"]:
    """Pixels as floats in 0..1."""
    return images.to(torch.float32) / 255
