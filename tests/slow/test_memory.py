"""How much memory training takes: weights, optimiser and one batch, whatever the number of rows on disk."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

pytestmark = pytest.mark.slow
D_IN, WIDTH, K, BATCH = 576, 16_384, 32, 4096

TRAIN = """
import re, sys, threading, time
import numpy as np, torch
torch.set_num_threads(2)
from sae.architectures.topk import TopK
from sae.config import TrainConfig
from sae.train import train

def anonymous():  # kB that belong to the process alone: pages of the mapped file do not count
    return int(re.search(r"RssAnon:\\s+(\\d+)", open("/proc/self/status").read()).group(1))

# nothing is dead within three steps: AuxK copies the weights of dead latents, of which a real run has few
config = TrainConfig(steps=3, batch=%d, shortlist=%d, dead_after=1.0)
small = torch.randn(64, %d)
train("topk", TopK(%d, 96, k=4), small, TrainConfig(steps=2, batch=64, shortlist=8), 0)  # compiles
before, peak = anonymous(), [0]
def watch():
    while True:
        peak[0] = max(peak[0], anonymous())
        time.sleep(0.002)
threading.Thread(target=watch, daemon=True).start()
rows = torch.from_numpy(np.load(sys.argv[1], mmap_mode="c"))
train("topk", TopK(%d, %d, k=%d), rows, config, 0)
print((peak[0] - before) * 1024)
"""


@pytest.mark.parametrize("shortlist", [0, 64])
def test_training_keeps_to_weights_optimiser_and_a_batch(tmp_path, shortlist):
    path = tmp_path / "rows.npy"
    rows = np.lib.format.open_memmap(path, "w+", np.float32, (60_000, D_IN))
    rows[:] = np.random.default_rng(0).standard_normal(rows.shape, dtype=np.float32)
    rows.flush()
    script = TRAIN % (BATCH, shortlist, D_IN, D_IN, D_IN, WIDTH, K)
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    weights = 4 * (2 * WIDTH * D_IN + WIDTH + D_IN)
    codes = BATCH * K * 12
    assert int(done.stdout) <= 1.5 * (3 * weights + codes), f"{int(done.stdout) / 2**20:.0f} MB"
