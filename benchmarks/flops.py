"""How many operations a second one core does in a product of matrices, as the encoder of an SAE asks for them.

    make bench-flops                              a quarter of a minute

Rows [128, d] times weights [d, n] in float32, forward, for widths from this project's to a language model's: the best
of many tries, so that other work on the machine costs little. Writes data/benchmarks/flops.json, which is tracked: what
the page of costs predicts our own training with.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import torch

from analysis.plan.stage_folders import provenance

FILE = Path(__file__).resolve().parent.parent / "data" / "benchmarks" / "flops.json"
ROWS, SHAPES = 128, ((256, 512), (576, 4096), (768, 16384))
SECONDS = 4.0
"""How long each shape is tried."""


def best(d: int, n: int, seconds: float = SECONDS) -> float:
    """Operations a second of the quickest product."""
    rows, weights = torch.randn(ROWS, d), torch.randn(d, n)
    found = torch.empty(ROWS, n)  # a fresh one for every product would cost as much as the product
    least, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        started = time.perf_counter()
        torch.mm(rows, weights, out=found)
        least = min(least, time.perf_counter() - started)
    return 2 * ROWS * d * n / least


def measured(seconds: float = SECONDS) -> dict[str, Any]:
    """What is written: by shape, and the largest."""
    torch.set_num_threads(1)
    shapes = [{"d_model": d, "latents": n, "flops": best(d, n, seconds)} for d, n in SHAPES]
    return {"made_with": {"rows": ROWS, "threads": 1} | provenance(), "shapes": shapes,
            "flops": max(shape["flops"] for shape in shapes)}  # fmt: skip


if __name__ == "__main__":
    result = measured()
    FILE.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result["shapes"]))
