"""Rows that look like a language model's activations to an SAE, with a spectrum that is known because we chose it.

    x = scale * (sum_j a_j * d_j + noise)

FEATURES ground-truth directions d_j, of unit length, are drawn so that the covariance of the directions has
eigenvalues proportional to i**-ALPHA in a randomly rotated basis: every row's variance falls off as a power law, and
no coordinate is special. Which features a row holds follows Zipf's law: DRAWS draws with replacement, feature j with
probability proportional to 1 / (j + OFFSET)**ZIPF; a drawn feature's size a_j is log-normal, hence positive, so the
rows have a mean of their own, as real ones do. NOISE is the share of the variance that is isotropic. `scale` makes the
mean squared length of a centred row equal to d_in.

More features are active in a row than an SAE of k = 32 may use, so the error it reaches stays well above 0 and depends
on what was learned. Rows come in chunks with a seed of their own: a longer file starts with the rows of a shorter one.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

FEATURES = 16_384
ALPHA = 1.0
DRAWS = 64
ZIPF = 1.0
OFFSET = 8
SPREAD = 1.0
NOISE = 0.02
CHUNK = 8_192
VERSION = 1


def directions(d_in: int, seed: int) -> np.ndarray:
    """Unit directions [FEATURES, d_in] with covariance eigenvalues proportional to i**-ALPHA in a rotated basis."""
    draw = np.random.default_rng([seed, 0])
    eigenvalues = np.arange(1, d_in + 1) ** -ALPHA
    rotation = np.linalg.qr(draw.standard_normal((d_in, d_in)))[0]
    rows = draw.standard_normal((FEATURES, d_in)) * np.sqrt(eigenvalues) @ rotation
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def signal(features: np.ndarray, rows: int, draw: np.random.Generator) -> np.ndarray:
    """Rows of DRAWS features each, without noise, unscaled."""
    frequency = 1 / (np.arange(FEATURES) + OFFSET) ** ZIPF
    edges = np.cumsum(frequency / frequency.sum())
    chosen = np.searchsorted(edges[:-1], draw.random((rows, DRAWS)))
    sizes = draw.lognormal(sigma=SPREAD, size=(rows, DRAWS)).astype(np.float32)
    summed = torch.nn.functional.embedding_bag(
        torch.from_numpy(chosen), torch.from_numpy(features), per_sample_weights=torch.from_numpy(sizes), mode="sum"
    )
    return summed.numpy()


def write_rows(path: Path, n_rows: int, d_in: int, seed: int, part: int) -> Path:
    """Write float32 rows [n_rows, d_in] to `path` as .npy, whole or not at all; `part` tells training from held-out
    rows, which share directions and scale."""
    features = directions(d_in, seed)
    sample = signal(features, CHUNK, np.random.default_rng([seed, 1]))
    variance = sample.var(0).sum()
    scale = np.float32(np.sqrt(d_in * (1 - NOISE) / variance))
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    target = np.lib.format.open_memmap(unfinished, mode="w+", dtype=np.float32, shape=(n_rows, d_in))
    for chunk, start in enumerate(range(0, n_rows, CHUNK)):
        # whole chunks, cut afterwards: the rows must not depend on how many are asked for
        draw = np.random.default_rng([seed, 2 + part, chunk])
        rows = signal(features, CHUNK, draw) * scale
        rows += np.float32(NOISE**0.5) * draw.standard_normal(rows.shape, dtype=np.float32)
        target[start : start + CHUNK] = rows[: n_rows - start]
    target.flush()
    unfinished.rename(path)
    return path


def training_and_held_out(folder: Path, n_train: int, n_held_out: int, d_in: int, seed: int = 0) -> tuple[Path, Path]:
    """Paths of both files; written only when `folder` does not hold them yet."""
    paths = []
    for part, (name, n_rows) in enumerate((("train", n_train), ("held-out", n_held_out))):
        path = folder / f"{name}-v{VERSION}-{n_rows}x{d_in}-seed{seed}.npy"
        paths.append(path if path.exists() else write_rows(path, n_rows, d_in, seed, part))
    return paths[0], paths[1]
