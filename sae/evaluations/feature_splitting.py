"""How latents of a small SAE come apart in a larger one: edges by direction and by firing together, beside chance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy.sparse import csc_array, csr_array
from torch import Tensor
from torch.nn.functional import normalize

from sae.errors import InputError
from sae.evaluations._given import numbers
from sae.given import check_codes
from sae.nulls import random_directions
from sae.records import Codes
from sae.seeding import stream
from sae.values import real, says_itself, whole

# Latents of the larger SAE that are compared with all of the smaller one at once.
BLOCK = 1024
# A latent that fires (or is silent) on fewer rows has a phi by accident.
LEAST_FIRINGS = 10
# A latent of like density is one of so many neighbours by density, on either side.
NEIGHBOURS = 10
# Of what chance reaches, above which an edge makes a child.
QUANTILE = 0.99


@dataclass(frozen=True)
class Edges:
    """Pairs of a coarse and a fine latent; one entry a pair in every field."""

    coarse: Int[Tensor, " edges"]
    fine: Int[Tensor, " edges"]
    cosine: Float[Tensor, " edges"]
    """Of their decoder directions."""
    phi: Float[Tensor, " edges"]
    """Correlation of fired and not fired over the rows, -1 to 1."""
    coarse_given_fine: Float[Tensor, " edges"]
    """Share of the fine latent's firings at which the coarse one fires: near 1 for a child."""
    fine_given_coarse: Float[Tensor, " edges"]
    """Share of the coarse latent's firings at which the fine one fires."""
    matched_phi: Float[Tensor, " edges"]
    """Control: phi of the same coarse latent and another fine one that fires about as often."""


@dataclass(frozen=True)
class Splitting:
    """What `feature_splitting` found."""

    edges: Edges
    """Of every live fine latent: the coarse ones nearest by direction, and those that fire with it most."""
    live_coarse: Bool[Tensor, " n_coarse"]
    live_fine: Bool[Tensor, " n_fine"]
    """Which fire on 10 rows or more, and are silent on 10 or more; no others have edges."""
    parent: Int[Tensor, " n_fine"]
    """The coarse latent nearest by direction; -1 where its cosine or phi does not exceed chance, or the latent is not
    live."""
    cosine_by_chance: Float[Tensor, " n_live_fine"]
    """Control: the best cosine to a coarse direction of as many directions that know nothing of it."""
    least_cosine: float
    least_phi: float
    """What a child has to exceed: what was asked for, or the 99th percentile of the controls."""
    split_share: float
    """Share of the live coarse latents that have two children or more."""
    split_share_by_cosine: float
    """The same where a child need only exceed the cosine: what the next has to be compared with."""
    split_share_by_chance: float
    """The same of the directions that know nothing."""

    def children(self, coarse: int) -> list[int]:
        """The fine latents whose parent is this one, nearest first."""
        of = (self.edges.coarse == coarse) & (self.parent[self.edges.fine] == coarse)
        order = self.edges.cosine[of].argsort(descending=True, stable=True)
        found: list[int] = self.edges.fine[of][order].tolist()
        return found


