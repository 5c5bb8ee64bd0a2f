"""Effects of latents on the answer beside loops over rows and latents, and where the answer is known beforehand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from analysis.run.interpret import causes
from analysis.run.interpret.causes import Decoded, Effect, ablation, attribution, focus, steering, strong_activations

quick = settings(max_examples=6, derandomize=True, deadline=None, database=None)
seeds = st.integers(0, 2**16)
ROWS, LATENTS, D_HOST, CLASSES = 8, 5, 4, 3
ONCE, NEVER = 3, 4
"""A latent that is on in one row, and one that is on in none."""


def network(draw):
    """Two layers, bent between them."""
    layers = torch.nn.Linear(D_HOST, 6), torch.nn.Tanh(), torch.nn.Linear(6, CLASSES)
    net = torch.nn.Sequential(*layers).double()
    for weights in net.parameters():
        weights.data = torch.randn(weights.shape, generator=draw, dtype=torch.float64)
    return net


def linear(draw):
    net = torch.nn.Linear(D_HOST, CLASSES).double()
    net.weight.data = torch.randn(CLASSES, D_HOST, generator=draw, dtype=torch.float64)
    return net


def decoded(seed, make=network):
    draw = torch.Generator().manual_seed(seed)
    codes = torch.rand(ROWS, LATENTS, generator=draw, dtype=torch.float64) + 0.1
    codes *= torch.rand(ROWS, LATENTS, generator=draw) < 0.6
    codes[0], codes[1:, ONCE], codes[:, NEVER] = 1, 0, 0
    codes[1, :ONCE] = 2
    directions = torch.randn(LATENTS, D_HOST, generator=draw, dtype=torch.float64)
    return Decoded(codes, directions, torch.randn(D_HOST, generator=draw, dtype=torch.float64), make(draw))


def logits(given, codes):
    """Of one row, in a sum over latents."""
    state = given.offset + sum(code * direction for code, direction in zip(codes, given.directions, strict=True))
    return given.readout(state[None])[0].detach()


def changes(given, latent, value, only_on, turn=lambda row: row.softmax(0)):
    """Of every row that counts: the answer with a latent's code set to a value, less the answer as it is."""
    found = []
    for codes in given.codes:
        if codes[latent] > 0 or not only_on:
            other = codes.clone()
            other[latent] = value
            found.append((turn(logits(given, other)) - turn(logits(given, codes))).numpy())
    return np.array(found).reshape(-1, CLASSES)


def assert_is_mean_of(effect, latent, each):
    """Mean, textbook interval (1.96 standard errors, spread with n - 1) and number of rows."""
    n = len(each)
    assert int(effect.rows[latent]) == n
    mean = each.mean(0) if n else np.full(CLASSES, np.nan)
    half = 1.96 * each.std(0, ddof=1) / math.sqrt(n) if n > 1 else np.full(CLASSES, np.nan)
    np.testing.assert_allclose(effect.mean[latent], mean, atol=1e-6)
    np.testing.assert_allclose(effect.half[latent], half, atol=1e-6)


@pytest.fixture(params=[3, 20_000], ids=["chunks of 3 pairs", "one chunk"])
def chunk(request, monkeypatch):
    monkeypatch.setattr(causes, "CHUNK", request.param)


@pytest.mark.parametrize("seed", range(3))
def test_ablation_and_its_interval_are_those_of_a_loop_over_rows_and_latents(seed, chunk):
    given = decoded(seed)
    effect = ablation(given)
    for latent in range(LATENTS):
        assert_is_mean_of(effect, latent, changes(given, latent, 0, only_on=True))


@pytest.mark.parametrize("seed", range(3))
def test_steering_is_a_loop_over_all_rows_and_leaves_out_what_has_no_strength(seed):
    given = decoded(seed)
    strengths = torch.tensor([0.5, torch.nan, 3, 0, 1], dtype=torch.float64)
    effect = steering(given, strengths)
    for latent in (0, 2, 3, 4):
        assert_is_mean_of(effect, latent, changes(given, latent, strengths[latent], only_on=False))
    assert_is_mean_of(effect, 1, np.empty((0, CLASSES)))
    assert effect.rows.tolist() == [ROWS, 0, ROWS, ROWS, ROWS]


@pytest.mark.parametrize("seed", range(3))
def test_attribution_is_the_slope_along_each_code_and_is_ranked_against_the_true_change(seed, chunk):
    given = decoded(seed)
    slopes = torch.stack([torch.autograd.functional.jacobian(lambda z: logits_of(given, z), z) for z in given.codes])
    guesses = slopes * given.codes[:, None]  # rows, classes, latents
    found = attribution(given)
    guessed, true = [], []
    for latent in range(LATENTS):
        on = given.codes[:, latent] > 0
        wanted = guesses[on][:, :, latent].mean(0)
        np.testing.assert_allclose(found.mean[latent], wanted.detach(), atol=1e-12)
        said = [int(logits(given, codes).argmax()) for codes in given.codes[on]]
        guessed += [float(row[c, latent]) for row, c in zip(guesses[on], said, strict=True)]
        each = -changes(given, latent, 0, only_on=True, turn=lambda row: row)
        true += [row[c] for row, c in zip(each, said, strict=True)]
    assert found.pairs == len(true) == int((given.codes > 0).sum())
    assert found.rank_correlation == pytest.approx(spearmanr(guessed, true).statistic)
    assert found.rank_correlation < 0.9999, "a bent readout is not ranked perfectly"


def logits_of(given, z):
    return given.readout((given.offset + z @ given.directions)[None])[0]


