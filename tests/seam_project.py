"""A project whose data sets are not the tool's: tiny images in colour, 300 classes, no labels, no images at all."""

from __future__ import annotations

from pathlib import Path

from analysis.plan.paths import Paths

SETTINGS = """project:
  type: website
  render: [index.qmd]
website: {title: Foreign}
lang: en
"""
# name: the module that a project would write
DATASETS = {
    # 3 classes, 8 x 6 pixels in colour: each class is one channel
    "tiles": """
import numpy as np
from analysis.run.datasets._dataset import Dataset

def tiles():
    draw = np.random.default_rng(0)
    labels = np.arange(240) % 3
    images = draw.integers(0, 90, (240, 8, 6, 3), dtype=np.uint8)
    images[np.arange(240), :, :, labels] += 140
    return Dataset("tiles", images, labels, np.arange(240) % 4 == 0, ("red", "green", "blue"))
""",
    # 300 classes with labels up to a million, 5 x 7 pixels: as many rows of each
    "stamps": """
import numpy as np
from analysis.run.datasets._dataset import Dataset

def stamps():
    draw = np.random.default_rng(1)
    numbers = np.append(np.sort(draw.choice(999_999, 299, replace=False)), 1_000_000)
    kinds = draw.integers(0, 255, (300, 5, 7), dtype=np.uint8)
    order = np.arange(900) % 300
    return Dataset("stamps", kinds[order], numbers[order], np.arange(900) >= 600)
""",
    # no labels, 9 x 9 pixels
    "spots": """
import numpy as np
from analysis.run.datasets._dataset import Dataset

def spots():
    draw = np.random.default_rng(2)
    images = np.zeros((300, 9, 9), np.uint8)
    for image, (y, x) in zip(images, draw.integers(0, 7, (300, 2))):
        image[y:y + 3, x:x + 3] = 255
    return Dataset("spots", images, None, np.arange(300) % 3 == 0)
""",
    # rows of four numbers, shown as text
    "events": """
import numpy as np
from analysis.run.datasets._dataset import Dataset

def events():
    rows = np.random.default_rng(3).normal(size=(300, 4)).astype(np.float32)
    return Dataset(
        "events", rows, None, np.arange(300) % 3 == 0,
        show=lambda row: f"<b>{row[0]:.1f}</b>",
        attributes=lambda row: {"size": float(abs(row).sum())}, words={"size": ("small", "large")},
    )
""",
}
HOST = """
import torch

class Plain:
    def __init__(self, shape, n_classes, seed):
        self.width = shape[0]

    def hooks(self):
        return {"rows": self.width}

    def fit(self, examples, labels):
        pass

    def activations(self, examples, hook):
        return examples

    def state_dict(self):
        return {"none": torch.zeros(1)}

    def load_state_dict(self, given):
        pass
"""
EXPERIMENT = """
title = "A tiny experiment"
dataset = "{dataset}"
seeds = [0]
controls = false
{interpret}
[host]
{host}

[sae]
width = 16
k = 4
train = {{ steps = 30, batch = 32 }}

[[towers]]
kind = "latents"
depth = 2
nulls = false
train = {{ steps = 30, batch = 32 }}
"""
MLP = 'hook = "hidden1"\noptions = { hidden1 = 12, hidden2 = 8, epochs = 20 }'
INTERPRET = """
[interpret]
kind = "latents"
permutations = 19
steps = 4
reader = { steps = 10 }
"""


def project(root: Path, dataset: str, page: str = "", interpret: str = INTERPRET) -> Paths:
    """A project with one of `DATASETS`, one experiment of its name, one page."""
    for folder in ("plugins/datasets", "plugins/hosts", "data/experiments", "data/logs", "report"):
        (root / folder).mkdir(parents=True)
    (root / "_quarto.yml").write_text(SETTINGS)
    (root / "index.qmd").write_text(f"---\ntitle: Foreign\n---\n\n{page}\n")
    (root / f"plugins/datasets/{dataset}.py").write_text(DATASETS[dataset])
    (root / "plugins/hosts/plain.py").write_text(HOST)
    host = 'name = "plain"\nhook = "rows"' if dataset == "events" else MLP
    text = EXPERIMENT.format(dataset=dataset, interpret="" if dataset == "events" else interpret, host=host)
    (root / f"data/experiments/{dataset}.toml").write_text(text)
    return Paths(root.resolve())
