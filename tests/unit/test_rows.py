"""Training rows: dense or sparse, in memory or on disk, normalised batch by batch to the same numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import sae.normaliser
from sae.architectures.relu_l1 import ReluL1
from sae.architectures.topk import TopK
from sae.config import TrainConfig
from sae.errors import NumericError
from sae.normaliser import Normaliser
from sae.records import Codes
from sae.rows import Rows
from sae.train import train

CHOSEN = torch.tensor([3, 0, 7, 7])


def sparse_rows(n=200, d=60, k=3):
    draw = torch.Generator().manual_seed(0)
    codes = Codes(1 + torch.rand(n, k, generator=draw), torch.rand(n, d, generator=draw).topk(k).indices, d)
    codes.values[::7, 1:] = 0  # padding
    codes.indices[::7, 1:] = 0
    return codes


def same_normaliser(one, two):
    torch.testing.assert_close(one.mean, two.mean)
    assert one.scale == pytest.approx(two.scale, rel=1e-6) and one.gamma == pytest.approx(two.gamma, rel=1e-6)


def test_a_batch_is_the_normalised_rows_with_these_numbers(toy_rows):
    rows = Rows.fit(toy_rows)
    batch = rows.batch(CHOSEN)
    torch.testing.assert_close(batch.x, rows.normaliser.apply(toy_rows)[CHOSEN])
    assert batch.given is None and (len(rows), rows.width) == (2000, 24)


def test_normalised_rows_have_mean_0_and_a_mean_square_of_1(toy_rows):
    x = Rows.fit(toy_rows * 50 + 3).batch(torch.arange(2000)).x
    assert float(x.mean(0).abs().max()) < 1e-5 and float(x.square().mean()) == pytest.approx(1, rel=1e-5)


def test_sparse_rows_have_the_normaliser_and_the_batches_of_their_dense_form():
    codes = sparse_rows()
    sparse, dense = Rows.fit(codes), Rows.fit(codes.dense())
    same_normaliser(sparse.normaliser, dense.normaliser)
    assert (len(sparse), sparse.width) == (len(dense), dense.width) == (200, 60)
    batch = sparse.batch(CHOSEN)
    torch.testing.assert_close(batch.x, dense.batch(CHOSEN).x)
    torch.testing.assert_close(batch.given.dense() / batch.scale - batch.offset, batch.x)


def test_rows_with_many_active_entries_are_not_gathered():
    codes = sparse_rows(d=20)
    assert Rows.fit(codes).batch(CHOSEN).given is None


def test_rows_are_summed_in_parts_without_a_seam(toy_rows, monkeypatch):
    whole = Normaliser.fit(toy_rows)
    monkeypatch.setattr(sae.normaliser, "CHUNK", 300)
    same_normaliser(whole, Normaliser.fit(toy_rows))
    bad = toy_rows.clone()
    bad[1234, 2] = torch.nan
    with pytest.raises(NumericError, match="row 1234 "):
        Normaliser.fit(bad)


def test_large_finite_rows_are_not_taken_for_infinite_ones():
    rows = torch.full((4, 3), 3e38)
    rows[0] = -3e38
    sae.normaliser.check_finite(rows)


@pytest.mark.parametrize(
    "empty", [torch.zeros(0, 4), Codes(torch.zeros(0, 1), torch.zeros(0, 1, dtype=torch.int64), 4)]
)
def test_no_rows_and_rows_that_do_not_vary_are_refused(empty):
    with pytest.raises(NumericError, match="no input rows"):
        Rows.fit(empty)
    with pytest.raises(NumericError, match="do not vary"):
        Rows.fit(torch.full((50, 4), 1.7))


# rows that are not normalised


def test_the_identity_gives_rows_as_they_are_and_measures_gamma_all_the_same(toy_rows):
    given = toy_rows * 50 + 3
    rows = Rows.fit(given, normalise=False)
    normaliser = rows.normaliser
    assert (normaliser.scale, normaliser.mean.dtype, float(normaliser.mean.abs().max())) == (1.0, torch.float32, 0.0)
    assert torch.equal(normaliser.apply(given), given) and torch.equal(normaliser.undo(given), given)
    assert torch.equal(rows.batch(CHOSEN).x, given[CHOSEN]) and normaliser.mean.shape == (24,)
    assert normaliser.gamma == pytest.approx(Normaliser.fit(given).gamma, rel=1e-6)


def test_the_identity_on_sparse_rows_has_nothing_to_take_off():
    codes = sparse_rows()
    rows = Rows.fit(codes, normalise=False)
    batch = rows.batch(CHOSEN)
    assert torch.equal(batch.x, codes.dense()[CHOSEN]) and torch.equal(batch.given.dense(), batch.x)
    assert batch.scale == 1.0 and torch.equal(batch.offset, torch.zeros(60))
    assert rows.normaliser.gamma == pytest.approx(Normaliser.fit(codes).gamma, rel=1e-6)


def test_gamma_by_hand():
    # mean (2, 0), of norm 2; squared distances 2, 2, 1, 1
    rows = torch.tensor([[3.0, 1.0], [1.0, -1.0], [3.0, 0.0], [1.0, 0.0]])
    assert Normaliser.identity(rows).gamma == pytest.approx(2 / 1.5**0.5)


@pytest.mark.parametrize("value", [0.0, 1.7, -3e38, 1e-40])
def test_rows_that_do_not_vary_are_no_reason_to_stop_without_normalisation(value):
    assert Rows.fit(torch.full((50, 4), value), normalise=False).normaliser.gamma == 0.0


@pytest.mark.parametrize("size", [1e-40, 1e-20, 1e20, 3e38])
def test_gamma_is_finite_whatever_the_size_of_the_rows(size):
    rows = size * torch.tensor([[1.0, 0.0], [-1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    assert Normaliser.identity(rows).gamma == pytest.approx(0.5 / 0.75**0.5, rel=1e-4)


@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
def test_rows_that_are_not_finite_are_refused_without_normalisation_too(bad, toy_rows):
    rows, codes = toy_rows.clone(), sparse_rows()
    rows[1234, 2] = codes.values[17, 0] = bad
    with pytest.raises(NumericError, match="row 1234 "):
        Rows.fit(rows, normalise=False)
    with pytest.raises(NumericError, match="row 17 "):
        Rows.fit(codes, normalise=False)
    with pytest.raises(NumericError, match="no input rows"):
        Rows.fit(rows[:0], normalise=False)


def test_a_code_that_is_not_finite_is_named_by_its_row():
    codes = sparse_rows()
    codes.values[17, 0] = torch.inf
    with pytest.raises(NumericError, match="row 17 "):
        Rows.fit(codes)


@pytest.mark.parametrize("normalise", [True, False])
@pytest.mark.parametrize("compiled", [True, False])
def test_training_on_sparse_rows_gives_what_their_dense_form_gives(compiled, normalise):
    codes = sparse_rows()
    config = TrainConfig(steps=15, batch=32, lr=1e-3, compiled=compiled, normalise=normalise)
    one, two = (train("topk", TopK(60, 70, k=3), rows, config, 0) for rows in (codes, codes.dense()))
    same_normaliser(one.normaliser, two.normaliser)
    for a, b in zip(one.sae.parameters(), two.sae.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-4)


def test_training_on_rows_on_disk_gives_the_same_bits(toy_rows, tmp_path):
    np.save(tmp_path / "rows.npy", toy_rows.numpy())
    mapped = torch.from_numpy(np.load(tmp_path / "rows.npy", mmap_mode="c"))
    config = TrainConfig(steps=5, batch=32)
    for name, kind in (("topk", TopK), ("relu_l1", ReluL1)):
        one, two = (train(name, kind(24, 48, k=3), rows, config, 0).sae for rows in (toy_rows, mapped))
        assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert np.array_equal(np.load(tmp_path / "rows.npy"), toy_rows.numpy())
