"""Feature splitting: planted children are found, chance makes none, and blocks count as a dense table does."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import normalize

from sae.errors import InputError
from sae.evaluations import feature_splitting as module
from sae.evaluations.feature_splitting import feature_splitting
from sae.records import Codes


def planted(rows=600, seed=0):
    """Six coarse latents; fine 0 and 1 are halves of coarse 0, 2 and 3 of coarse 1, 4 is coarse 2 itself, 5 to 78 are
    of their own; fine 79 never fires."""
    draw = torch.Generator().manual_seed(seed)
    fine = (torch.rand(rows, 80, generator=draw) < 0.08).float() * (0.5 + torch.rand(rows, 80, generator=draw))
    fine[:, 79] = 0
    coarse = torch.relu(torch.stack([fine[:, 0] + fine[:, 1], fine[:, 2] + fine[:, 3], fine[:, 4]], 1))
    own = (torch.rand(rows, 3, generator=draw) < 0.1).float()
    coarse = torch.cat([coarse, own], 1)
    axes = normalize(torch.randn(86, 64, generator=draw))
    near = axes[[0, 0, 1, 1, 2]] + 0.7 * axes[3:8]
    return coarse, fine, torch.cat([axes[:3], axes[8:11]]), torch.cat([near, axes[11:]])


def found(**options):
    coarse, fine, coarse_directions, fine_directions = planted()
    return feature_splitting(
        Codes.from_active(coarse), Codes.from_active(fine), coarse_directions, fine_directions, **options
    )


def test_planted_children_are_found_and_chance_makes_none():
    splitting = found(null_directions=torch.randn(1000, 64, generator=torch.Generator().manual_seed(5)))
    assert sorted(splitting.children(0)) == [0, 1] and sorted(splitting.children(1)) == [2, 3]
    assert splitting.children(2) == [4] and splitting.children(3) == []
    assert splitting.parent.tolist() == [0, 0, 1, 1, 2] + [-1] * 75
    assert splitting.split_share == 2 / 6 <= splitting.split_share_by_cosine
    assert splitting.split_share_by_chance < 2 / 6
    assert splitting.live_fine.tolist() == [True] * 79 + [False] and len(splitting.cosine_by_chance) == 79
    own = splitting.edges.fine == 4
    best = splitting.edges.phi[own].argmax()
    assert float(splitting.edges.phi[own][best]) == pytest.approx(1)
    assert (
        float(splitting.edges.coarse_given_fine[own][best]) == float(splitting.edges.fine_given_coarse[own][best]) == 1
    )
    assert 0 < splitting.least_phi < 0.4
    strict = found(least_cosine=0.99, least_phi=0.0)
    assert strict.split_share == 0 and (strict.least_cosine, strict.least_phi) == (0.99, 0.0)


def test_phi_by_hand():
    # 40 rows: both fire on 10, the coarse alone on 10, the fine alone on 5, neither on 15
    coarse = torch.tensor([1.0] * 20 + [0.0] * 20)[:, None]
    fine = torch.tensor([1.0] * 10 + [0.0] * 10 + [1.0] * 5 + [0.0] * 15)[:, None]
    edges = feature_splitting(Codes.from_dense(coarse), Codes.from_dense(fine), torch.eye(1, 2), torch.eye(1, 2)).edges
    assert float(edges.phi) == pytest.approx((10 * 15 - 10 * 5) / (20 * 20 * 15 * 25) ** 0.5)
    assert float(edges.coarse_given_fine) == pytest.approx(10 / 15) and float(edges.fine_given_coarse) == 0.5
    assert float(edges.cosine) == 1
    many = [Codes.from_dense(side.repeat(3000, 1)) for side in (coarse, fine)]
    assert float(feature_splitting(*many, torch.eye(1, 2), torch.eye(1, 2)).edges.phi) == pytest.approx(
        float(edges.phi)
    )


def test_an_sae_beside_itself_splits_nothing():
    _, fine, _, directions = planted()
    itself = feature_splitting(*[Codes.from_active(fine)] * 2, *[directions] * 2, most=1)
    assert itself.parent[:79].tolist() == list(range(79)) and itself.split_share == 0
    assert float(itself.edges.cosine.min()) == pytest.approx(1) and float(itself.edges.phi.min()) == pytest.approx(1)


def test_blocks_of_any_size_give_the_edges_of_a_dense_table(monkeypatch):
    coarse, fine, coarse_directions, fine_directions = planted()
    whole = found(most=6).edges
    monkeypatch.setattr(module, "BLOCK", 30)
    parts = found(most=6).edges
    assert len(whole.fine) == len(parts.fine) == 6 * 79

    def table(edges, name):
        values = torch.zeros(6, 80)
        values[edges.coarse, edges.fine] = getattr(edges, name)
        return values

    both = torch.corrcoef(torch.cat([coarse > 0, fine[:, :79] > 0], 1).T.float())[:6, 6:]
    torch.testing.assert_close(table(whole, "phi")[:, :79], both, atol=1e-5, rtol=1e-5)
    cosines = normalize(coarse_directions) @ normalize(fine_directions).T
    torch.testing.assert_close(table(whole, "cosine")[:, :79], cosines[:, :79])
    for name in ("phi", "cosine", "coarse_given_fine", "fine_given_coarse"):
        torch.testing.assert_close(table(whole, name), table(parts, name))


def test_a_matched_latent_is_another_one_that_fires_about_as_often():
    draw = torch.Generator().manual_seed(0)
    density = torch.linspace(0.02, 0.6, 200)
    fine = (torch.rand(2000, 200, generator=draw) < density).float()
    coarse = (torch.rand(2000, 20, generator=draw) < 0.3).float()
    directions = torch.randn(220, 16, generator=draw)
    codes = Codes.from_active(coarse), Codes.from_active(fine)
    edges = feature_splitting(*codes, directions[:20], directions[20:], most=1).edges
    assert not bool((edges.matched_phi == edges.phi).all())
    # there is nothing between them: both are about 0, but the edges were chosen for being large
    assert float(edges.matched_phi.mean().abs()) < 0.01 < float(edges.phi.mean())


def test_what_has_no_edges_is_refused():
    coarse, fine, coarse_directions, fine_directions = planted()
    few = Codes.from_active(fine[:300])
    with pytest.raises(InputError, match=r"fine codes have shape \(300, \d+\), expected \(600, k\)"):
        feature_splitting(Codes.from_active(coarse), few, coarse_directions, fine_directions)
    with pytest.raises(InputError, match="no fine latent fires on 10 of 600 rows"):
        feature_splitting(Codes.from_active(coarse), Codes.from_active(0 * fine), coarse_directions, fine_directions)
    with pytest.raises(InputError, match=r"fine directions have shape \(79, 64\), expected \(80, 64\)"):
        feature_splitting(Codes.from_active(coarse), Codes.from_active(fine), coarse_directions, fine_directions[1:])
