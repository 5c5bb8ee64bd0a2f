"""What a host offers. A host reads examples; a hook is a named place in it whose activations can be read and replaced.

The tool's own host takes images, (h, w) or (h, w, 3); a host of a project takes what its data set gives.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int, Shaped, UInt8
from torch import Tensor


class Host(Protocol):
    """Built as `Class(shape, n_classes, seed, **options)`, `shape` being that of one example; untrained until `fit`.

    `n_classes` is 0 for a data set without labels: what such a host answers is its own matter, and nobody measures it.
    """

    def hooks(self) -> dict[str, int]:
        """Name and width of every hook."""
        ...

    def fit(self, examples: Shaped[Tensor, "rows ..."], labels: Int[Tensor, " rows"] | None) -> None:
        """Train. A host that is not fitted is the randomly initialised control."""
        ...

    def forward_to(self, pixels: Float[Tensor, "rows ..."], hook: str) -> Float[Tensor, "rows width"]:
        """What the host has at `hook` for pixels in 0..1, as something that can be differentiated. Only asked for
        where single latents of images are looked at."""
        ...

    def forward_from(self, activations: Float[Tensor, "rows width"], hook: str) -> Float[Tensor, "rows n_classes"]:
        """`logits_from`, as something that can be differentiated."""
        ...

    def activations(self, examples: Shaped[Tensor, "rows ..."], hook: str) -> Float[Tensor, "rows width"]:
        """What the host has at `hook` for each example."""
        ...

    def logits_from(self, activations: Float[Tensor, "rows width"], hook: str) -> Float[Tensor, "rows n_classes"]:
        """The logits with `activations` in place of the host's own at `hook`."""
        ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state_dict: dict[str, Any]) -> Any: ...


@runtime_checkable
class LanguageHost(Host, Protocol):
    """A host that reads contexts: whole numbers (contexts, places), the ids of tokens. A token in its context is a row.

    `activations` gives those of all places, (contexts * places, width). Which of them count as rows is decided where
    they are kept (`analysis.run.capture`), not here.
    """

    @property
    def tokeniser(self) -> str:
        """The name of the tokeniser whose ids it reads."""
        ...

    def read(self, contexts: Int[Tensor, "contexts places"], hook: str) -> Float[Tensor, "contexts places width"]:
        """What the host has at `hook` at each place."""
        ...

    def go_on(
        self, contexts: Int[Tensor, "contexts places"], activations: Float[Tensor, "contexts places width"], hook: str
    ) -> Float[Tensor, "contexts places vocabulary"]:
        """The logits of the token after each place with `activations` in place of the host's own at `hook`;
        differentiable in them."""
        ...


@runtime_checkable
class ReadsTokens(Protocol):
    """A host whose weights belong to one tokeniser."""

    def check_tokeniser(self, name: str, fingerprint: str) -> None:
        """Raises DataError where a data set's tokeniser, whose file has this sha256, is not its own."""
        ...


@runtime_checkable
class ReadsEmbeddings(Protocol):
    """A language host that can be asked what it has for other embeddings than those of its tokens."""

    def embeddings(self) -> Float[Tensor, "vocabulary embedding"]:
        """That of each token."""
        ...

    def read_embedded(
        self, tokens: Int[Tensor, " places"], embedded: Float[Tensor, "contexts places embedding"], hook: str
    ) -> Float[Tensor, "contexts places width"]:
        """What the host has at `hook` with `embedded` in place of the embeddings of `tokens`; differentiable."""
        ...


@runtime_checkable
class Noting(Protocol):
    """A host that has something to say of itself: where its weights come from, how it was trained."""

    def notes(self) -> dict[str, Any]:
        """What the stage's manifest says of it, as JSON can hold it."""
        ...


def check_hook(hook: str, host: Host) -> None:
    """Raise NotFoundError for a hook that the host does not have."""
    from sae.errors import NotFoundError

    if hook not in host.hooks():
        raise NotFoundError("hook", hook, list(host.hooks()))


def as_pixels(images: UInt8[Tensor, "rows ..."]) -> Float[Tensor, "rows ..."]:
    """Pixels as floats in 0..1."""
    return images.to(torch.float32) / 255
