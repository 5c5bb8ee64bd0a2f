"""Is a depth of the directions tower above everything that would also do without structure?"""

from __future__ import annotations

from analysis.charts._margins import margin_chart
from analysis.drawing import Drawing
from analysis.margins import spelled
from analysis.results import Results
from analysis.verdict import verdicts

EXPERIMENTS = ("towers",)


def directions_margin(results: Results) -> Drawing:
    """Distance of each depth of the directions tower from its floors."""
    words = [verdict.word for (kind, _), verdict in sorted(verdicts(results).items()) if kind == "directions"]
    return margin_chart(results, "directions", f"Directions tower: {spelled(words)}")
