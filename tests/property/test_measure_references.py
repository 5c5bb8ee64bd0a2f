"""The newer measures against plain numpy and scipy, by other formulas than their own, and edges by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from measure_cases import LATENTS, batches, quick, read, seeds
from scipy.optimize import minimize_scalar
from scipy.spatial.distance import cosine as cosine_distance
from scipy.stats import chi2_contingency

from sae.errors import ConfigError
from sae.evaluate import Seen
from sae.measures.density import histogram
from sae.records import Codes

NONE = Codes.from_dense(torch.zeros(1, 1))
X = torch.tensor([[5.0, 1.0], [1.0, 1.0], [3.0, 3.0], [3.0, -1.0]])  # mean (3, 1): (2, 0) (-2, 0) (0, 2) (0, -2)


def rows_of(x, x_hat):
    return Seen(codes=NONE, x=torch.as_tensor(x), x_hat=torch.as_tensor(x_hat))


@quick
@given(batches())
def test_cosine_is_one_minus_the_cosine_distance_of_centred_rows(seen):
    x, x_hat = seen.x.numpy(), seen.x_hat.numpy()
    centre = x.mean(0)
    expected = np.mean([1 - cosine_distance(a - centre, b - centre) for a, b in zip(x, x_hat, strict=True)])
    assert 0.05 < expected < 0.999
    assert read("cosine", seen).value == pytest.approx(expected, rel=1e-6)


@quick
@given(batches())
def test_shrinkage_is_the_factor_that_minimises_the_error(seen):
    x, x_hat = seen.x.numpy(), seen.x_hat.numpy()
    centre = x.mean(0)

    def error(gamma):
        return np.mean(np.sum(((x_hat - centre) / gamma - (x - centre)) ** 2, 1))

    best = minimize_scalar(error, bounds=(0.05, 60), options={"xatol": 1e-9})
    assert read("shrinkage", seen).value == pytest.approx(best.x, rel=1e-4)


@quick
@given(batches(lively=True))
def test_phi_is_the_correlation_matrix_of_firing(seen):
    fired = seen.dense.numpy() > 0
    some = fired[:, (fired.mean(0) > 0) & (fired.mean(0) < 1)].astype(float)
    pairs = np.triu_indices(some.shape[1], 1)
    expected = np.abs(np.corrcoef(some.T)[pairs])
    reading = read("phi", seen)
    assert 0 < expected.mean() < 1 and reading.n == len(expected)
    assert reading.value == pytest.approx(expected.mean(), rel=1e-9)


@quick
@given(batches(lively=True))
def test_dead_count_and_density_are_those_of_numpy(seen):
    share = (seen.dense.numpy() > 0).mean(0)
    dead, density = read("dead_count", seen), read("density", seen)
    assert (dead.value, dead.n) == ((share == 0).sum(), LATENTS)
    assert density.value == pytest.approx(np.median(np.log10(share[share > 0])), rel=1e-12)
    np.testing.assert_allclose(10.0 ** np.nan_to_num(density.latents.numpy(), nan=-np.inf), share, atol=1e-12)


@quick
@given(seeds, st.integers(-6, -1), st.integers(1, 5))
def test_a_histogram_counts_every_latent_once(seed, low, per_decade):
    g = torch.Generator().manual_seed(seed)
    densities = torch.where(torch.rand(200, generator=g) < 0.1, torch.nan, -4 * torch.rand(200, generator=g)).double()
    bins = histogram(densities, low, per_decade)
    live = densities[~densities.isnan()].numpy()
    counts, edges = np.histogram(np.clip(live, low, 0), np.linspace(low, 0, -low * per_decade + 1))
    np.testing.assert_allclose(bins.edges.numpy(), edges, atol=1e-12)
    assert bins.counts.tolist() == counts.tolist()
    assert bins.dead == 200 - len(live) and int(bins.counts.sum()) + bins.dead == 200


def test_a_histogram_by_hand():
    bins = histogram(torch.tensor([0.0, -1.0, -1.5, -9.0, math.nan]), low=-2, bins_per_decade=2)
    assert bins.edges.tolist() == [-2, -1.5, -1, -0.5, 0]
    assert (bins.counts.tolist(), bins.dead) == ([1, 1, 1, 1], 1)
    for wrong in ((0, 4), (-3, 0)):
        with pytest.raises(ConfigError, match="low must be below 0"):
            histogram(torch.zeros(1), *wrong)


def test_cosine_by_hand_with_rows_and_reconstructions_at_the_mean():
    x = torch.cat([X, torch.tensor([[3.0, 1.0]])])  # the last row stands at the mean: no direction, left out
    # right, at right angles, at the mean (0, though it has none), and 45 degrees off
    x_hat = torch.tensor([[9.0, 1.0], [3.0, 5.0], [3.0, 1.0], [4.0, 0.0], [7.0, 7.0]])
    reading = read("cosine", rows_of(x, x_hat))
    assert (reading.value, reading.n) == (pytest.approx((1 + 0 + 0 + 0.5**0.5) / 4), 4)
    alike = read("cosine", rows_of(torch.ones(3, 2), torch.ones(3, 2)))
    assert math.isnan(alike.value) and alike.n == 0


def test_cosine_keeps_what_it_saw_when_a_buffer_is_filled_again():
    from sae.measures.cosine import Cosine

    measure, x, x_hat = Cosine(), X.clone(), X.clone()
    measure.update(rows_of(x, x_hat))
    x_hat.neg_()
    assert measure.reading().value == pytest.approx(1)


def test_shrinkage_by_hand():
    # centred reconstructions: halved rows, and all of them moved by (0, 1)
    reading = read("shrinkage", rows_of(X, 0.5 * (X - X.mean(0)) + torch.tensor([3.0, 2.0])))
    assert (reading.value, reading.n) == (pytest.approx((4 * 1 + 4 * 1) / (4 * 2)), 4)
    assert read("shrinkage", rows_of(X, 2 * X.mean(0) - X)).value == pytest.approx(-1), "pointing away"
    assert math.isnan(read("shrinkage", rows_of(X, torch.full((4, 2), 7.3))).value)


def test_phi_by_hand():
    # latents 0 and 1 together on 3 of 10 rows, 0 alone on 2, 1 alone on 1, neither on 4; latent 2 always, 3 never
    dense = torch.zeros(10, 4)
    dense[:5, 0] = dense[2:6, 1] = dense[:, 2] = 0.5
    table = np.array([[3, 2], [1, 4]])
    expected = math.sqrt(chi2_contingency(table, correction=False).statistic / 10)
    reading = read("phi", Seen(codes=Codes.from_dense(dense)))
    assert (reading.value, reading.n) == (pytest.approx(expected), 1)
    assert expected == pytest.approx((3 * 4 - 2 * 1) / math.sqrt(5 * 5 * 4 * 6))
    opposite = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    assert read("phi", Seen(codes=Codes.from_dense(opposite))).value == pytest.approx(1), "avoiding counts too"
    assert math.isnan(read("phi", Seen(codes=Codes.from_dense(torch.ones(3, 3)))).value)


def test_phi_of_chance_is_what_its_docstring_says_and_wide_saes_are_read_in_blocks():
    dense = torch.rand(400, 1100, generator=torch.Generator().manual_seed(0)) - 0.5
    reading = read("phi", Seen(codes=Codes.from_dense(torch.relu(dense))))
    assert reading.n == 1100 * 1099 // 2
    assert reading.value == pytest.approx(math.sqrt(2 / math.pi) / 20, rel=0.02)
    pairs = np.triu_indices(1100, 1)
    assert reading.value == pytest.approx(np.abs(np.corrcoef((dense > 0).double().T.numpy())[pairs]).mean(), rel=1e-9)


@pytest.mark.parametrize("unit", [1.0, 3.0])
def test_a_copy_score_is_a_cosine_whatever_the_length_of_directions(unit):
    directions = unit * torch.tensor([[0.6, 0.8], [0.3, 0.1]])
    reading = read("copy_score", Seen(codes=NONE, directions=directions, references=torch.eye(2)))
    assert reading.latents.tolist() == pytest.approx([0.8, 0.3 / math.sqrt(0.1)]) and reading.value == 0.5
