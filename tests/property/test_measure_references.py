"""The newer measures against plain numpy and scipy, by other formulas than their own, and edges by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from measure_cases import (
    CLASSES,
    D_IN,
    LATENTS,
    MEASURES,
    assert_same,
    batches,
    factors,
    part,
    quick,
    read,
    seeds,
    times,
)
from scipy.optimize import minimize_scalar
from scipy.spatial.distance import cosine as cosine_distance
from scipy.stats import chi2_contingency

from sae.errors import ConfigError
from sae.evaluate import Seen
from sae.measures.density import histogram
from sae.records import Codes

X = torch.tensor([[5.0, 1.0], [1.0, 1.0], [3.0, 3.0], [3.0, -1.0]])  # mean (3, 1): (2, 0) (-2, 0) (0, 2) (0, -2)


def rows_of(x, x_hat):
    return Seen(codes=Codes.from_dense(torch.zeros(len(x), 1)), x=torch.as_tensor(x), x_hat=torch.as_tensor(x_hat))


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
    reading = read(
        "copy_score", Seen(codes=Codes.from_dense(torch.zeros(1, 2)), directions=directions, references=torch.eye(2))
    )
    assert reading.latents.tolist() == pytest.approx([0.8, 0.3 / math.sqrt(0.1)]) and reading.value == 0.5


@quick
@given(batches(), seeds)
def test_live_copies_is_a_loop_over_the_latents_that_fire(seen, seed):
    # some directions are references, or almost, of either sign and any length
    g = torch.Generator().manual_seed(seed)
    which = torch.randint(0, D_IN, (LATENTS // 2,), generator=g)
    lengths = torch.tensor([2.0, -2.0, 0.5, 1.0, -1.0])[:, None]
    directions = seen.directions.clone()
    nearly = torch.randn(LATENTS // 2, D_IN, generator=g, dtype=torch.float64)
    directions[::2] = lengths * (seen.references[which] + 0.2 * nearly)
    expected = np.full(LATENTS, np.nan)
    for j in np.flatnonzero((seen.dense.numpy() > 0).any(0)):
        expected[j] = max(abs(1 - cosine_distance(directions[j], row)) for row in seen.references)
    live = expected[~np.isnan(expected)]
    reading = read("live_copies", replace(seen, directions=directions))
    np.testing.assert_allclose(reading.latents.numpy(), expected, atol=1e-12)
    assert reading.n == len(live)
    assert reading.value == pytest.approx((live > 0.9).mean() if len(live) else math.nan, nan_ok=True)


@quick
@given(batches(), seeds)
def test_near_duplicates_is_a_loop_over_the_pairs_that_fire(seen, seed):
    g = torch.Generator().manual_seed(seed)
    directions = seen.directions.clone()
    nearly = torch.randn(LATENTS // 2, D_IN, generator=g, dtype=torch.float64)
    directions[1::2] = -2 * directions[: 2 * (LATENTS // 2) : 2] + 0.3 * nearly
    live = np.flatnonzero((seen.dense.numpy() > 0).any(0))
    near = [any(abs(1 - cosine_distance(directions[i], directions[j])) > 0.9 for j in live if i != j) for i in live]
    reading = read("near_duplicates", replace(seen, directions=directions))
    assert reading.n == len(live)
    assert reading.value == pytest.approx(np.mean(near) if len(live) > 1 else math.nan, nan_ok=True)


def host_parts(seen):
    """numpy: codes, directions, offset and host rows of a batch."""
    given = (seen.dense, seen.host_directions, seen.host_offset, seen.host)
    return tuple(tensor.numpy() for tensor in given)


@quick
@given(batches(lively=True))
def test_fri_decodes_every_latent_alone(seen):
    codes, directions, offset, host = host_parts(seen)
    scores = []
    for z, a in zip(codes, host, strict=True):
        active = np.flatnonzero(z)
        if len(active) < 2:
            continue
        full = np.sum((offset + z @ directions - a) ** 2)
        alone = [np.sum((offset + np.where(np.arange(LATENTS) == j, z, 0) @ directions - a) ** 2) for j in active]
        scores.append(np.mean([(error - full) / (len(active) - 1) for error in alone]))
    reading = read("fri", seen)
    assert reading.n == len(scores) > 10
    assert reading.value == pytest.approx(-np.mean(scores), rel=1e-6, abs=1e-6)


@quick
@given(batches(lively=True), factors)
def test_fri_is_the_square_of_what_activations_are_worth(seen, factor):
    # twice the activation and twice the residual: the same latents, four times the score
    host = seen.host_offset + factor * (seen.host - seen.host_offset)
    louder = replace(seen, host=host, codes=replace(seen.codes, values=seen.codes.values * factor))
    expected = read("fri", seen).value * factor**2
    assert read("fri", louder).value == pytest.approx(expected, rel=1e-5)
    scaled = times(seen, factor, "host", "host_directions", "host_offset")
    assert read("fri", scaled).value == pytest.approx(expected, rel=1e-7)


@quick
@given(batches())
def test_csp_is_a_loop_over_latents_and_classes(seen):
    codes, labels = seen.dense.numpy(), seen.labels.numpy()
    expected = []
    for column in codes.T:
        means = sorted(column[labels == c].mean() if (labels == c).any() else 0.0 for c in range(CLASSES))
        expected.append((means[-1] - means[-2]) / means[-1] if means[-1] > 0 else 0.0)
    reading = read("csp", seen)
    assert (reading.value, reading.n) == (pytest.approx(np.mean(expected), rel=1e-9, abs=1e-12), LATENTS)
    np.testing.assert_allclose(reading.latents.numpy(), expected, rtol=1e-9, atol=1e-12)


def correlation_size(rows):
    """Mean |correlation| over pairs of columns that vary, and how many pairs."""
    some = rows[:, np.ptp(rows, axis=0) > 0]
    sizes = np.abs(np.corrcoef(some.T)[np.triu_indices(some.shape[1], 1)])
    return sizes.mean(), len(sizes)


@quick
@given(batches(lively=True), st.sampled_from([0.0, -1e5]))
def test_pds_is_the_difference_of_two_correlation_matrices(seen, offset):
    # at depth 1 the host stands below, with whatever mean it has
    below = seen.below.dense() + offset
    expected, n_below = correlation_size(below.numpy())
    here, n = correlation_size(seen.dense.numpy())
    reading = read("pds", replace(seen, below=Codes.from_dense(below)))
    assert n_below == 6 and 0.1 < expected < 1 and reading.n == n
    assert reading.value == pytest.approx(expected - here, rel=1e-6)


def test_pds_in_blocks_and_batches_knows_a_constant_from_a_column_that_varies(monkeypatch):
    monkeypatch.setattr("sae.measures.pds.BLOCK", 2)
    g = torch.Generator().manual_seed(0)
    codes, below = torch.relu(torch.randn(1000, 7, generator=g)), torch.randn(1000, 5, generator=g) + 300
    codes[:, 2], below[:, 0] = 0.1, 1 / 3  # sums of either round
    seen = Seen(codes=Codes.from_dense(codes), below=Codes.from_dense(below))
    pieces = [(0, 0), (0, 1), (1, 400), (400, 400), (400, 1000)]
    reading = read("pds", *(Seen(codes=sliced(seen.codes, *cut), below=sliced(seen.below, *cut)) for cut in pieces))
    assert reading.n == 6 * 5 // 2
    expected = correlation_size(below.double().numpy())[0] - correlation_size(codes.double().numpy())[0]
    assert reading.value == pytest.approx(expected, rel=1e-9)


def sliced(codes, start, stop):
    return Codes(codes.values[start:stop], codes.indices[start:stop], codes.n_latents)


@quick
@given(batches(lively=True), st.sampled_from([1, 35, 2**22]))
def test_ltes_scales_every_code_of_every_example(seen, chunk):
    codes, directions, offset, _ = host_parts(seen)
    expected, of_the_source = np.full(LATENTS, np.nan), np.full(LATENTS, np.nan)
    for j in range(LATENTS):
        if (codes[:, j] > 0).sum() < 10:
            continue
        changes = codes[:, [j]] * directions[j]  # the doubled code's reconstruction less the code's own
        spreads = np.array([np.std(offset + z @ directions, ddof=1) for z in codes])
        few = 1 - (np.abs(changes) > 0.5 * spreads[:, None]).mean(1)
        some = codes[:, j] > 0
        cosines = np.zeros(len(codes))
        cosines[some] = [1 - cosine_distance(row, changes.mean(0)) for row in changes[some]]
        assert np.mean(cosines[some]) == pytest.approx(1, abs=1e-9), "by construction"
        expected[j] = (few[some].mean() + cosines[some].mean()) / 2
        of_the_source[j] = (few.mean() + cosines.mean()) / 2
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sae.measures.ltes.CHUNK", chunk)
        reading = read("ltes", seen)
    np.testing.assert_allclose(reading.latents.numpy(), expected, atol=1e-9)
    assert 0.5 < reading.value < 1 and reading.n == np.isfinite(expected).sum()
    assert reading.value == pytest.approx(np.nanmean(expected), abs=1e-9)
    # the difference that the docstring states
    sparsity, rate = 2 * expected - 1, (codes > 0).mean(0)
    np.testing.assert_allclose(of_the_source, 0.5 + rate * sparsity / 2, atol=1e-9)


@quick
@given(batches(lively=True), factors, seeds)
def test_what_ltes_does_not_see(seen, factor, seed):
    order = torch.randperm(seen.host_offset.numel(), generator=torch.Generator().manual_seed(seed))
    louder = replace(seen, codes=replace(seen.codes, values=seen.codes.values * factor))
    directions, offset = seen.host_directions[:, order], seen.host_offset[order]
    for same in (
        times(seen, factor, "host_directions", "host_offset"),  # the host in other units
        times(seen, -factor, "host_directions", "host_offset"),  # and turned round
        times(louder, 1 / factor, "host_directions"),  # the codes in other units
        times(louder, factor, "host_offset"),  # everything louder
        replace(seen, host_directions=directions, host_offset=offset - 2.5),  # coordinates reordered, moved alike
    ):
        assert_same(read("ltes", seen), read("ltes", same))


@pytest.mark.parametrize("name", ["fri", "pds", "ltes"])
@quick
@given(seen=batches(lively=True))
def test_what_was_seen_is_kept_when_a_buffer_is_filled_again(name, seen):
    expected, measure = read(name, seen), MEASURES[name]()
    copied = part(seen, torch.arange(len(seen.codes)))
    measure.update(copied)
    for values in (copied.codes.values, copied.below.values, copied.host):
        values.fill_(3.0)
    assert measure.reading().value == expected.value
