"""How well the host `mlp` reads what it was not trained on: the held-out images of its data set, and all of others.

    python -m benchmarks.transfer letters
    python -m benchmarks.transfer digits optdigits

One line a seed; a quarter of a minute each. Numbers stand in data/letters/README.md and data/optdigits/README.md.
"""

from __future__ import annotations

import sys

import numpy as np
import torch

from analysis.run.datasets._dataset import Dataset
from analysis.run.datasets._open import opened
from analysis.run.hosts.mlp import Mlp

SEEDS = (0, 1, 2)
HOOK = "hidden1"


def share_right(host: Mlp, data: Dataset, rows: np.ndarray) -> float:
    """The share of the rows (a mask) whose class the host answers."""
    answers = host.logits_from(host.activations(torch.from_numpy(data.images[rows]), HOOK), HOOK).argmax(1)
    return float(np.mean(answers.numpy() == data.classes[rows]))


def main(trained_on: str, *others: str) -> None:
    """Train on the first data set and say what is read of its held-out images and of all images of the others."""
    data, sets = opened(trained_on), [opened(name) for name in others]
    for seed in SEEDS:
        host = Mlp(data.shape, data.n_classes, seed)
        host.fit(torch.from_numpy(data.images[~data.held_out]), torch.from_numpy(data.classes[~data.held_out]))
        own = f"{trained_on}, held out: {share_right(host, data, data.held_out):.3f}"
        rest = (f"{one.name}: {share_right(host, one, np.ones(len(one.examples), bool)):.3f}" for one in sets)
        print(f"seed {seed}: {'; '.join((own, *rest))}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(*sys.argv[1:])
