"""Floors that need no SAE (storing rows, random directions, principal components), and rows without structure."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sae import nulls
from sae.nulls import (
    fit_on_support,
    gaussian_rows,
    memorising_bound,
    pca,
    permuted_codes,
    permuted_coordinates,
    random_dictionary,
    random_directions,
    stored_directions,
)
from sae.records import Codes


def draw(seed=0):
    return torch.Generator().manual_seed(seed)


def explained(rows, back):
    return 1 - float((rows - back).pow(2).sum() / (rows - rows.mean(0)).pow(2).sum())


def noise(n_rows, d_in, seed=0):
    """Isotropic unit rows."""
    return random_directions(n_rows, d_in, draw(seed))


def dot_codes(rows, directions, k):
    """Rows given back from their k largest dot products, without any fit: how an SAE's untrained encoder codes."""
    values, indices = (rows @ directions.T).topk(k)
    return torch.zeros(len(rows), len(directions)).scatter(1, indices, torch.relu(values)) @ directions


@pytest.fixture(scope="module")
def rows():
    """Anisotropic centred rows."""
    given = torch.randn(300, 16, generator=draw(2)) * torch.linspace(0.3, 2, 16)
    return given - given.mean(0)


@pytest.mark.parametrize(("latents", "n_rows", "bound"), [(64, 256, 0.25), (256, 256, 1.0), (999, 256, 1.0)])
def test_the_memorising_bound_is_the_share_of_rows_that_fit(latents, n_rows, bound):
    assert memorising_bound(latents, n_rows) == bound


def test_storing_rows_does_reach_the_memorising_bound_on_noise():
    rows = noise(200, 32)
    back = torch.cat([rows[:50], rows.mean(0).expand(150, -1)])
    assert explained(rows, back) == pytest.approx(memorising_bound(50, 200), abs=0.01)


def test_isotropic_noise_at_64_dimensions_with_k_4_and_a_quarter_as_many_latents():
    """Dot-product codes: .27 of noise for random directions, .36 in-sample for a dictionary of stored rows."""
    rows = noise(1024, 64)
    assert explained(rows, dot_codes(rows, random_directions(256, 64, draw(1)), 4)) == pytest.approx(0.269, abs=0.02)
    assert explained(rows, dot_codes(rows, rows[:256], 4)) == pytest.approx(0.36, abs=0.03)


def test_codes_fitted_by_least_squares_are_a_higher_floor_than_dot_products():
    rows = noise(400, 64)
    fitted = explained(rows, random_dictionary(rows, 256, 4, draw(1)))
    assert fitted > explained(rows, dot_codes(rows, random_directions(256, 64, draw(1)), 4)) + 0.05
    assert fitted == pytest.approx(0.41, abs=0.03)


def test_a_random_dictionary_explains_less_in_more_dimensions():
    small, large = (explained(x, random_dictionary(x, 128, 4, draw(1))) for x in (noise(300, 64), noise(300, 256)))
    assert large < small / 2


def test_the_least_squares_residual_is_orthogonal_to_the_chosen_directions(rows):
    directions = random_directions(40, 16, draw(3))
    support = torch.rand(len(rows), 40, generator=draw(4)).topk(5).indices
    residual = rows - fit_on_support(rows, directions, support)
    inner = (directions[support] @ residual[:, :, None])[:, :, 0]
    assert float(inner.abs().max()) < 1e-3 * float(rows.norm(dim=1).max())
    # ... so nothing else in the span of the chosen directions comes closer
    by_numpy = np.linalg.lstsq(directions[support[0]].T.numpy(), rows[0].numpy(), rcond=None)[0]
    torch.testing.assert_close(
        rows[0] - residual[0], directions[support[0]].T @ torch.from_numpy(by_numpy), atol=1e-3, rtol=1e-3
    )


def test_reconstructions_are_orthogonal_projections_onto_k_directions(rows):
    back = random_dictionary(rows, 40, 3, draw(3))
    residual = rows - back
    assert float((back * residual).sum(1).abs().max()) < 1e-3 * float(rows.norm(dim=1).max()) ** 2
    # each row is given back from at most 3 of the directions that the same generator draws
    directions = random_directions(40, 16, draw(3))
    orthogonal = (residual @ directions.T).abs() < 1e-3 * rows.norm(dim=1, keepdim=True)
    assert int(orthogonal.sum(1).min()) >= 3


def test_explained_variance_rises_with_k_and_ends_at_1(rows):
    values = [explained(rows, random_dictionary(rows, 64, k, draw(3))) for k in (1, 2, 4, 8, 16)]
    assert values == sorted(values) and values[0] > 0.2
    assert values[-1] == pytest.approx(1, abs=1e-4)
    assert explained(rows, random_dictionary(rows, 64, 99, draw(3))) == pytest.approx(1, abs=1e-4)


def test_a_random_dictionary_is_a_function_of_its_generator(rows):
    one, again, other = (random_dictionary(rows, 40, 3, draw(seed)) for seed in (3, 3, 4))
    assert torch.equal(one, again) and not torch.equal(one, other)


