"""How many latents of each depth detect each class of clothes, from tracked results."""

from __future__ import annotations

from analysis.charts import _heat
from analysis.drawing import Drawing
from analysis.results import Results

EXPERIMENTS = ("fashion",)


def class_heat_fashion(results: Results) -> Drawing:
    """Classes across, depths down, see `analysis.charts._heat`."""
    return _heat.heat(results)
