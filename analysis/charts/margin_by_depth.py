"""Is a depth of the latents tower above everything that would also do without structure?"""

from __future__ import annotations

from analysis.charts._margins import margin_chart
from analysis.drawing import Drawing
from analysis.results import Results

EXPERIMENTS = ("towers",)


def margin_by_depth(results: Results) -> Drawing:
    """Distance of each depth of the latents tower from its floors."""
    return margin_chart(results, "latents")