def test_floors_leave_their_rows_and_the_global_random_state_alone(rows):
    before, state = rows.clone(), torch.random.get_rng_state()
    random_dictionary(rows, 40, 3, draw(3)), pca(rows, rows, 3)
    gaussian_rows(rows, 40, draw(3)), permuted_coordinates(rows, draw(3))
    assert torch.equal(rows, before) and torch.equal(state, torch.random.get_rng_state())


@pytest.mark.parametrize("rank", [1, 4, 15, 16])
def test_pca_against_a_singular_value_decomposition(rows, rank):
    train, new = rows[:200] + 5.0, rows[200:] + 5.0
    mean = train.numpy().mean(0)
    _, _, components = np.linalg.svd(train.numpy() - mean, full_matrices=False)
    by_svd = (new.numpy() - mean) @ components[:rank].T @ components[:rank] + mean
    torch.testing.assert_close(pca(train, new, rank), torch.from_numpy(by_svd), atol=1e-4, rtol=1e-4)


def test_pca_of_rank_0_is_the_mean(rows):
    torch.testing.assert_close(pca(rows + 1.0, rows, 0), (rows + 1.0).mean(0).expand_as(rows))


# rows without structure


def covariance(rows):
    return torch.from_numpy(np.cov(rows.double().numpy().T, bias=True))


def sparse(n_rows, seed=0):
    """Two of six coordinates on, always a coordinate with its neighbour: what no Gaussian knows."""
    first = torch.randint(0, 3, (n_rows,), generator=draw(seed)) * 2
    size = 0.5 + torch.rand(n_rows, generator=draw(seed + 1))
    return torch.zeros(n_rows, 6).scatter(1, torch.stack([first, first + 1], 1), torch.stack([size, 2 * size], 1))


def test_gaussian_rows_have_the_mean_and_the_covariance_of_the_rows_and_nothing_else():
    given = 3 + torch.randn(500, 5, generator=draw(2)) @ torch.randn(5, 5, generator=draw(3))
    n = 40_000
    drawn, wanted = gaussian_rows(given, n, draw(4)), covariance(given)
    assert drawn.shape == (n, 5) and drawn.dtype == given.dtype
    error = (wanted.diagonal() / n).sqrt()
    assert bool(((drawn.double().mean(0) - given.double().mean(0)).abs() < 5 * error).all())
    # the variance of an estimated covariance of normal rows: (s_ij^2 + s_ii s_jj) / n
    error = ((wanted.square() + wanted.diagonal()[:, None] * wanted.diagonal()) / n).sqrt()
    assert bool(((covariance(drawn) - wanted).abs() < 5 * error).all())
    normal = gaussian_rows(sparse(500), n, draw(4))
    z = (normal - normal.mean(0)) / normal.std(0)
    assert float((z.pow(4).mean(0) - 3).abs().max()) < 0.2, "normal, whatever the rows were"
    assert bool((normal < 0).any(0).all())


def test_gaussian_rows_stay_where_rows_that_do_not_fill_their_space_are():
    basis = torch.linalg.qr(torch.randn(16, 3, generator=draw(2))).Q
    given = 2 + torch.randn(50, 3, generator=draw(3)) @ basis.T
    drawn = gaussian_rows(given, 1000, draw(4)) - given.mean(0)
    assert bool(torch.isfinite(drawn).all())
    assert float((drawn - drawn @ basis @ basis.T).abs().max()) < 1e-4 < 0.5 < float(drawn.abs().max())
    few = torch.randn(4, 16, generator=draw(5))  # fewer rows than columns
    drawn = gaussian_rows(few, 2000, draw(4)) - few.mean(0)
    assert np.linalg.matrix_rank(drawn.numpy(), tol=1e-2) == 3
    constant = gaussian_rows(torch.full((9, 4), 1.5), 5, draw(4))
    torch.testing.assert_close(constant, torch.full((5, 4), 1.5))


def test_permuted_coordinates_keep_every_columns_values():
    given = sparse(400)
    found = permuted_coordinates(given, draw(3))
    assert torch.equal(found.sort(0).values, given.sort(0).values)


def test_permuted_coordinates_go_with_nothing():
    given = sparse(5000)
    found = permuted_coordinates(given, draw(3))
    off = ~torch.eye(6, dtype=torch.bool)
    before, after = (torch.corrcoef(rows.T)[off].abs() for rows in (given, found))
    assert float(before.max()) > 0.9 and float(after.max()) < 5 / 5000**0.5
    # whole rows are broken: their number of active coordinates varies now, and most are rows that there were not
    assert set((given > 0).sum(1).tolist()) == {2} and len(set((found > 0).sum(1).tolist())) > 3
    there = {tuple(row) for row in given.tolist()}
    assert sum(tuple(row) in there for row in found.tolist()) < 0.02 * len(found)


@pytest.mark.parametrize("make", [lambda rows, g: gaussian_rows(rows, 40, g), permuted_coordinates])
def test_rows_without_structure_are_a_function_of_their_generator(make, rows):
    one, again, other = (make(rows, draw(seed)) for seed in (3, 3, 4))
    assert torch.equal(one, again) and not torch.equal(one, other)


