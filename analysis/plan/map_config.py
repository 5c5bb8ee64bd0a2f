"""What the stage `maps` is asked, and how large a map may be. Free of torch.

It does not stand in `stage_configs`: what stands there is code of every stage, so that a change has everything trained
again.
"""

from __future__ import annotations

from dataclasses import dataclass

from analysis.plan.stage_configs import LookStage

MOST = 2_000
"""Latents of a depth that a map can hold; with more, points hide each other, and a page grows heavy."""
RANDOM, MIXTURES = "random_dictionary", "matched_dictionary"
"""The controls under which as many directions that nobody learned stand in the table `maps`: isotropic ones, and
mixtures of rows, which have the rows' covariance."""
NO_CLASS = -1


@dataclass(frozen=True, kw_only=True)
class MapsStage(LookStage):
    """Give every latent of a chain a place on a map, by its direction. `train_rows` are not read; of `held_out_rows` 0
    means all."""
