"""Properties that every measure keeps, as the table in `measure_cases` says: a new measure has to get a row there."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from measure_cases import (
    CLASSES,
    LATENTS,
    MEASURES,
    PROMISES,
    UNBOUNDED,
    assert_same,
    batches,
    each,
    factors,
    in_order,
    part,
    quick,
    read,
    seeds,
    times,
)

IN_A_SPACE = ("x", "x_hat", "host", "host_hat", "directions", "references", "host_directions", "host_offset")
DATA = (*IN_A_SPACE, "logits", "scale", "unit")
PER_CODE = ("scale", "unit", "host_directions")  # what an activation of 1 is worth
judges = pytest.mark.parametrize("name", [name for name, promise in PROMISES.items() if promise.best is not None])


def shuffled(n, seed):
    return torch.randperm(n, generator=torch.Generator().manual_seed(seed))


def turned(seen, seed):
    """The batch with all that lives in the input's or the host's space rotated by one random rotation."""
    square = torch.randn(5, 5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    turn = torch.linalg.qr(square).Q
    return replace(seen, **{name: getattr(seen, name) @ turn for name in IN_A_SPACE})


def with_reconstruction(seen, make):
    """The batch with x_hat and host_hat made from x and host by `make`."""
    return replace(seen, x_hat=make(seen.x), host_hat=make(seen.host))


def test_the_table_knows_every_measure():
    assert set(PROMISES) == set(MEASURES), "a measure and its row in PROMISES come and go together"


@each
@quick
@given(batches())
def test_values_keep_within_their_bounds(name, seen):
    reading, (low, high) = read(name, seen), PROMISES[name].bounds
    assert reading.n >= 0
    values = [reading.value, *([] if reading.latents is None else reading.latents.tolist())]
    assert all(math.isnan(value) or low - 1e-12 <= value <= high + 1e-12 for value in values)
    assert not math.isinf(reading.value)


@each
@quick
@given(batches(), seeds, st.lists(st.integers(0, 25), max_size=4))
def test_batches_of_any_size_in_any_order_read_the_same(name, seen, seed, cuts):
    # equal cuts make empty batches; the first and the last may be empty too
    pieces = shuffled(len(seen.codes), seed).tensor_split(sorted(cuts))
    assert_same(read(name, seen), read(name, *(part(seen, rows) for rows in pieces)))


@each
@quick
@given(batches(), seeds)
def test_latents_in_another_order_give_the_same_value_and_their_own_in_that_order(name, seen, seed):
    order = shuffled(LATENTS, seed)
    assert_same(read(name, seen), read(name, in_order(seen, order)), order=order)


@each
@quick
@given(batches(), factors)
def test_data_and_reconstruction_scaled_together_change_units_and_nothing_else(name, seen, factor):
    assert_same(read(name, seen), read(name, times(seen, factor, *DATA)), power=factor ** PROMISES[name].power)


@each
@quick
@given(batches(), factors)
def test_the_units_of_the_codes_do_not_matter(name, seen, factor):
    # the same activations, written in other units of the SAE's own
    codes = replace(seen.codes, values=seen.codes.values * factor)
    assert_same(read(name, seen), read(name, times(replace(seen, codes=codes), 1 / factor, *PER_CODE)))


@each
@quick
@given(batches(lively=True), seeds)
def test_data_and_reconstruction_rotated_together_read_the_same(name, seen, seed):
    if PROMISES[name].turns:
        assert_same(read(name, seen), read(name, turned(seen, seed)))
    else:
        assert read(name, seen).value != pytest.approx(read(name, turned(seen, seed)).value, rel=1e-9), (
            "the table's exception is real"
        )


@each
@quick
@given(batches(), seeds)
def test_the_numbers_that_name_the_classes_do_not_matter(name, seen, seed):
    names = shuffled(CLASSES, seed)
    chosen = torch.where(seen.chosen >= 0, names[seen.chosen.clamp(min=0)], -1)
    logits = seen.logits[:, names.argsort()]
    assert_same(read(name, seen), read(name, replace(seen, labels=names[seen.labels], chosen=chosen, logits=logits)))


@judges
@quick
@given(batches())
def test_a_perfect_reconstruction_is_best(name, seen):
    best = PROMISES[name].best
    perfect = read(name, with_reconstruction(seen, lambda x: x))
    assert perfect.value == pytest.approx(best, abs=1e-12) and perfect.n == len(seen.codes)
    assert abs(read(name, seen).value - best) > 1e-6
    if PROMISES[name].bounds != UNBOUNDED:
        assert read(name, seen).value < best


@judges
@quick
@given(batches())
def test_predicting_the_mean_scores_what_the_table_says(name, seen):
    reading = read(name, with_reconstruction(seen, lambda x: x.mean(0).expand_as(x)))
    assert reading.value == pytest.approx(PROMISES[name].mean, abs=1e-10, nan_ok=True)
    # float32 rounds the mean itself: that must not pass for a direction or a length
    x, host = seen.x.float(), seen.host.float()
    low = replace(seen, x=x, host=host, x_hat=x.mean(0).expand_as(x), host_hat=host.mean(0).expand_as(host))
    assert read(name, low).value == pytest.approx(PROMISES[name].mean, abs=1e-5, nan_ok=True)


@quick
@given(batches(), st.sampled_from([0.05, 0.5, 0.9, 1.7]))
def test_pulling_a_perfect_reconstruction_to_the_mean_is_all_shrinkage(seen, pull):
    shrunk = with_reconstruction(seen, lambda x: x.mean(0) + pull * (x - x.mean(0)))
    assert read("shrinkage", shrunk).value == pytest.approx(pull, rel=1e-6)
    assert read("cosine", shrunk).value == pytest.approx(1, rel=1e-6)
    assert read("variance_explained", shrunk).value == pytest.approx(1 - (1 - pull) ** 2, rel=1e-6)


@quick
@given(batches(lively=True))
def test_counts_of_latents_agree_with_each_other(seen):
    dead, live, density = (read(name, seen) for name in ("dead_count", "live_share", "density"))
    assert dead.value == LATENTS - density.n == pytest.approx(LATENTS * (1 - live.value))
    some = density.n - int((density.latents == 0).sum())  # log10 of 1: always on
    assert read("phi", seen).n == some * (some - 1) // 2