# rows that are many: in parts


def codes_of(n_rows, width, k, seed=5):
    """Codes of which the first half of the rows has k active latents and the others fewer."""
    full = torch.relu(torch.randn(n_rows, width, generator=draw(seed)))
    kept = full.topk(k, dim=1)
    values = torch.where(torch.arange(n_rows)[:, None] * 2 < n_rows, kept.values, kept.values * (kept.values > 2))
    return Codes(values, kept.indices, width)


def in_parts_of(entries, monkeypatch):
    monkeypatch.setattr(nulls, "PART", entries)
    monkeypatch.setattr(nulls, "WHOLE", entries)


@pytest.mark.parametrize("part", [16 * 24, 1000, 5000])
def test_codes_are_shuffled_in_parts_as_they_are_at_once(monkeypatch, part):
    codes = codes_of(333, 24, 3)
    at_once = permuted_codes(codes, draw(9))
    in_parts_of(part, monkeypatch)
    assert len(nulls.parts(codes)) > 1
    in_parts = permuted_codes(codes, draw(9))
    assert torch.equal(in_parts.values, at_once.values) and in_parts.n_latents == 24
    active = at_once.values > 0
    assert torch.equal(in_parts.indices[active], at_once.indices[active]), "also in the order in which they are added"
    assert torch.equal(in_parts.dense(), permuted_coordinates(codes.dense(), draw(9)))


def test_shuffles_of_many_rows_agree_where_random_numbers_are_alike(monkeypatch):
    """With 24 bits a number, some of 60,000 are drawn twice: which comes first must not hang on the part."""
    column = torch.arange(60_000.0)[:, None].expand(-1, 3).contiguous()
    at_once = permuted_coordinates(column, draw(1))
    in_parts_of(60_000, monkeypatch)
    assert torch.equal(permuted_coordinates(column, draw(1)), at_once)


@pytest.mark.parametrize("sparse", [True, False])
def test_noise_is_drawn_in_parts_as_it_is_at_once_but_for_the_last_digits_of_the_covariance(monkeypatch, rows, sparse):
    given = codes_of(400, 24, 5) if sparse else rows
    at_once = gaussian_rows(given, 200, draw(3))
    whole = nulls.Gaussian.fit(given)
    in_parts_of(16 * 32, monkeypatch)
    assert len(nulls.parts(given)) > 5
    torch.testing.assert_close(whole.draw(200, draw(3)), at_once, rtol=0, atol=1e-6)
    in_parts = nulls.Gaussian.fit(given)
    torch.testing.assert_close(in_parts.spread @ in_parts.spread.T, whole.spread @ whole.spread.T)
    torch.testing.assert_close(in_parts.mean, whole.mean)


def test_rows_of_a_usual_size_are_one_part():
    """60,000 images and 512 latents: what was trained on them before keeps its last digit."""
    assert nulls.row_parts(60_000, 512) == [slice(0, 60_000)]
    sizes = [part.stop - part.start for part in nulls.row_parts(60_000, 4096)]
    assert sum(sizes) == 60_000 and max(sizes) * 4096 <= nulls.PART and all(size % 16 == 0 for size in sizes[:-1])
    assert nulls.row_parts(0, 4) == [slice(0, 0)]


def test_stored_rows_are_directions_of_their_own_whatever_repeats():
    draw = torch.Generator().manual_seed(0)
    rows = torch.randn(40, 6, generator=draw)
    many = torch.cat([rows, rows, 3 * rows, -rows, torch.zeros(5, 6)])[torch.randperm(165, generator=draw)]
    for n in (10, 40, 500):
        made = stored_directions(many, n, torch.Generator().manual_seed(1))
        assert len(made) == min(n, 40)
        cosine = (made @ made.T - torch.eye(len(made))).abs()
        assert cosine.max() < 0.9999 and torch.allclose(made.norm(dim=1), torch.ones(len(made)))
        assert ((made @ torch.nn.functional.normalize(rows, dim=1).T).abs().max(1).values > 0.9999).all()


@pytest.mark.parametrize("power", [-120, -60, -43, -22, 22, 45, 62, 105])
@pytest.mark.parametrize("make", [nulls.matched_directions, stored_directions])
def test_dictionaries_are_the_same_whatever_the_rows_are_multiplied_with(make, power):
    """By a power of two, so that it is the same to the last digit; an entry far below the others aside."""
    rows = torch.randn(60, 7, generator=torch.Generator().manual_seed(2))
    made, again = (
        make(some, 20, torch.Generator().manual_seed(3)) for some in (rows, torch.ldexp(rows, torch.tensor(power)))
    )
    assert torch.equal(made, again)


def test_rows_of_a_usual_scale_are_left_as_they_are():
    for size in (1e-6, 1.0, 1e6):
        rows = torch.full((2, 3), size)
        assert nulls.usual_scale(rows) == 1.0 and nulls.times(rows, 1.0) is rows
    assert nulls.usual_scale(torch.zeros(2, 3)) == nulls.usual_scale(torch.zeros(0, 3)) == 1.0
