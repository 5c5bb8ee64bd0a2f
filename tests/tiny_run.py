"""The tiny experiment of whole runs, on few digits."""

from __future__ import annotations

from dataclasses import replace

from conftest import TINY
from factories import add_few_digits

from analysis.plan import plugins
from analysis.plan.config import load_experiment
from analysis.plan.paths import Paths

FEW = TINY.replace('"digits"', '"few_digits"').replace("epochs = 1", "epochs = 5")


def tiny(paths, **changes):
    plugins.load(paths)
    return replace(load_experiment(paths.experiments, "tiny"), **changes)


def with_few_digits(project: Paths) -> Paths:
    """The same project with fewer digits."""
    (project.experiments / "tiny.toml").write_text(FEW)
    add_few_digits(project.root)
    return project
