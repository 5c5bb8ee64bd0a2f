"""Copy score: how many latents merely repeat a coordinate or a training row of their input."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch.nn.functional import normalize

from sae import ambient
from sae.evaluate import On, Reading, Seen

COPY = 0.9


class CopyScore:
    """Share of latents whose largest |cosine| to a reference exceeds .9.

    References are the input axes in the latents kind and the training rows in the directions kind: a tower of
    constant width and k can be perfect by copying, and this is how copying shows. `latents` holds the cosines.
    """

    version: ClassVar[int] = 1
    on: ClassVar[On] = "input"
    needs: ClassVar[tuple[str, ...]] = ("directions", "references")

    def __init__(self) -> None:
        self.cosine = torch.empty(0, dtype=torch.float32, device="cpu")

    @ambient.reading()
    def update(self, seen: Seen) -> None:
        """Weights do not change between batches: the last batch's are used."""
        assert seen.directions is not None and seen.references is not None
        # not every decoder is kept at unit norm: lengths of either side must not count
        directions, references = normalize(seen.directions, dim=1), normalize(seen.references, dim=1)
        self.cosine = (directions @ references.T).abs().max(1).values

    def reading(self) -> Reading:
        """The share over all latents."""
        return Reading(float((self.cosine > COPY).double().mean()), len(self.cosine), self.cosine)
