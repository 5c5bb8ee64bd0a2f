"""The compiled kernels, each against the torch words that its docstring gives. One signature each: float32, C order."""

from __future__ import annotations

import numba
import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sae.compiled import kernels
from sae.kernels import keep_top
from sae.optimisers import Adam

quick = settings(derandomize=True, max_examples=40, deadline=None, database=None)
seeds = st.integers(0, 2**31)
# From a latent or two up to several blocks, and sizes that no block divides.
latents = st.sampled_from([1, 2, 7, 8, 9, 63, 64, 65, 100, 127, 500])


def normal(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def whole(seed, *shape):
    """Small whole numbers: many ties, and sums that are exact in any order."""
    return np.random.default_rng(seed).integers(-3, 4, shape).astype(np.float32)


def selected(pre, bias, k, tile=None):
    """All at once, or tile by tile."""
    values, indices = np.full((len(pre), k), 7, np.float32), np.full((len(pre), k), 7, np.int64)
    tile = tile or pre.shape[1]
    for first in range(0, pre.shape[1], tile):
        part = slice(first, first + tile)
        kernels.select(pre[:, part].copy(), bias[part].copy(), first, first == 0, values, indices)
    return values, indices


def assert_is_top(values, indices, pre, k):
    """The values of keep_top, and behind each value above 0 an index of its own that holds it. Ties are free."""
    wanted, _ = keep_top(torch.tensor(pre), k)
    assert np.array_equal(np.sort(values, 1), wanted.sort(1).values.numpy())
    for row, found, places in zip(pre, values, indices, strict=True):
        used = places[found > 0]
        assert len(set(used.tolist())) == len(used) and np.array_equal(row[used], found[found > 0])
        assert ((places >= 0) & (places < pre.shape[1])).all()


@quick
@given(seeds, latents, st.integers(1, 80), st.sampled_from([normal, whole]), st.sampled_from([0, -2, -100, 50]))
@example(0, 1, 1, normal, -100)
@example(0, 500, 80, whole, 0)
def test_select_is_the_top_k_of_the_sum_with_negatives_cut(seed, n, k, draw, shift):
    k = min(k, n)
    pre, bias = draw(seed, 5, n), draw(seed + 1, n) + np.float32(shift)
    assert_is_top(*selected(pre, bias, k), pre + bias, k)
    assert_is_top(*selected(pre, bias, k, tile=max(1, n // 3)), pre + bias, k)


@pytest.mark.parametrize("level", [0.0, -1.0, 2.0])
def test_select_of_rows_where_all_are_equal(level):
    pre = np.full((3, 100), level, np.float32)
    assert_is_top(*selected(pre, np.zeros(100, np.float32), 9), pre, 9)


@quick
@given(seeds, st.integers(1, 40), st.floats(1e-20, 1e20))
def test_the_quantised_row_is_within_half_a_step_of_the_row(seed, d, size):
    rows = (normal(seed, 4, d) * size).astype(np.float32)
    rows[0] = 0
    out, scales = np.empty((4, d), np.int8), np.empty(4, np.float32)
    kernels.quantise(rows, out, scales)
    assert not out[0].any() and scales[0] == 0
    assert (np.abs(out[1:]).max(1) == 127).all()
    error = np.abs(rows - out.astype(np.float64) * scales[:, None])
    assert (error <= 0.5001 * scales[:, None]).all()


def shortlisted(x, weights, bias, shortlist, k):
    (x8, w8), (x_scale, w_scale) = zip(*(quantised(rows) for rows in (x, weights)), strict=True)
    product = x8.astype(np.int32) @ w8.astype(np.int32).T
    values, indices = np.full((len(x), k), 7, np.float32), np.full((len(x), k), 7, np.int64)
    guesses, listed = np.full((len(x), shortlist), 7, np.float32), np.full((len(x), shortlist), 7, np.int64)
    half = -(-len(weights) // 2)
    for part in (slice(0, half), slice(half, len(weights))):
        given = (product[:, part].copy(), x_scale, w_scale[part], bias[part])
        kernels.select_quantised(*given, part.start, part.start == 0, guesses, listed)
    kernels.select_listed(x, weights, bias, listed, guesses, values, indices)
    return values, indices


def quantised(rows):
    out, scales = np.empty(rows.shape, np.int8), np.empty(len(rows), np.float32)
    kernels.quantise(rows, out, scales)
    return out, scales


@quick
@given(seeds, latents, st.integers(1, 20), st.integers(1, 12))
def test_a_shortlist_of_everything_above_0_selects_as_without_one(seed, n, k, d):
    """A bias lifts what is wanted well above 0, where 8 bits cannot lose it."""
    k, draw = min(k, n), np.random.default_rng(seed)
    x, weights = whole(seed, 5, d), whole(seed + 1, n, d)
    bias = draw.choice(np.array([40 * d, -40 * d], np.float32), n)
    exact = x @ weights.T + bias
    values, indices = shortlisted(x, weights, bias, n, k)
    assert_is_top(values, indices, exact, k)


@quick
@given(seeds, st.integers(1, 8), st.integers(8, 30))
def test_a_short_shortlist_gives_exact_values_whatever_it_chose(seed, k, shortlist):
    x, weights, bias = normal(seed, 6, 16), normal(seed + 1, 200, 16), normal(seed + 2, 200)
    exact = x @ weights.T + bias
    values, indices = shortlisted(x, weights, bias, shortlist, k)
    found = values > 0
    np.testing.assert_allclose(values[found], np.take_along_axis(exact, indices, 1)[found], rtol=1e-5, atol=1e-5)
    wanted, _ = keep_top(torch.tensor(exact), k)
    assert float(values.sum()) <= float(wanted.sum()) * (1 + 1e-5)
    assert float(values.sum()) > 0.95 * float(wanted.sum())


def codes_of(seed, rows, k, n):
    draw = np.random.default_rng(seed)
    values = np.maximum(normal(seed, rows, k), 0)
    indices = np.stack([draw.permutation(n)[:k] for _ in range(rows)]).astype(np.int64)
    return values, indices


@quick
@given(seeds, st.integers(1, 6), st.integers(1, 9), st.integers(1, 5))
def test_decode_and_pull_are_what_autograd_says(seed, rows, d, k):
    n = 11
    values, indices = codes_of(seed, rows, k, n)
    x, W_dec, b_dec = normal(seed + 1, rows, d), normal(seed + 2, n, d), normal(seed + 3, d)
    pull, d_values, errors = (np.full(s, 7, np.float32) for s in ((rows, d), (rows, k), rows))
    kernels.decode_and_pull(x, values, indices, W_dec, b_dec, pull, d_values, errors)
    leaf = torch.tensor(values, requires_grad=True)
    x_hat = (leaf[:, :, None] * torch.tensor(W_dec)[indices]).sum(1) + torch.tensor(b_dec)
    error = (torch.tensor(x) - x_hat).square()
    wanted = torch.autograd.grad(error.mean(), [x_hat, leaf])
    np.testing.assert_allclose(pull, wanted[0].numpy(), atol=1e-5, rtol=1e-4)
    np.testing.assert_allclose(d_values, np.where(values > 0, wanted[1].numpy(), 0), atol=1e-5, rtol=1e-4)
    np.testing.assert_allclose(errors, error.sum(1).detach().numpy(), atol=1e-4, rtol=1e-4)


@quick
@given(seeds, st.integers(1, 9), st.integers(1, 5), st.integers(5, 20))
def test_by_latent_sorts_the_active_places_by_latent_and_row(seed, rows, k, n):
    values, indices = codes_of(seed, rows, k, n)
    d_values = whole(seed + 1, rows, k)
    starts, entries = np.full(n + 1, 7, np.int64), np.full(rows * k, -1, np.int64)
    d_bias = np.full(n, 7, np.float32)
    kernels.by_latent(values, indices, d_values, n, starts, entries, d_bias)
    for latent in range(n):
        wanted = [b * k + j for b in range(rows) for j in range(k) if values[b, j] > 0 and indices[b, j] == latent]
        assert entries[starts[latent] : starts[latent + 1]].tolist() == wanted
        assert d_bias[latent] == sum(d_values.reshape(-1)[place] for place in wanted)
    assert starts[0] == 0 and starts[-1] == (values > 0).sum()


def updates(seed, steps, n=9, d=5, rows=7, k=3, extra=False):
    """Weights, moments and quantised rows after some `update`s, with the gradients that numpy gives beside them."""
    unit = normal(seed, n, d)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    weights = {"enc": normal(seed + 1, n, d), "dec": unit.astype(np.float32)}
    moments = {name: np.zeros((n, d), np.float32) for name in ("enc_m", "enc_v", "dec_m", "dec_v")}
    out, scales, gradients = np.empty((n, d), np.int8), np.empty(n, np.float32), []
    first = {name: value.copy() for name, value in weights.items()}
    for step in range(1, steps + 1):
        values, indices = codes_of(seed + 10 * step, rows, k, n)
        x, pull, d_values = (
            normal(seed + 10 * step + i, *s) for i, s in ((1, (rows, d)), (2, (rows, d)), (3, (rows, k)))
        )
        starts, entries, d_bias = np.empty(n + 1, np.int64), np.empty(rows * k, np.int64), np.empty(n, np.float32)
        kernels.by_latent(values, indices, d_values, n, starts, entries, d_bias)
        extra_of = np.full(n, -1, np.int64)
        extra_enc = extra_dec = np.zeros((0, d), np.float32)
        if extra:
            extra_of[[4, 1]] = [0, 1]
            extra_enc, extra_dec = normal(seed + 4, 2, d), normal(seed + 5, 2, d)
        dense, d_dense = np.zeros((rows, n), np.float32), np.zeros((rows, n), np.float32)
        np.put_along_axis(dense, indices, values, 1)
        np.put_along_axis(d_dense, indices, np.where(values > 0, d_values, 0), 1)
        enc, dec = d_dense.T @ x, dense.T @ pull
        if extra:
            enc[[4, 1]] += extra_enc
            dec[[4, 1]] += extra_dec
        gradients.append((enc, dec))
        kernels.update(
            x, pull, values, d_values, starts, entries,
            weights["enc"], moments["enc_m"], moments["enc_v"], weights["dec"], moments["dec_m"], moments["dec_v"],
            extra_of, extra_enc, extra_dec,
            np.float32(0.01 / (1 - 0.9**step)), np.float32(1 / np.sqrt(1 - 0.999**step)), out, scales,
        )  # fmt: skip
    return first, weights, moments, out, scales, gradients


@pytest.mark.parametrize("extra", [False, True])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_update_is_adam_with_projected_gradients_and_unit_norm(seed, extra):
    first, weights, moments, out, scales, gradients = updates(seed, 4, extra=extra)
    enc, dec = (torch.nn.Parameter(torch.tensor(first[name])) for name in ("enc", "dec"))
    optimiser = Adam([enc, dec], lr=0.01, betas=(0.9, 0.999), eps=6.25e-10)
    for d_enc, d_dec in gradients:
        enc.grad, dec.grad = torch.tensor(d_enc), torch.tensor(d_dec)
        dec.grad -= (dec.grad * dec.data).sum(1, keepdim=True) * dec.data
        optimiser.step()
        dec.data /= dec.data.norm(dim=1, keepdim=True)
    np.testing.assert_allclose(weights["enc"], enc.detach().numpy(), atol=1e-5)
    np.testing.assert_allclose(weights["dec"], dec.detach().numpy(), atol=1e-5)
    for name, parameter in (("enc", enc), ("dec", dec)):
        state = optimiser.state[parameter]
        np.testing.assert_allclose(moments[f"{name}_m"], state["exp_avg"].numpy(), atol=1e-5, rtol=1e-5)
        np.testing.assert_allclose(moments[f"{name}_v"], state["exp_avg_sq"].numpy(), atol=1e-5, rtol=1e-5)
    fresh, fresh_scales = quantised(weights["enc"])
    assert np.array_equal(out, fresh) and np.array_equal(scales, fresh_scales)


@pytest.mark.skipif(
    numba.config.NUMBA_NUM_THREADS < 2, reason="one core only: there is no second thread to compare with"
)
def test_kernels_give_the_same_bits_on_one_thread_and_on_two():
    def everything():
        x, weights, bias = normal(0, 50, 33), normal(1, 300, 33), normal(2, 300)
        values, indices = selected(x @ weights.T, bias, 5)
        pull, d_values, errors = (np.empty(s, np.float32) for s in ((50, 33), (50, 5), 50))
        kernels.decode_and_pull(x, values, indices, weights, x[0].copy(), pull, d_values, errors)
        _, after, moments, out, scales, _ = updates(3, 3, extra=True)
        arrays = [values, indices, pull, d_values, errors, *shortlisted(x, weights, bias, 20, 5), out, scales]
        return [*arrays, *after.values(), *moments.values()]

    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        one = everything()
        numba.set_num_threads(2)
        two = everything()
    finally:
        numba.set_num_threads(before)
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
