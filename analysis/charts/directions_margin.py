"""Is a depth of the directions tower above everything that would also do without structure?"""

from __future__ import annotations

from analysis.charts._margins import margin_chart
from analysis.drawing import Drawing
from analysis.results import Results

EXPERIMENTS = ("towers",)


def directions_margin(results: Results) -> Drawing:
    """Distance of each depth of the directions tower from its floors."""
    return margin_chart(results, "directions")