@says_itself
def feature_splitting(
    coarse: Codes,
    fine: Codes,
    coarse_directions: Float[Tensor, "n_coarse width"],
    fine_directions: Float[Tensor, "n_fine width"],
    *,
    null_directions: Float[Tensor, "n_null width"] | None = None,
    most: int = 3,
    least_cosine: float | None = None,
    least_phi: float | None = None,
    seed: int = 0,
) -> Splitting:
    """Edges between the SAEs of two sizes on the same rows (feature splitting: Bricken et al. 2023, "Towards
    monosemanticity"; Leask et al., arXiv 2502.04878, relate sizes by cosine).

    Each live fine latent has edges to the `most` coarse ones of largest cosine and of largest phi. It is a child of the
    nearest by cosine, where both exceed a threshold: given, or the 99th percentile of a control. The controls: for the
    cosine, as many random unit directions, or `null_directions` (such as those drawn with the rows' covariance, or of a
    random host's SAE: isotropic ones are far from any direction that language models use); for phi, the same coarse
    latent with another fine one of like density. So the best cosine of many is compared with the best of as many, and
    the phi of a pair that was chosen by its cosine with that of one that was not chosen.

    Sparse and in blocks of 1,024 fine latents: with 4,096 coarse ones about 150 MB beside the codes. Raises InputError
    for codes of other rows, directions of other latents or no live latent, NumericError for NaN and infinity.
    """
    for name, codes in (("coarse", coarse), ("fine", fine)):
        check_codes(codes)
        if codes.values.ndim != 2 or len(codes) != len(coarse):
            expected = f"({len(coarse)}, k): both SAEs have to read the same rows"
            raise InputError(f"{name} codes have shape {tuple(codes.values.shape)}, expected {expected}")
    coarse_unit = normalize(numbers("coarse directions", coarse_directions, coarse.n_latents, "width").float().cpu())
    width, rows = coarse_unit.shape[1], len(coarse)
    fine_unit = normalize(numbers("fine directions", fine_directions, fine.n_latents, width).float().cpu())
    most = whole("most", most, 1)
    fired = {"coarse": _fired(coarse), "fine": csc_array(_fired(fine))}
    counts = {name: torch.from_numpy(np.asarray(one.sum(axis=0))).double() for name, one in fired.items()}
    live = {name: (count >= LEAST_FIRINGS) & (rows - count >= LEAST_FIRINGS) for name, count in counts.items()}
    for name, some in live.items():
        if not bool(some.any()):
            raise InputError(
                f"no {name} latent fires on {LEAST_FIRINGS} of {rows} rows or more, and is silent on as many"
            )
    some_coarse = live["coarse"].nonzero().flatten()
    some_fine = live["fine"].nonzero().flatten()
    # by density, so that a latent's like are in its own block
    some_fine = some_fine[counts["fine"][some_fine].argsort(stable=True)]
    by_coarse, directions = csr_array(fired["coarse"][:, some_coarse.numpy()]), coarse_unit[some_coarse]
    found: list[Edges] = []
    for start in range(0, len(some_fine), BLOCK):
        part = some_fine[start : start + BLOCK]
        together = torch.from_numpy((fired["fine"][:, part.numpy()].T @ by_coarse).toarray())
        pairs = _Block(
            together, counts["fine"][part], counts["coarse"][some_coarse], fine_unit[part] @ directions.T, rows
        )
        found.append(_edges(pairs, part, some_coarse, most, seed, start))
    edges = Edges(**{field.name: torch.cat([getattr(part, field.name) for part in found]) for field in fields(Edges)})
    chance, chance_parent = _by_chance(directions, null_directions, len(some_fine), width, seed)
    least_cosine = float(chance.quantile(QUANTILE) if least_cosine is None else real("least_cosine", least_cosine))
    least_phi = float(edges.matched_phi.quantile(QUANTILE) if least_phi is None else real("least_phi", least_phi))
    best = torch.full((fine.n_latents,), -2.0, dtype=torch.float32, device="cpu").scatter_reduce(
        0, edges.fine, edges.cosine, "amax"
    )
    nearest = (edges.cosine == best[edges.fine]) & (edges.cosine > least_cosine)
    parent = torch.full((fine.n_latents,), -1, dtype=torch.int64, device="cpu").index_put(
        (edges.fine[nearest],), edges.coarse[nearest]
    )
    by_both = nearest & (edges.phi > least_phi)
    both_parent = torch.full_like(parent, -1).index_put((edges.fine[by_both],), edges.coarse[by_both])

    def share(parents: Tensor) -> float:
        return int((torch.bincount(parents[parents >= 0]) >= 2).sum()) / len(some_coarse)

    return Splitting(
        edges=edges,
        live_coarse=live["coarse"],
        live_fine=live["fine"],
        parent=both_parent,
        cosine_by_chance=chance,
        least_cosine=least_cosine,
        least_phi=least_phi,
        split_share=share(both_parent),
        split_share_by_cosine=share(parent),
        split_share_by_chance=share(torch.where(chance > least_cosine, chance_parent, -1)),
    )


