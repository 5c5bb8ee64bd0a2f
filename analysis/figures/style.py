"""How artefacts look: one palette for charts, tables and pages, safe for colour-blind readers, in two themes.

Charts are drawn in the light colours below. In a page each of them is replaced by the CSS variable of its role, so
a picture follows the reader's theme; `report/assets/theme.css` must define every role (a test compares the two).
The hues are Okabe and Ito's (2008), darkened where they would fail on white.
"""

from __future__ import annotations

ROLES = {
    "ink": "#1b1f24",
    "muted": "#57606a",
    "line": "#d0d7de",
    "paper": "#fffffe",
    "c1": "#0072b2",
    "c2": "#b84e00",
    "c3": "#00785a",
    "c4": "#9b4d7c",
    "c5": "#6e7074",
    "c6": "#8a6a00",
}

# One look for each control, wherever it is drawn. The dash tells them apart without colour.
SERIES = {
    "trained network": ("c1", [1, 0]),
    "random network": ("c2", [6, 3]),
    "one SAE, trained": ("c3", [1, 0]),
    "one SAE, random": ("c6", [6, 3]),
    "stored rows": ("c6", [6, 3]),
    "shuffled labels": ("c5", [2, 2]),
    "random dictionary": ("c4", [8, 3, 2, 3]),
    "PCA": ("c5", [3, 3]),
    "memorising bound": ("c6", [1, 3]),
}

FONT = "system-ui, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif"
PLOT_WIDTH, PLOT_HEIGHT = 300, 230


def altair_config() -> dict[str, object]:
    """The `config` block of every chart: quiet axes, no frame, transparent ground."""
    ink, muted, line = ROLES["ink"], ROLES["muted"], ROLES["line"]
    return {
        "background": None,
        "font": FONT,
        # of a chart that gives itself no size: else two bars would be drawn 40 wide, and stretched over the page
        "view": {
            "stroke": None, "continuousWidth": PLOT_WIDTH, "continuousHeight": PLOT_HEIGHT,
            "discreteWidth": PLOT_WIDTH, "discreteHeight": PLOT_HEIGHT,
        },
        "axis": {
            "labelColor": muted, "titleColor": ink, "titleFontWeight": "normal", "labelFontSize": 14,
            "titleFontSize": 14, "gridColor": line, "domainColor": line, "tickColor": line, "titlePadding": 8,
        },
        "text": {"fontSize": 14},
        "legend": {"labelColor": ink, "titleColor": ink, "labelFontSize": 13, "titleFontSize": 13},
        "header": {"labelColor": ink, "titleColor": ink, "labelFontSize": 13},
    }  # fmt: skip


def css_colours(text: str) -> str:
    """`text` (an SVG) with every palette colour replaced by its CSS variable."""
    for role, colour in ROLES.items():
        text = text.replace(colour, f"var(--{role})")
    return text
