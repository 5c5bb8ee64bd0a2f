"""Towers of layers made by hand, the normaliser, and the geometric median."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sae.architectures.topk import TopK
from sae.errors import NumericError
from sae.layer import Layer
from sae.median import geometric_median
from sae.normaliser import Normaliser
from sae.records import Codes
from sae.seeding import stream
from sae.tower import Tower, folds_of, training_rows


def identity(mean, scale):
    """A layer that keeps everything: the bias is far below the data, so that no activation is cut."""
    width = len(mean)
    sae = TopK(width, width, k=width)
    with torch.no_grad():
        sae.W_enc.copy_(torch.eye(width))
        sae.W_dec.copy_(torch.eye(width))
        sae.b_dec.fill_(-50.0)
    return Layer("topk", sae, Normaliser(torch.tensor(mean), scale, 0.0))


def random_layer(d_in, width, k, seed, scale):
    sae = TopK(d_in, width, k=k)
    sae._start(torch.randn(20, d_in, generator=stream(seed, "sample")), stream(seed, "directions"))
    mean = 0.1 * torch.randn(d_in, generator=stream(seed, "mean"))
    return Layer("topk", sae, Normaliser(mean, scale, 0.0))


@pytest.fixture
def host():
    return torch.randn(9, 6, generator=stream(0, "host"))


@pytest.fixture
def directions_tower():
    """6 inputs -> 10 latents -> 5 meta-latents -> 3."""
    layers = random_layer(6, 10, 4, 1, 2.0), random_layer(6, 5, 2, 2, 0.5), random_layer(6, 3, 1, 3, 3.0)
    return Tower("directions", layers)


def code_by_hand(layer, rows):
    """TopK's formula written out, without the library's kernels."""
    sae, x = layer.sae, (rows - layer.normaliser.mean) / layer.normaliser.scale
    pre = ((x - sae.b_dec) @ sae.W_enc.T + sae.b_enc).detach()
    kept = pre >= pre.sort(dim=1, descending=True).values[:, sae.k - 1 : sae.k]
    return torch.where(kept & (pre > 0), pre, 0.0)


def test_latents_tower_of_identities_gives_the_host_back(host):
    tower = Tower("latents", (identity([1.0] * 6, 2.0), identity([40.0] * 6, 3.0), identity([5.0] * 6, 0.5)))
    for depth in (1, 2, 3):
        torch.testing.assert_close(tower.decode(host, depth), host, atol=1e-3, rtol=1e-4)


def test_latents_tower_reads_the_codes_below(host):
    first, second = random_layer(6, 10, 4, 1, 2.0), random_layer(10, 8, 3, 2, 0.5)
    tower = Tower("latents", (first, second))
    below = code_by_hand(first, host)
    torch.testing.assert_close(tower.inputs(host, 1), host)
    torch.testing.assert_close(tower.inputs(host, 2), below)
    torch.testing.assert_close(tower.activations(host, 2), code_by_hand(second, below))
    back = second.decode(second.encode(below))
    torch.testing.assert_close(tower.decode(host, 2), first.decode_with(back, first.sae.directions()))


def test_directions_tower_defines_activations_as_codes_times_phi(host, directions_tower):
    one, two, three = directions_tower.layers
    codes = code_by_hand(one, host)
    phi2, phi3 = code_by_hand(two, one.sae.directions()), code_by_hand(three, two.sae.directions())
    torch.testing.assert_close(directions_tower.activations(host, 1), codes)
    torch.testing.assert_close(directions_tower.activations(host, 2), codes @ phi2)
    torch.testing.assert_close(directions_tower.activations(host, 3), codes @ phi2 @ phi3)
    assert torch.equal(directions_tower.inputs(host, 2), one.sae.directions())
    assert torch.equal(directions_tower.inputs(host, 3), two.sae.directions())


def test_directions_tower_decodes_all_the_way_down_by_hand(host, directions_tower):
    one, two, three = directions_tower.layers

    def back(layer, codes, directions):
        return (codes @ directions + layer.sae.bias()) * layer.normaliser.scale + layer.normaliser.mean

    codes = code_by_hand(one, host)
    phi2, phi3 = code_by_hand(two, one.sae.directions()), code_by_hand(three, two.sae.directions())
    second = back(three, phi3, three.sae.directions())
    expected = {
        1: back(one, codes, one.sae.directions()),
        2: back(one, codes, back(two, phi2, two.sae.directions())),
        3: back(one, codes, back(two, phi2, second)),
    }
    for depth, rows in expected.items():
        torch.testing.assert_close(directions_tower.decode(host, depth), rows, atol=1e-5, rtol=1e-4)
    assert not torch.allclose(expected[2], expected[3])


def test_the_map_to_the_host_is_what_a_latents_tower_decodes(host):
    layers = random_layer(6, 10, 4, 1, 2.0), random_layer(10, 8, 3, 2, 0.5), random_layer(8, 5, 2, 3, 3.0)
    tower = Tower("latents", layers)
    for depth, width in ((1, 10), (2, 8), (3, 5)):
        directions, offset = tower.host_map(depth)
        assert directions.shape == (width, 6) and offset.shape == (6,)
        back = offset + tower.codes(host, depth).dense() @ directions
        torch.testing.assert_close(back, tower.decode(host, depth), atol=1e-5, rtol=1e-5)
        silent = tower.decode_codes(Codes.from_dense(torch.zeros(1, width)), depth)
        torch.testing.assert_close(offset, silent[0], atol=1e-5, rtol=1e-5)
        assert not directions.requires_grad and not offset.requires_grad


def test_a_directions_tower_has_a_map_to_the_host_at_depth_1_only(host, directions_tower):
    directions, offset = directions_tower.host_map(1)
    back = offset + directions_tower.activations(host, 1) @ directions
    torch.testing.assert_close(back, directions_tower.decode(host, 1), atol=1e-5, rtol=1e-5)
    assert directions_tower.host_map(2) is None and directions_tower.host_map(3) is None


def test_a_unit_is_the_product_of_the_scales_down_to_the_host(directions_tower):
    assert [directions_tower.unit(depth) for depth in (1, 2, 3)] == [2.0, 1.0, 3.0]


def test_doubling_the_host_doubles_what_a_unit_is_worth(host):
    rows = torch.randn(400, 6, generator=stream(1, "rows"))
    for factor in (1.0, 2.0):
        normaliser = Normaliser.fit(factor * rows)
        tower = Tower("latents", (Layer("topk", identity([0.0] * 6, 1.0).sae, normaliser),))
        assert tower.unit(1) == pytest.approx(factor * Normaliser.fit(rows).scale, rel=1e-5)


def test_training_rows_of_each_kind(host, directions_tower):
    assert training_rows(Tower("latents", ()), host) is host
    rows = training_rows(directions_tower, host)
    torch.testing.assert_close(rows, directions_tower.layers[-1].sae.directions())
    rows += 1.0  # a copy: changing it must not change the layer below
    assert float(directions_tower.layers[-1].sae.directions().norm(dim=1).max()) == pytest.approx(1, abs=1e-5)
    below = Tower("latents", directions_tower.layers[:1])
    codes = training_rows(below, host)  # sparse, as they are
    assert isinstance(codes, Codes) and torch.equal(codes.dense(), below.activations(host, 1))


def test_folds_are_disjoint_cover_all_rows_and_are_of_equal_size():
    rows = torch.arange(23.0)[:, None]
    pairs = folds_of(rows, 5, stream(0, "folds"))
    assert sorted(torch.cat([held for _, held in pairs])[:, 0].tolist()) == list(range(23))
    assert sorted(len(held) for _, held in pairs) == [4, 4, 5, 5, 5]
    for kept, held in pairs:
        assert sorted(torch.cat([kept, held])[:, 0].tolist()) == list(range(23))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1e-3, 1.0, 1e3]), st.sampled_from([0.0, -3.0, 100.0]))
def test_the_normaliser_centres_scales_and_comes_back(seed, scale, offset):
    rows = scale * (torch.randn(50, 4, generator=stream(seed, "rows")) * torch.tensor([1.0, 2, 3, 4]) + offset)
    normaliser = Normaliser.fit(rows)
    normal = normaliser.apply(rows)
    torch.testing.assert_close(normal.mean(0), torch.zeros(4), atol=1e-3, rtol=0)
    assert float(normal.pow(2).sum(1).mean()) == pytest.approx(4, rel=1e-3)
    torch.testing.assert_close(normaliser.undo(normal), rows, atol=1e-4 * scale, rtol=1e-5)
    spread = (rows - rows.mean(0)).pow(2).sum(1).mean().sqrt()
    assert normaliser.gamma == pytest.approx(float(rows.mean(0).norm() / spread), rel=1e-4)


@pytest.mark.parametrize("value", [0.0, 0.1, -0.001, 3.7, 1234.567])
def test_rows_that_do_not_vary_are_refused_whatever_their_value(value):
    with pytest.raises(NumericError, match="1000 input rows do not vary"):
        Normaliser.fit(torch.full((1000, 8), value))


def test_no_rows_at_all_are_refused():
    with pytest.raises(NumericError):
        Normaliser.fit(torch.zeros(0, 3))


def brute_force(rows):
    """The minimiser by a grid that is refined around its best point."""
    centre, width = rows.mean(0), float(rows.abs().max()) * 2
    steps = torch.linspace(-1, 1, 21)
    for _ in range(12):
        grid = centre + width * torch.cartesian_prod(steps, steps)
        centre = grid[torch.cdist(grid, rows).sum(1).argmin()]
        width /= 4
    return centre


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_the_median_against_a_brute_force_minimiser(seed):
    rows = torch.randn(15, 2, generator=stream(seed, "rows")) ** 3
    found, best = (torch.cdist(point[None], rows).sum() for point in (geometric_median(rows), brute_force(rows)))
    assert float(found) <= float(best) * (1 + 1e-3)


def test_the_median_is_robust_to_an_outlier():
    rows = torch.randn(101, 3, generator=stream(0, "rows"))
    clean = geometric_median(rows)
    rows[0] = 1e6
    assert float(rows.mean(0).norm()) > 1e3
    assert float((geometric_median(rows) - clean).norm()) < 0.2


def test_the_median_of_equal_rows_is_that_row():
    torch.testing.assert_close(geometric_median(torch.full((4, 3), 2.5)), torch.full((3,), 2.5))


def test_the_median_is_found_when_the_mean_falls_on_a_row():
    rows = torch.tensor([[-3.0, 0.0], [0.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])  # mean (0, 0)
    torch.testing.assert_close(geometric_median(rows), torch.tensor([1.0, 0.0]), atol=1e-2, rtol=0)
