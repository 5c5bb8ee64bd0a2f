"""A whole project in a folder of its own: the real pages, the real digits, a tiny experiment in place of `digits`."""

from __future__ import annotations

import shutil
from pathlib import Path

from analysis.paths import Paths
from sae.discover import names

CHECKOUT = Path(__file__).resolve().parent.parent

# Four depths, as the pages ask for; everything else as small as it goes.
TINY_SITE = """
title = "A tiny experiment"
seeds = [0, 1]

[host]
hook = "hidden1"
options = { hidden1 = 48, hidden2 = 24, epochs = 2 }

[sae]
width = 64
k = 16
train = { steps = 60, batch = 64 }

[[towers]]
kind = "latents"
direct = true
k = "halving"
train = { steps = 60, batch = 64 }

[[towers]]
kind = "directions"
width = "halving"
k = [4, 4, 4]
folds = 2
train = { steps = 20, batch = 64 }
""" + "".join(
    f'[[compare]]\narchitecture = "{name}"\nwidth = 64\ntrain = {{ steps = 60, batch = 64 }}\n'
    for name in names("sae.architectures")
    if name != "topk"
)


def site_project(root: Path) -> Paths:
    """A copy of everything that a site is made from, without results."""
    root.mkdir(parents=True)
    for name in ("_quarto.yml", "index.qmd"):
        shutil.copy(CHECKOUT / name, root)
    skip = shutil.ignore_patterns("_generated", "generated", "__pycache__")
    for name in ("report", "_extensions", "data/digits", "data/logs"):
        shutil.copytree(CHECKOUT / name, root / name, ignore=skip)
    (root / "data" / "experiments").mkdir()
    (root / "data" / "experiments" / "digits.toml").write_text(TINY_SITE)
    return Paths(root.resolve())
