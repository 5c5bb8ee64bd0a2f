"""Small files of a user's own data: images in folders, arrays, IDX; and the project that reads them."""

from __future__ import annotations

import struct

import numpy as np
from PIL import Image

from analysis.plan.data_source import source
from analysis.run.datasets._open import opened

SEEDS = np.random.default_rng(5)

TOML = """title = "Mine"
dataset = "{name}"
seeds = [0]
controls = false
panel = "short"
dataset_options = {{ {options} }}

[host]
options = {{ hidden1 = 8, hidden2 = 6, epochs = 1 }}

[sae]
width = 8
k = 2
train = {{ steps = 5, batch = 16, compiled = false }}

[[towers]]
kind = "latents"
depth = 1
nulls = false
"""
"""The quickest experiment on a data set `name` with `options`."""


def empty_project(tmp_path, monkeypatch):
    """An empty project."""
    (tmp_path / "_quarto.yml").write_text("project: {type: website}\n")
    (tmp_path / "data/experiments").mkdir(parents=True)
    monkeypatch.setenv("STRATA_ROOT", str(tmp_path))
    return tmp_path


def pixels(*shape):
    return SEEDS.integers(0, 256, shape, dtype=np.uint8)


def picture(path, values=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels(6, 5) if values is None else values).save(path)
    return path


def folder(root, kinds=("owl", "newt"), each=10, parts=("",)):
    for part in parts:
        for kind in kinds:
            for number in range(each):
                picture(root / "zoo" / part / kind / f"{number}.png")
    return root / "zoo"


def given(name, **options):
    return opened(source(name, options))


def idx_bytes(values):
    return struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape) + values.tobytes()