@quick
@given(seeds)
def test_under_a_linear_readout_attribution_is_the_change_by_ablation(seed):
    given = decoded(seed, linear)
    found = attribution(given)
    for latent in range(NEVER):
        lost = -changes(given, latent, 0, only_on=True, turn=lambda row: row).mean(0)
        np.testing.assert_allclose(found.mean[latent], lost, atol=1e-12)
    assert found.rank_correlation == pytest.approx(1)


@quick
@given(seeds)
def test_changes_of_probabilities_sum_to_0_and_stay_within_1(seed):
    given = decoded(seed)
    for effect in (ablation(given), steering(given, torch.full((LATENTS,), 2.0, dtype=torch.float64))):
        live = effect.rows > 0
        assert int(live.sum()) >= NEVER
        np.testing.assert_allclose(effect.mean[live].sum(1), 0, atol=1e-6)
        assert (effect.mean[live].abs() <= 1).all() and (effect.mean[live].abs().amax(1) > 1e-4).all()


@quick
@given(seeds)
def test_steering_to_the_present_code_changes_nothing_and_to_0_is_ablation(seed):
    given = decoded(seed)
    alike = replace(given, codes=given.codes[:1].expand(ROWS, -1).contiguous())
    same = steering(alike, alike.codes[0])
    assert not same.mean.any() and not same.half.any() and (same.rows == ROWS).all()
    everywhere = replace(given, codes=given.codes + 0.1)
    removed, steered = ablation(everywhere), steering(everywhere, torch.zeros(LATENTS, dtype=torch.float64))
    np.testing.assert_allclose(steered.mean, removed.mean, atol=1e-7)
    np.testing.assert_allclose(steered.half, removed.half, atol=1e-7)
    assert removed.mean.any()


def test_a_latent_with_no_direction_has_no_effect():
    given = decoded(0)
    given.directions[1] = 0
    steered = steering(given, torch.full((LATENTS,), 5.0, dtype=torch.float64))
    for effect in (ablation(given), steered):
        assert not effect.mean[1].any() and not effect.half[1].any() and effect.mean[0].any()
    assert not attribution(given).mean[1].any()


def test_no_row_gives_nan_and_one_row_no_interval():
    effect, attributed = ablation(decoded(0)), attribution(decoded(0))
    assert effect.rows[[ONCE, NEVER]].tolist() == [1, 0]
    assert torch.isnan(effect.mean[NEVER]).all() and torch.isnan(effect.half[[ONCE, NEVER]]).all()
    assert not torch.isnan(effect.mean[:NEVER]).any() and not torch.isnan(effect.half[:ONCE]).any()
    assert torch.isnan(attributed.mean[NEVER]).all() and not torch.isnan(attributed.mean[:NEVER]).any()


def test_where_nothing_is_on_all_is_nan_and_below_three_pairs_there_is_no_rank_correlation():
    given = decoded(0)
    silent = replace(given, codes=torch.zeros_like(given.codes))
    assert torch.isnan(ablation(silent).mean).all() and not ablation(silent).rows.any()
    for pairs in range(4):
        codes = torch.zeros_like(given.codes)
        codes[range(pairs), range(pairs)] = torch.arange(1.0, pairs + 1, dtype=torch.float64)
        found = attribution(replace(given, codes=codes))
        assert found.pairs == pairs and math.isnan(found.rank_correlation) == (pairs < 3)


@pytest.mark.parametrize("outside", [torch.enable_grad, torch.no_grad], ids=["grad", "no_grad"])
def test_gradients_are_left_neither_on_the_readout_nor_on_what_comes_back(outside):
    given = decoded(0)
    with outside():
        results = [ablation(given), steering(given, given.codes[0]), attribution(given)]
    assert all(weights.grad is None and weights.requires_grad for weights in given.readout.parameters())
    assert not any(result.mean.requires_grad or result.mean.grad_fn for result in results)
    assert not given.codes.requires_grad and not given.directions.requires_grad and not given.offset.requires_grad
    np.testing.assert_allclose(results[2].mean, attribution(decoded(0)).mean)


def test_strong_is_the_95_percent_point_of_what_is_above_0():
    codes = torch.zeros(100, 4)
    codes[:21, 0] = torch.arange(1.0, 22)[torch.randperm(21, generator=torch.Generator().manual_seed(0))]
    codes[40, 1], codes[50:52, 2] = 7, torch.tensor([1.0, 2.0])
    found = strong_activations(codes)
    assert found[:3].tolist() == pytest.approx([20, 7, 1.95]) and math.isnan(found[3])


def test_focus_is_the_share_of_what_moves_on_the_own_class():
    mean = torch.tensor([[0.3, -0.2, -0.1], [0.1, 0.1, -0.2], [0.5, 0.0, -0.5], [torch.nan] * 3])
    effect = Effect(mean, torch.zeros_like(mean), torch.tensor([5, 5, 5, 0]))
    own = torch.tensor([0, 1, -1, 0])
    up, down = focus(effect, own, 1), focus(effect, own, -1)
    # latents 0 and 1 rise by .3 and .2 in all, .3 and .1 of it on their own class; no own class falls
    assert (up.effect, up.focus, up.latents) == (pytest.approx(0.25), pytest.approx(0.4 / 0.5), 2)
    assert (down.effect, down.focus) == (pytest.approx(0.25), 0.0)
    many = Effect(mean.repeat(3, 1), torch.zeros(12, 3), effect.rows.repeat(3))
    assert focus(many, own.repeat(3), 1).focus == pytest.approx(up.focus), "the same whatever the number of latents"
    nothing = focus(Effect(torch.zeros(2, 3), torch.zeros(2, 3), torch.ones(2, dtype=torch.int64)), own[:2], 1)
    assert nothing.effect == 0 and math.isnan(nothing.focus)
    assert math.isnan(focus(effect, torch.full((4,), -1), 1).effect)
