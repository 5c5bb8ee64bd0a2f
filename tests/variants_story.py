"""One run of an experiment whose variants live, die, go on dead, and fail until their settings are mended."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from typer.testing import CliRunner

from analysis.cli.main import app
from analysis.plan.chains import Chain
from analysis.plan.paths import Paths
from analysis.plan.stage_folders import MANIFEST
from analysis.results.tables import Results, open_results
from analysis.run.pipeline import Progress

GRID = """
title = "Tiny variants"
dataset = "few_digits"
seeds = [0]
controls = false

[host]
hook = "hidden2"
options = { hidden1 = 32, hidden2 = 24, epochs = 5 }

[sae]
width = 32
k = 4
train = { steps = 20, batch = 64 }

[[towers]]
kind = "latents"
depth = 2
train = { steps = 20, batch = 64 }

[[towers]]
kind = "directions"
depth = 2
folds = 2
train = { steps = 10, batch = 16 }

[[variants]]
name = "lives"

[[variants]]
name = "dies"

[variants.set]
controls = true
towers.depth = 3
every.architecture = "relu_l1"
every.train = { steps = 40, lr = 0.1, normalise = false }
"every.options" = { norm = "free", l1 = "batch", penalty = 10.0, penalty_rate = 0.0, penalty_warmup = 0 }

[[variants]]
name = "goes on"

[variants.set]
panel = "short"
towers = { depth = 3, nulls = false, stop = { live_share = 0, input_variance = 0, loss = 0, distinct_rows = 0 } }
every.architecture = "relu_l1"
every.train = { steps = 40, lr = 0.1, normalise = false }
"every.options" = { norm = "free", l1 = "batch", penalty = 10.0, penalty_rate = 0.0, penalty_warmup = 0 }

[[variants]]
name = "fails"
grid = { sae.train.lr = [1e30] }
"""
MENDED = GRID.replace("lr = [1e30]", "lr = [0.0019]")
STOPS = "The tower stops before depth 2: only 0.0% of the latents of depth 1 ever switch on (limit 0.02)."
KINDS = ("directions", "latents")


@dataclass
class Story:
    """The project, and what was seen on the way."""

    paths: Paths
    chains: list[Chain]
    """The mended plan."""
    failed: Chain
    """The chain that was in its place before."""
    error: str = ""
    results_then: dict[str, pd.DataFrame] = field(default_factory=dict)
    listed_then: list[dict[str, Any]] = field(default_factory=list)
    done_then: dict[Path, int] = field(default_factory=dict)
    """Every stage's manifest at that time, with when it was written."""
    progress: list[Progress] = field(default_factory=list)

    @property
    def results(self) -> Results:
        """The tables in the end."""
        return open_results("tiny", self.paths)

    def stamps(self) -> dict[Path, int]:
        """When each stage was done."""
        manifests = (stage.folder(self.paths.runs) / MANIFEST for chain in self.chains for stage in chain.stages)
        return {path: path.stat().st_mtime_ns for path in manifests if path.exists()}

    def chain(self, variant: str, control: str = "none") -> Chain:
        """A chain of the mended plan."""
        return next(c for c in self.chains if (c.config.variant, c.control) == (variant, control))


def cli(*words: str) -> str:
    done = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout
