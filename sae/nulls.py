"""Floors: what a measure reaches without any structure having been learned.

Each floor answers one objection. *Memorising*: M latents can store M of N rows verbatim. *Random dictionary*: any
set of unit directions explains something once codes are fitted to it, and one with the rows' own covariance more.
*PCA*: a linear basis of the same L0 (printed
beside the others; it is a baseline, not a floor). *Trained nulls*: an SAE given the same budget also learns something
from rows whose structure was destroyed; `gaussian_rows` keep means and covariance only, `permuted_coordinates` keep
each coordinate's distribution only. (A frozen random decoder is a `Trainee` of `sae.train`.)
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor


def memorising_bound(n_latents: int, n_rows: int) -> float:
    """Variance explained in-sample that storing rows verbatim can reach on pure noise: n_latents / n_rows."""
    return min(1.0, n_latents / n_rows)


def random_directions(n_latents: int, d_in: int, generator: torch.Generator) -> Float[Tensor, "n_latents d_in"]:
    """Isotropic random unit rows."""
    rows = torch.randn(n_latents, d_in, generator=generator, dtype=torch.float32, device="cpu")
    unit: Tensor = rows / rows.norm(dim=1, keepdim=True)
    return unit


def gaussian_rows(rows: Float[Tensor, "rows d_in"], n: int, generator: torch.Generator) -> Float[Tensor, "drawn d_in"]:
    """`n` draws from the normal distribution that has the mean and the covariance of `rows`, and nothing else."""
    mean = rows.mean(0)
    centred = (rows - mean).double()
    values, vectors = torch.linalg.eigh(centred.T @ centred / max(1, len(rows)))
    # rounding leaves eigenvalues of rows that do not fill their space a little below 0
    spread = vectors * values.clamp(min=0).sqrt()
    drawn: Tensor = (
        torch.randn(n, len(mean), generator=generator, dtype=torch.float32, device="cpu") @ spread.T.to(rows.dtype)
        + mean
    )
    return drawn


def permuted_coordinates(rows: Float[Tensor, "rows d_in"], generator: torch.Generator) -> Float[Tensor, "rows d_in"]:
    """Each coordinate shuffled over the rows on its own: its values stay, what goes with what is gone.

    The null for sparse codes, whose zeros no Gaussian has. Shuffling whole rows would change nothing.
    """
    order = torch.rand(rows.shape, generator=generator, dtype=torch.float32, device="cpu").argsort(0)
    return rows.gather(0, order)


def fit_on_support(
    rows: Float[Tensor, "batch d_in"],
    directions: Float[Tensor, "n_latents d_in"],
    support: Int[Tensor, "batch k"],
) -> Float[Tensor, "batch d_in"]:
    """Least-squares reconstruction of each row from its own chosen directions (no sign constraint: generous)."""
    chosen = directions[support]  # batch k d_in
    gram = chosen @ chosen.transpose(1, 2)
    # a whisper of ridge: two random directions of one support may be nearly parallel
    gram = gram + 1e-6 * torch.eye(gram.shape[1], dtype=gram.dtype, device=gram.device)
    weights = torch.linalg.solve(gram, (chosen @ rows[:, :, None]))
    back: Tensor = (weights * chosen).sum(1)
    return back


def matched_directions(
    rows: Float[Tensor, "rows d_in"], n_latents: int, generator: torch.Generator
) -> Float[Tensor, "n_latents d_in"]:
    """Random unit rows with the covariance of `rows` (centred by the caller): Gaussian draws, then normalised.

    Where the rows do not fill their space an isotropic dictionary wastes most of its directions; this one does not.
    """
    # random mixtures of the rows have their covariance exactly, and need no factorisation
    mixed = torch.randn(n_latents, len(rows), generator=generator, dtype=torch.float32, device="cpu") @ rows
    unit: Tensor = mixed / mixed.norm(dim=1, keepdim=True).clamp(min=1e-12)
    return unit


def stored_directions(
    rows: Float[Tensor, "rows d_in"], n_latents: int, generator: torch.Generator
) -> Float[Tensor, "stored d_in"]:
    """A dictionary that has learned nothing but by heart: `n_latents` of the rows (centred by the caller), unit norm.

    All of them where there are fewer rows than latents.
    """
    chosen = rows[torch.randperm(len(rows), generator=generator, device="cpu")[:n_latents]]
    unit: Tensor = chosen / chosen.norm(dim=1, keepdim=True).clamp(min=1e-12)
    return unit


def pursue(
    rows: Float[Tensor, "batch d_in"], directions: Float[Tensor, "n_latents d_in"], k: int
) -> Float[Tensor, "batch d_in"]:
    """Rows (centred by the caller) given back from k of the `directions` each: orthogonal matching pursuit.

    Directions are chosen greedily and codes fitted by least squares on what was chosen, signs free. The same coder
    for a learned and for a random dictionary: a comparison across coders would compare the coders.
    """
    residual, support = rows, torch.empty(len(rows), 0, dtype=torch.long, device=rows.device)
    for _ in range(min(k, len(directions), rows.shape[1])):
        match = (residual @ directions.T).abs()
        if support.shape[1]:
            match.scatter_(1, support, -1.0)  # a direction is chosen once
        support = torch.cat([support, match.argmax(1, keepdim=True)], 1)
        residual = rows - fit_on_support(rows, directions, support)
    return rows - residual


def random_dictionary(
    rows: Float[Tensor, "batch d_in"], n_latents: int, k: int, generator: torch.Generator
) -> Float[Tensor, "batch d_in"]:
    """Rows (centred by the caller) given back from k of `n_latents` isotropic random directions."""
    return pursue(rows, random_directions(n_latents, rows.shape[1], generator), k)


def pca(train: Float[Tensor, "rows d_in"], rows: Float[Tensor, "batch d_in"], rank: int) -> Float[Tensor, "batch d_in"]:
    """`rows` given back from the first `rank` principal components of `train`."""
    mean = train.mean(0)
    centred = (train - mean).double()
    # eigenvectors of the covariance: rows are many and columns few, so this is far cheaper than a full SVD
    _, vectors = torch.linalg.eigh(centred.T @ centred)
    basis = vectors[:, vectors.shape[1] - rank :].to(rows.dtype)  # eigenvalues ascend; rank 0 leaves the mean
    back: Tensor = (rows - mean) @ basis @ basis.T + mean
    return back
