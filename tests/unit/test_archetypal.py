"""Archetypal SAE: what its directions are made of, checked without its own arithmetic, and what that is good for."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment, nnls
from torch.nn.functional import normalize
from training import FULL, PLANTED, left_out, planted, recovered

from sae.architectures.archetypal import CANDIDATES, Archetypal, spread
from sae.architectures.topk import TopK
from sae.errors import ConfigError
from sae.median import geometric_median
from sae.train import Trainee, train, train_together


def outside(atoms, points):
    """How far each atom is from the convex hull of the points: least squares with shares above 0 that sum to 1."""
    heavy = 1e3  # so that they do
    table = np.vstack([points.double().numpy().T, heavy * np.ones(len(points))])
    return [nnls(table, np.append(atom, heavy))[1] for atom in atoms.detach().double().numpy()]


@pytest.mark.parametrize("slack", [0.0, 0.05])
@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_atoms_stay_in_the_hull_of_rows_but_for_their_slack(slack, ema):
    _, rows = planted()
    config = dataclasses.replace(FULL, steps=40, lr=0.05, ema=ema, dead_after=0.05)
    sae, seen = Archetypal(12, 24, k=2, points=40, slack=slack), []
    adapt = sae._adapt
    sae._adapt = lambda loss: (adapt(loss), seen.append(float(sae.offset.detach().norm(dim=1).max())))
    layer = train("archetypal", sae, rows, config, 0)
    bound = slack * math.sqrt(12)
    assert max(seen) <= bound + 1e-6 and (max(seen) > 0.5 * bound or not slack)
    distances = outside(sae.atoms(), sae.points)
    assert max(distances) <= bound + 1e-4
    torch.testing.assert_close(sae.W_dec, normalize(sae.atoms(), dim=1))
    # the points are rows, seen from their median
    given = layer.normaliser.apply(rows)
    apart = torch.cdist(sae.points + geometric_median(given), given, compute_mode="donot_use_mm_for_euclid_dist")
    assert float(apart.min(1).values.max()) < 1e-4
    assert min(outside(2.5 * sae.points[:3], sae.points)) > bound + 0.5, "the check would tell"


def test_planted_directions_are_found_by_mixtures_of_rows_alone():
    directions, rows = planted()
    layer = train("archetypal", Archetypal(12, 24, k=2, slack=0.0), rows, PLANTED, 0)
    assert recovered(layer, directions) > 0.9 and left_out(layer, rows) < 0.15
    assert not bool(layer.sae.offset.any())


def agreement(name, make, rows):
    """Mean cosine of the directions of two seeds, paired one to one."""
    one, two = (train(name, make(), rows, PLANTED, seed).sae.directions() for seed in (0, 1))
    cosines = (one @ two.T).numpy()
    return float(cosines[linear_sum_assignment(-cosines)].mean())


@pytest.mark.thorough
def test_two_seeds_agree_where_those_of_topk_do_not():
    _, rows = planted()
    assert agreement("topk", lambda: TopK(12, 24, k=2), rows) < 0.85
    assert agreement("archetypal", lambda: Archetypal(12, 24, k=2), rows) > 0.97


def test_gradients_are_those_of_what_directions_are_made_of():
    """Against the same loss with the atoms written out, W_dec nowhere in it."""
    _, rows = planted()
    sae = Archetypal(12, 24, k=3, points=30, encoder_norm=0.8)
    sae._start(rows, torch.Generator().manual_seed(0))
    with torch.no_grad():
        sae.offset.copy_(0.2 * torch.randn(24, 12, generator=torch.Generator().manual_seed(1)))
    sae._constrain()
    parts = (sae.mixture, sae.offset, sae.W_enc, sae.b_dec)
    codes = sae.encode(rows[:50]).dense()
    written = sae.mixture.softmax(1) @ sae.points + sae.offset
    x_hat = codes @ (written / written.norm(dim=1, keepdim=True)) + sae.b_dec
    wanted = torch.autograd.grad((rows[:50] - x_hat).pow(2).sum() / 50 / 12, parts)
    for one, two in zip(torch.autograd.grad(sae.loss(rows[:50]).total, parts), wanted, strict=True):
        torch.testing.assert_close(one, two, atol=1e-6, rtol=1e-4)
    assert all(bool(part.any()) for part in wanted)


def test_points_are_far_from_one_another_whatever_the_order():
    line = torch.tensor([[0.4], [-4.0], [0.0], [1.0], [3.0], [2.9], [-4.0]])
    assert spread(line, 4).flatten().tolist() == [-4.0, 3.0, 1.0, pytest.approx(0.4)]
    assert len(spread(line, 9)) == 5, "one of two that are the same, and none without a direction"
    rows = torch.randn(200, 6, generator=torch.Generator().manual_seed(0))
    shuffled = rows[torch.randperm(200, generator=torch.Generator().manual_seed(1))]
    assert torch.equal(spread(rows, 30), spread(shuffled, 30))
    many = torch.randn(3 * CANDIDATES, 2, generator=torch.Generator().manual_seed(0))
    assert bool(many.norm(dim=1).max() == spread(many, 5)[0].norm()), "the farthest are looked at"


@pytest.mark.parametrize(("count", "points"), [(20, 64), (300, 8)])
def test_latents_begin_apart_also_where_rows_or_points_are_fewer(count, points):
    rows = torch.randn(count, 12, generator=torch.Generator().manual_seed(0))
    sae = Archetypal(12, 40, k=2, points=points)
    sae._start(rows, torch.Generator().manual_seed(0))
    cosines = sae.directions() @ sae.directions().T - 2 * torch.eye(40)
    assert float(cosines.max()) < 0.9999
    assert torch.equal(sae.W_enc, sae.W_dec) and len(sae.points) == points


def test_there_are_as_many_points_as_latents_and_enough_unless_it_is_said():
    asked = ((16, 0), (600, 0), (2000, 0), (600, 45))
    found = [Archetypal(4, n, k=1, points=points).options()["points"] for n, points in asked]
    assert found == [512, 600, 1024, 45]


def test_too_few_points_for_latents_that_differ_are_refused():
    with pytest.raises(ConfigError, match="points = 6: at least 7 for 40 latents, or some would be the same"):
        Archetypal(12, 40, k=2, points=6)


def test_a_revived_latent_stands_on_the_point_most_like_its_row():
    _, rows = planted()
    sae = Archetypal(12, 24, k=2, points=100)
    sae._start(rows, torch.Generator().manual_seed(0))
    before = sae.W_enc.detach().clone()
    sae._revive(torch.tensor([3, 9]), rows[:2])
    best = (normalize(rows[:2] - sae.b_dec, dim=1) @ normalize(sae.points, dim=1).T).argmax(1)
    assert torch.equal(sae.mixture[[3, 9]].argmax(1), best)
    assert float(sae.mixture[3].detach().softmax(0).max()) == pytest.approx(0.5)
    torch.testing.assert_close(sae.W_dec[[3, 9]], normalize(sae.atoms()[[3, 9]], dim=1))
    torch.testing.assert_close(sae.W_enc[3], 0.2 * sae.W_dec[3])
    assert torch.equal(sae.W_enc[4:9], before[4:9])


def test_a_frozen_decoder_keeps_all_that_it_is_made_of_and_a_given_one_is_refused():
    _, rows = planted()
    sae, start = Archetypal(12, 24, k=2, points=50), {}
    begin = sae._start

    def watched(*given):
        begin(*given)
        start.update({name: value.clone() for name, value in sae.state_dict().items()})

    sae._start = watched
    train_together([Trainee("archetypal", sae, frozen_decoder=True)], rows, FULL, 0)
    for name in ("W_dec", "mixture", "offset", "points"):
        torch.testing.assert_close(sae.state_dict()[name], start[name], atol=1e-5, rtol=1e-5)
    assert torch.equal(sae.W_dec, start["W_dec"]) and not torch.equal(sae.W_enc, start["W_enc"])
    for name in ("W_dec", "mixture", "offset"):
        given = Archetypal(12, 24, k=2)
        given.get_parameter(name).requires_grad_(False)
        with pytest.raises(ConfigError, match=f"{name} of the archetypal SAE takes no gradients"):
            train("archetypal", given, rows, FULL, 0)
