"""What every measure under `sae.measures` has to keep to; a new file there is tested here without a word."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import pytest
import torch

from sae.discover import find_all
from sae.evaluate import Reading, Seen, evaluate, versions
from sae.records import Codes

MEASURES = find_all("sae.measures")
ROWS, LATENTS, D_IN, CLASSES = 240, 12, 6, 4
PER_ROW = ("x", "x_hat", "host", "host_hat", "logits", "labels")
ALWAYS = ("codes", "scale", "unit", "n_classes")
each = pytest.mark.parametrize("name", MEASURES)


def seen_of(dense, seed=0):
    """Everything that a measure may ask for, at random, with codes `dense`."""
    draw = torch.Generator().manual_seed(seed)
    x, labels = torch.randn(ROWS, D_IN, generator=draw) + 3, torch.randint(0, CLASSES, (ROWS,), generator=draw)
    directions = torch.nn.functional.normalize(torch.randn(LATENTS, D_IN, generator=draw), dim=1)
    directions[:3] = torch.eye(D_IN)[:3]
    below = torch.relu(torch.randn(ROWS, 7, generator=draw))
    return Seen(
        codes=Codes.from_dense(dense), scale=1.5, unit=0.7, x=x,
        x_hat=x + 0.3 * torch.randn(ROWS, D_IN, generator=draw),
        host=2 * x, host_hat=2 * x + torch.randn(ROWS, D_IN, generator=draw),
        logits=torch.randn(ROWS, CLASSES, generator=draw), labels=labels, n_classes=CLASSES,
        chosen=torch.arange(LATENTS) % CLASSES, directions=directions, references=torch.eye(D_IN),
        host_directions=torch.randn(LATENTS, D_IN, generator=draw), host_offset=torch.full((D_IN,), 6.0),
        below=Codes.from_dense(below),
    )  # fmt: skip


@pytest.fixture
def seen():
    """Latents that fire often, seldom (latent 1, on 5 rows) and never (latent 0)."""
    draw = torch.Generator().manual_seed(5)
    dense = torch.relu(torch.randn(ROWS, LATENTS, generator=draw) - 0.5)
    dense[:, 0] = dense[5:, 1] = 0
    dense[:5, 1] = 1.0
    return seen_of(dense)


def part(seen, rows):
    """The rows `rows` of a batch."""
    both = {name: getattr(seen, name) for name in ("codes", "below")}
    codes = {name: Codes(z.values[rows], z.indices[rows], z.n_latents) for name, z in both.items()}
    return replace(seen, **codes, **{name: getattr(seen, name)[rows] for name in PER_ROW})


def read(name, *batches):
    measure = MEASURES[name]()
    for seen in batches:
        measure.update(seen)
    return measure.reading()


def assert_same(a, b, order=slice(None)):
    assert a.n == b.n
    assert b.value == pytest.approx(a.value, rel=1e-6, abs=1e-9, nan_ok=True)
    assert (a.latents is None) == (b.latents is None)
    if a.latents is not None:
        torch.testing.assert_close(a.latents[order], b.latents, rtol=1e-5, atol=1e-6, equal_nan=True)


@each
def test_it_says_what_it_is_and_what_it_needs(name):
    kind = MEASURES[name]
    assert kind.__doc__ and len(kind.__doc__) > 20
    assert "__doc__" in vars(kind), "a docstring of its own"
    assert type(kind.version) is int and kind.version >= 1 and versions()[name] == kind.version
    assert kind.on in ("input", "examples")
    assert isinstance(kind.needs, tuple) and set(kind.needs) <= {field.name for field in fields(Seen)}


@each
def test_it_reads_nothing_that_it_does_not_declare(name, seen):
    declared = {field: getattr(seen, field) for field in (*ALWAYS, *MEASURES[name].needs)}
    assert_same(read(name, seen), read(name, Seen(**declared)))


@each
def test_its_reading_is_a_number_with_a_count_and_one_value_a_latent(name, seen):
    reading = read(name, seen)
    assert isinstance(reading, Reading) and type(reading.value) is float and type(reading.n) is int
    assert math.isfinite(reading.value) and reading.n > 0
    assert reading.latents is None or reading.latents.shape == (LATENTS,)


@each
def test_one_batch_or_several_unequal_ones_make_no_difference(name, seen):
    pieces = torch.arange(ROWS).split([100, 1, 39, 100])
    assert_same(read(name, seen), read(name, *(part(seen, rows) for rows in pieces)))


@each
def test_the_order_of_the_rows_makes_no_difference(name, seen):
    order = torch.randperm(ROWS, generator=torch.Generator().manual_seed(1))
    assert_same(read(name, seen), read(name, part(seen, order)))


@each
def test_the_order_of_the_latents_makes_no_difference(name, seen):
    order = torch.randperm(LATENTS, generator=torch.Generator().manual_seed(1))
    weights = {field: getattr(seen, field)[order] for field in ("chosen", "directions", "host_directions")}
    shuffled = replace(seen, codes=Codes.from_dense(seen.dense[:, order]), **weights)
    assert_same(read(name, seen), read(name, shuffled), order)


@each
def test_sparse_and_dense_codes_read_the_same(name, seen):
    values, indices = seen.dense.topk(LATENTS - 1, dim=1)  # latent 0 is dead: nothing is lost
    assert_same(read(name, seen), read(name, replace(seen, codes=Codes(values, indices, LATENTS))))


@each
def test_it_changes_nothing_that_it_is_shown(name, seen):
    given = {field.name: getattr(seen, field.name) for field in fields(Seen)}
    tensors = {field: value for field, value in given.items() if isinstance(value, torch.Tensor)}
    tensors |= {"codes": seen.codes.values, "below": seen.below.values}
    before = {field: value.clone() for field, value in tensors.items()}
    read(name, seen, seen)
    assert all(torch.equal(value, tensors[field]) for field, value in before.items())


@each
def test_a_dead_sae_reads_as_nan_only_where_nothing_is_averaged_or_the_docstring_says_so(name):
    reading = read(name, seen_of(torch.zeros(ROWS, LATENTS)))
    if math.isnan(reading.value):
        assert reading.n == 0 or "NaN" in MEASURES[name].__doc__
    assert not math.isinf(reading.value)


@each
def test_reading_twice_gives_the_same(name, seen):
    measure = MEASURES[name]()
    measure.update(seen)
    assert_same(measure.reading(), measure.reading())


def test_evaluate_runs_what_reads_there_and_has_what_it_needs(seen):
    assert set(evaluate([seen], "input")) == {name for name, kind in MEASURES.items() if kind.on == "input"}
    assert set(evaluate([seen], "examples")) == {name for name, kind in MEASURES.items() if kind.on == "examples"}
    bare = Seen(codes=seen.codes)
    assert set(evaluate([bare], "input")) == {n for n, k in MEASURES.items() if k.on == "input" and not k.needs}
    assert set(evaluate([seen], "input", ("l0",))) == {"l0"}


def test_evaluate_is_one_pass_over_batches(seen):
    halves = iter([part(seen, slice(0, 100)), part(seen, slice(100, None))])
    whole = evaluate([seen], "examples")
    for name, reading in evaluate(halves, "examples").items():
        assert_same(whole[name], reading)
