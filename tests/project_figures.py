"""What the pages of this repository ask for, drawn from its tracked tables."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path

from altair.utils.schemapi import debug_mode
from tests_root import CHECKOUT

from analysis.figures.asked import Asked, asked
from analysis.figures.draw import experiments_of, module_of
from analysis.figures.drawing import Drawing
from analysis.pages.build import sources
from analysis.plan.paths import Paths
from analysis.results.kept_file import kept_file
from analysis.results.tables import Results
from sae.discover import offered

PATHS = Paths(CHECKOUT)
CALLS: dict[str, Asked] = {call.name: call for call in asked(sources(PATHS), PATHS.root)}


def code(name: str):
    """The module that a call is drawn by."""
    return importlib.import_module(module_of(CALLS[name]))


def experiments(name: str) -> tuple[str, ...]:
    """Whose tables it is drawn from; the empty name stands for the site's own."""
    return experiments_of(code(name), CALLS[name].experiment)


def text(name: str) -> str:
    """The module's source."""
    return Path(code(name).__file__).read_text(encoding="utf-8")


@cache
def tracked(name: str) -> Results:
    return Results(PATHS.tracked / (name or "fashion"))


@cache
def drawing(name: str) -> Drawing:
    """From tracked tables; what is drawn from the site's own experiment gets the one that has all of it."""
    function = offered(code(name), CALLS[name].figure)
    file = getattr(code(name), "FROM_FILE", "")
    given = [kept_file(file, PATHS)] if file else []
    if not file or hasattr(code(name), "EXPERIMENTS"):
        given += [tracked(experiment) for experiment in experiments(name)]
    # as a build draws: a chart is checked as a whole, where its spec is written
    with debug_mode(False):
        return function(*given, **CALLS[name].options(function))
