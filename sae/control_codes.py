"""Dictionaries that nobody trained, with codes of any L0: what an evaluation of an SAE has to have beside it.

Neurons, principal components and random directions enter an evaluation as an SAE does: unit directions, and
non-negative codes in the rows' units, so that a row is about centre + codes @ directions. Every direction is there
twice, once for each sign. Codes are found by orthogonal matching pursuit, the coder of the floors (`sae.nulls`), which
for an orthonormal basis is to keep the k largest.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from sae.errors import ConfigError, InputError
from sae.given import AnyRows, check_numbers, check_tensor, rows_of
from sae.nulls import matched_directions, random_directions
from sae.records import Codes
from sae.seeding import stream
from sae.values import choice, says_itself, whole

KINDS = ("neurons", "pca", "random", "matched")
# Entries of the largest table while rows are coded.
ENTRIES = 2**25
# Rows whose covariance random directions have: each direction is a mixture of all of them.
SAMPLE = 8192


@dataclass(frozen=True)
class Untrained:
    """A dictionary that has learned no more of the rows than their mean and, of some kinds, their covariance."""

    kind: str
    basis: Float[Tensor, "n width"]
    """Unit rows; latent 2 j stands for row j, latent 2 j + 1 for its opposite."""
    centre: Float[Tensor, " width"]
    orthonormal: bool

    @property
    def n_latents(self) -> int:
        """Twice the rows of the basis."""
        return 2 * len(self.basis)

    def directions(self) -> Float[Tensor, "n_latents width"]:
        """What an activation of 1 adds to a row."""
        return torch.stack([self.basis, -self.basis], 1).flatten(0, 1)

    @says_itself
    def encode(self, rows: AnyRows, k: int) -> Codes:
        """Codes of rows (..., width) with at most k latents above 0 each. k is that of the SAE it stands beside, for
        more latents explain more. Raises InputError and NumericError as an SAE's `encode` does."""
        width = self.basis.shape[1]
        k = min(whole("k", k, 1), len(self.basis), width)
        centred = rows_of(rows, width) - self.centre
        parts = torch.split(centred, max(1, ENTRIES // max(len(self.basis), k * width)))
        weights, support = (torch.cat(side) for side in zip(*(self._pursue(part, k) for part in parts), strict=True))
        codes = Codes(weights.abs(), 2 * support + (weights < 0), self.n_latents)
        return codes.shaped(tuple(rows.shape[:-1]))

    def decode(self, codes: Codes) -> Float[Tensor, "*leading width"]:
        """Rows of codes."""
        signed = torch.where(codes.indices % 2 == 0, codes.values, -codes.values)
        return (signed[..., None] * self.basis[codes.indices // 2]).sum(-2) + self.centre

    def _pursue(self, rows: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """Signed weights of each row's k directions, and which those are."""
        if self.orthonormal:
            along = rows @ self.basis.T
            support = along.abs().topk(k, dim=1).indices
            return along.gather(1, support), support
        support = torch.empty(len(rows), 0, dtype=torch.long, device=rows.device)
        weights, residual = rows.new_zeros(len(rows), 0), rows
        for _ in range(k):
            match = (residual @ self.basis.T).abs().scatter(1, support, -1.0)  # a direction is chosen once
            support = torch.cat([support, match.argmax(1, keepdim=True)], 1)
            chosen = self.basis[support]
            gram = chosen @ chosen.transpose(1, 2)
            gram = gram + 1e-6 * torch.eye(gram.shape[1], dtype=gram.dtype, device=gram.device)
            weights = torch.linalg.solve(gram, chosen @ rows[:, :, None])[..., 0]
            residual = rows - (weights[..., None] * chosen).sum(1)
        return weights, support


@says_itself
def untrained(kind: str, rows: Float[Tensor, "rows width"], n: int = 0, seed: int = 0) -> Untrained:
    """A control of a kind: `neurons` (the axes), `pca` (the components of rows), `random` (`n` isotropic directions),
    `matched` (`n` with the covariance of rows). `rows` are training rows, whose mean is taken off.

    Raises ConfigError for another kind, or random directions without `n`, InputError for rows of another shape or fewer
    than two, NumericError for NaN and infinity.
    """
    kind = choice("kind", kind, KINDS)
    check_tensor("rows", rows, "(rows, width)")
    if rows.ndim != 2 or len(rows) < 2:
        raise InputError(f"rows have shape {tuple(rows.shape)}, expected (rows, width), two rows or more")
    check_numbers("rows", rows)
    if kind in ("random", "matched") and whole("n", n) == 0:
        raise ConfigError(f"n = 0: must be 1 or more for the control {kind}: half as many as the SAE has latents")
    rows, width = rows.detach().float(), rows.shape[1]
    centre = rows.double().mean(0).float()
    if kind == "neurons":
        basis = torch.eye(width, dtype=torch.float32, device=rows.device)
    elif kind == "pca":
        centred = (rows - centre).double()
        # eigenvectors of the covariance, the largest first
        basis = torch.linalg.eigh(centred.T @ centred).eigenvectors.flip(1).T.float().contiguous()
    else:
        draw = stream(seed, "control", kind)
        if kind == "random":
            drawn = random_directions(n, width, draw)
        else:
            some = torch.randperm(len(rows), generator=draw, device="cpu")[:SAMPLE].to(rows.device)
            drawn = matched_directions((rows[some] - centre).cpu(), n, draw)
        basis = drawn.to(rows.device)
    return Untrained(kind, basis, centre, kind in ("neurons", "pca"))
