"""Figures without their pictures: most of the time of drawing, and nothing of what they say."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable

import altair as alt
import pandas as pd
import pytest

from sae.errors import DataError


def has_lines(lines: pd.DataFrame, *given: object, **options: object) -> None:
    """In place of `over_depth`, whose chart is the same in all sorts and takes most of the time: what it refuses."""
    if lines["value"].isna().all():
        raise DataError("planted has no number for this chart")


class NoChart:
    """In place of Altair: whatever is asked of it, called with whatever, there is no chart."""

    def __getattr__(self, name: str) -> NoChart:
        return self

    def __call__(self, *given: object, **options: object) -> NoChart:
        return self

    def keys(self) -> tuple[str, ...]:
        """What is spread as arguments of it: none."""
        return ()

    __add__ = __or__ = __and__ = __call__


def draw_nothing(monkeypatch: pytest.MonkeyPatch, names: Iterable[str], charts: bool = False) -> None:
    """Figures select, count and speak as they do, and build no picture and no chart, or with `charts` none over depth:
    those take most of the time."""
    for name in names:
        importlib.import_module(f"analysis.figures.kinds.{name}")
    for module in [module for name, module in sys.modules.items() if name.startswith("analysis.figures.")]:
        if not charts and getattr(module, "alt", None) is alt:
            monkeypatch.setattr(module, "alt", NoChart())
        if hasattr(module, "over_depth"):
            monkeypatch.setattr(module, "over_depth", has_lines)
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda *given, **options: None)
