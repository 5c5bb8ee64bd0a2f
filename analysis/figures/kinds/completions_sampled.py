"""The same as `completions` of texts whose tokens were drawn by chance: where the likeliest token is always taken, a
latent that is held makes text go round in circles sooner.

Drawn from `data/language/steering_sampled.json` (`analysis/results/steerings.py` says what it holds).
"""

from __future__ import annotations

from analysis.figures.drawing import Drawing
from analysis.figures.kinds.completions import completions
from analysis.results.kept_file import KeptFile

FROM_FILE = "data/language/steering_sampled.json"


def completions_sampled(file: KeptFile, *, latents: int = 2, prompts: int = 1) -> Drawing:
    """The table has `latents` of them with `prompts` each, at the smallest, the middle and the largest strength."""
    return completions(file, latents=latents, prompts=prompts)
