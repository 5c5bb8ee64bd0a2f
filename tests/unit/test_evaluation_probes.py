"""Probe loss: closed forms, an independent implementation, and what cannot be probed."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from sae.errors import InputError
from sae.evaluations._features import blocks, columns, means
from sae.evaluations._logistic import fit, fit_single
from sae.evaluations.probe_loss import probe_loss, raw_probe
from sae.records import Codes

quick = settings(max_examples=10, deadline=None)


def drawn(seed=0, rows=300, latents=20, k=4, told=0.9):
    """Codes whose latent 3 tells the label, in so many rows of all."""
    draw = torch.Generator().manual_seed(seed)
    labels = torch.rand(rows, generator=draw) < 0.4
    dense = torch.zeros(rows, latents)
    active = torch.rand(rows, latents, generator=draw).topk(k).indices
    dense.scatter_(1, active, 1 + torch.rand(rows, k, generator=draw))
    says = torch.where(torch.rand(rows, generator=draw) < told, labels, ~labels)
    dense[:, 3] = says * (1 + torch.rand(rows, generator=draw))
    return Codes.from_active(dense), dense, labels


def entropy(p):
    return -p * math.log(p) - (1 - p) * math.log(1 - p)


def test_a_latent_that_is_on_or_off_has_the_conditional_entropy():
    # on in 4 rows, 3 of them true; off in 6 rows, 1 of them true
    codes = torch.tensor([[2.0]] * 4 + [[0.0]] * 6)
    labels = torch.tensor([True] * 3 + [False] + [True] + [False] * 5)
    probes = fit_single(codes, labels, l2=1e-9)
    assert float(probes.losses) == pytest.approx(0.4 * entropy(3 / 4) + 0.6 * entropy(1 / 6), abs=1e-7)
    assert float(probes.biases) == pytest.approx(math.log(1 / 5), abs=1e-4)
    assert float(probes.weights) == pytest.approx((math.log(3) + math.log(5)) / 2, abs=1e-4)
    assert probes.unconverged == 0


@quick
@given(st.integers(0, 999), st.sampled_from([0.5, 1.0, 20.0]), st.sampled_from([1e-4, 1.0, 1e4]))
def test_all_probes_at_once_are_those_of_a_library_one_by_one(seed, l2, units):
    _, dense, labels = drawn(seed, rows=80, latents=5, told=1.0)  # one that tells them apart is bounded by its penalty
    dense = dense - 0.2 * (dense == 0)  # no zeros left, and values of both signs
    probes = fit_single(dense * units, labels, l2)
    for latent in range(5):
        column = dense[:, latent].double() / dense[:, latent].double().pow(2).mean().sqrt()
        peer = LogisticRegression(C=1 / l2, tol=1e-9, max_iter=1000).fit(column[:, None].numpy(), labels.numpy())
        chance = torch.from_numpy(peer.predict_proba(column[:, None].numpy())[:, 1])
        loss = torch.nn.functional.binary_cross_entropy(chance, labels.double())
        assert float(probes.losses[latent]) == pytest.approx(float(loss), abs=1e-5)


def test_a_probe_on_many_columns_is_that_of_a_library():
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(200, 12, generator=draw) * torch.logspace(-3, 3, 12) + 5
    x[:, 7] = 3.0  # a constant
    labels = x[:, 0] / 1e-3 + torch.randn(200, generator=draw) > 5e3
    probe = fit(x, labels, 3.0)
    standard = (x.double() - x.double().mean(0)) / x.double().std(0, correction=0).clamp(min=1e-9)
    peer = LogisticRegression(C=1 / 3, tol=1e-10, max_iter=5000).fit(standard.numpy(), labels.numpy())
    theirs = torch.from_numpy(peer.decision_function(standard.numpy()))
    torch.testing.assert_close(probe.logits(x), theirs, rtol=1e-3, atol=1e-3)


def test_sparse_and_dense_are_one_and_so_are_blocks_of_any_size():
    codes, dense, labels = drawn()
    for most in (1, 50, 10**6):
        assert sum(part.n for part in blocks(codes, most)) == 20
        parts = [part.sums(part.values) for part in blocks(codes, most)]
        torch.testing.assert_close(torch.cat(parts), dense.double().sum(0))
    torch.testing.assert_close(means(codes, labels), dense[labels].double().mean(0))
    torch.testing.assert_close(columns(codes, torch.tensor([5, 3])), dense[:, [5, 3]].double())
    for name in ("losses", "weights", "biases"):
        torch.testing.assert_close(getattr(fit_single(codes, labels), name), getattr(fit_single(dense, labels), name))


def test_the_latent_that_tells_is_found_on_training_rows_and_scored_on_others():
    train, _, labels = drawn(0)
    held_out, dense, held_labels = drawn(1)
    found = probe_loss(train, labels, held_out, held_labels)
    assert found.latent == 3 and found.chosen[1] == (3,) and found.unconverged == 0
    assert found.best.accuracy.value == pytest.approx(float(((dense[:, 3] > 0) == held_labels).float().mean()))
    assert found.best.loss.value < 0.5 < found.chance.loss.value and len(found.chosen[5]) == 5
    assert found.chance.loss.value == pytest.approx(entropy(float(held_labels.float().mean())), abs=0.01)
    assert found.chance.loss.value - 0.01 < found.shuffled.loss.value < found.chance.loss.value + 0.1
    documents = torch.arange(300) // 10
    grouped = probe_loss(train, labels, held_out, held_labels, groups=documents)
    assert grouped.best.loss.value == pytest.approx(found.best.loss.value) and grouped.best.loss.n == 30


def test_what_tells_nothing_scores_chance():
    train, held_out = (torch.zeros(60, 4) for _ in range(2))
    labels = torch.arange(60) % 3 == 0
    found = probe_loss(train, labels, held_out, labels)
    for one in (found.best, found.top[5], found.shuffled):
        assert one.loss.value == pytest.approx(found.chance.loss.value, abs=1e-6)
    assert found.chance.loss.value == pytest.approx(entropy(1 / 3)) and found.chance.accuracy.value == pytest.approx(
        2 / 3
    )


def test_the_activations_themselves_tell_what_no_single_column_does():
    draw = torch.Generator().manual_seed(3)
    rows = torch.randn(500, 8, generator=draw)
    labels = rows.sum(1) > 0
    raw = raw_probe(rows[:300], labels[:300], rows[300:], labels[300:])
    alone = probe_loss(rows[:300], labels[:300], rows[300:], labels[300:])
    assert raw.score.accuracy.value > 0.93 > alone.best.accuracy.value + 0.15
    assert raw.l2 == 1.0, "there is no noise to be wary of"


def test_what_cannot_be_probed_is_refused():
    codes, dense, labels = drawn()
    with pytest.raises(InputError, match="300 of 300 training labels are true"):
        probe_loss(codes, torch.ones_like(labels), codes, labels)
    with pytest.raises(InputError, match="held-out features have 19 latents, expected 20"):
        probe_loss(codes, labels, dense[:, :19], labels)
    with pytest.raises(InputError, match=r"held-out labels have shape \(299,\)"):
        raw_probe(dense, labels, dense, labels[1:])
    with pytest.raises(InputError, match=r"of torch\.int64, expected a tensor of bools"):
        raw_probe(dense, labels.long(), dense, labels)