@dataclass(frozen=True)
class _Block:
    """Some fine latents, by density, with all live coarse ones."""

    together: Int[Tensor, "some n_coarse"]
    fine: Float[Tensor, " some"]
    coarse: Float[Tensor, " n_coarse"]
    cosine: Float[Tensor, "some n_coarse"]
    rows: int

    def phi(self) -> Float[Tensor, "some n_coarse"]:
        """The correlation of each pair; both fire sometimes and not always, so that it is defined."""
        spread = [(count * (self.rows - count)).sqrt() for count in (self.fine, self.coarse)]
        expected = self.fine[:, None] * self.coarse
        # products of counts are larger than whole numbers of 32 bits
        return ((self.together.double() * self.rows - expected) / (spread[0][:, None] * spread[1])).float()


def _edges(block: _Block, fine: Tensor, coarse: Tensor, most: int, seed: int, start: int) -> Edges:
    phi = block.phi()
    k = min(most, len(coarse))
    wanted = torch.zeros(phi.shape, dtype=torch.bool, device="cpu")
    for score in (block.cosine, phi):
        wanted.scatter_(1, score.topk(k).indices, True)
    row, column = wanted.nonzero(as_tuple=True)
    n = len(fine)
    # another latent a few places away; at the ends of the block it is looked for towards its middle
    generator = stream(seed, "matched pairs", start)
    away = torch.randint(1, NEIGHBOURS + 1, (len(row),), generator=generator, dtype=torch.int64, device="cpu")
    away = torch.where(torch.rand(len(row), generator=generator, dtype=torch.float32, device="cpu") < 0.5, away, -away)
    other = torch.where((row + away < 0) | (row + away >= n), row - away, row + away).clamp(0, n - 1)
    other = torch.where(other == row, torch.where(row > 0, row - 1, row + 1).clamp(max=n - 1), other)
    return Edges(
        coarse=coarse[column],
        fine=fine[row],
        cosine=block.cosine[row, column],
        phi=phi[row, column],
        coarse_given_fine=(block.together[row, column] / block.fine[row]).float(),
        fine_given_coarse=(block.together[row, column] / block.coarse[column]).float(),
        matched_phi=phi[other, column],
    )


def _fired(codes: Codes) -> csr_array:
    """1 where a latent fires, sparse."""
    rows, column = (codes.values > 0).nonzero(as_tuple=True)
    latents = codes.indices[rows, column].cpu().numpy()
    ones = np.ones(len(latents), dtype=np.int32)
    return csr_array((ones, (rows.cpu().numpy(), latents)), shape=(len(codes), codes.n_latents))


def _by_chance(
    directions: Tensor, null: Tensor | None, n: int, width: int, seed: int
) -> tuple[Float[Tensor, " n"], Int[Tensor, " n"]]:
    """The best cosine of `n` directions of no relation, and the place of the coarse one that it is of."""
    given = None if null is None else normalize(numbers("null directions", null, "n", width).float().cpu())
    if given is not None and not len(given):
        raise InputError("null directions are 0 rows, expected one or more")
    pieces: Iterator[Tensor] = (
        random_directions(min(BLOCK, n - start), width, stream(seed, "fine", start))
        if given is None
        else given[torch.arange(start, min(start + BLOCK, n), device="cpu") % len(given)]
        for start in range(0, n, BLOCK)
    )
    best = [(piece @ directions.T).max(1) for piece in pieces]
    return torch.cat([one.values for one in best]), torch.cat([one.indices for one in best])
